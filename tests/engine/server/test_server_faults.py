"""What goes wrong with a server: a sentence, an exit code, and nothing lost that was said already."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Result
from tests.engine.server import fake as faults
from tests.engine.server.fake import ANSWER, HTML, Fake, Running, status
from vlmcli import Vlm
from vlmcli.errors import ServerError

Run = Callable[..., Result]
Write = Callable[[str], Path]


def ask(vlm: Run, picture: str, url: str, *more: str, question: str = "What?") -> Result:
    return vlm("ask", picture, question, "--engine", url, *more)


def test_an_answer(vlm: Run, picture: str, fake: Fake) -> None:
    result = ask(vlm, picture, fake.url, "--format", "json")
    record = json.loads(result.stdout)
    assert (result.code, result.stderr) == (0, "")
    assert (record["text"], record["model"], record["stop_reason"]) == (ANSWER, "circle-1", "end")
    assert (record["tokens"]["prompt"], record["tokens"]["answer"]) == (100, 4)
    assert fake.chats[0].path == "/v1/chat/completions"


@pytest.mark.parametrize(
    "fault", [faults.without_done, faults.at_once, faults.answer], ids=["without [DONE]", "at once", "as usual"]
)
def test_it_answers_all_the_same(vlm: Run, picture: str, fake: Fake, fault: faults.Fault) -> None:
    fake.always = fault
    assert ask(vlm, picture, fake.url) == Result(0, f"{ANSWER}\n", "")


@pytest.mark.parametrize(
    ("first", "tries"),
    [
        ([status(500, "oops"), status(500, "oops")], 3),
        ([faults.silent_end], 2),
        ([faults.error_in_the_stream, status(502, "<html>", "text/html")], 3),
        ([status(429, "slow down", Retry_After="0")], 2),
        ([status(503, "busy", Retry_After="0.1")], 2),
    ],
    ids=["500 twice", "hangs up", "an error for words", "429", "503"],
)
def test_it_is_asked_again(
    vlm: Run, picture: str, fake: Fake, first: list[faults.Fault], tries: int, quick: None
) -> None:
    fake.faults.extend(first)
    assert ask(vlm, picture, fake.url) == Result(0, f"{ANSWER}\n", "")
    assert len(fake.chats) == tries


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries that nobody waits for."""
    monkeypatch.setattr("vlmcli.engine.server.dispatch.pause_s", lambda tries: 0.01)
    monkeypatch.setattr("vlmcli.engine.server.fleet._FIRST_TRY_S", 0.01)
    monkeypatch.setattr("vlmcli.engine.server.fleet._LONGEST_TRY_S", 0.05)
    monkeypatch.setattr("vlmcli.engine.server.pace._BREATH_S", 0.01)


def test_how_long_429_says_to_wait_is_waited(vlm: Run, picture: str, fake: Fake) -> None:
    times: list[float] = []

    def note(handler: faults.Handler) -> None:
        import time

        times.append(time.monotonic())
        (status(429, "", Retry_After="1") if len(times) == 1 else faults.answer)(handler)

    fake.always = note
    assert ask(vlm, picture, fake.url).code == 0
    assert times[1] - times[0] >= 1.0


def test_a_wait_for_a_busy_server_is_told_of_once(vlm: Run, picture: str, fake: Fake, quick: None) -> None:
    fake.faults.extend([status(429, "slow down", Retry_After="1")] * 2)
    result = ask(vlm, picture, fake.url)
    words = f"vlm: {fake.url} has too much to do (429): slow down. Waiting for it, up to 121 seconds.\n"
    assert result == Result(0, f"{ANSWER}\n", words)


@pytest.mark.parametrize(
    ("fault", "code", "sentence", "hint"),
    [
        (status(401, "no"), 8, "wants a key, or another one (401): no.", "config set engines.NAME.key_variable"),
        (status(403, "no"), 8, "does not let us in (403)", "key_variable"),
        (status(404, "File Not Found"), 8, "There is no {url}/v1/chat/completions (404).", "--engine {url}"),
        (status(404, "model 'circle-1' not found"), 4, "has no model circle-1", "curl {url}/v1/models"),
        (faults.page, 8, "answers with a web page (200): a login, a proxy", "browser"),
        (status(403, HTML, "text/html"), 8, "does not let us in (403).", "key_variable"),
        (
            status(500, "image input is not supported - hint: you may need the mmproj"),
            4,
            "takes no pictures",
            "--mmproj",
        ),
        (status(400, "circle-1 is not a multimodal model"), 4, "takes no pictures", "--mmproj"),
        (status(400, "request (10152 tokens) exceeds the available context size"), 5, "It does not fit", "-c 8192"),
        (status(413, ""), 8, "The picture is too large", "picture_limit"),
        (
            status(307, "", Location="https://elsewhere.example/v1/chat/completions"),
            8,
            "leads on to https://elsew",
            "If",
        ),
        (status(422, {"detail": [{"msg": "field required"}]}), 8, "refused the request (422): field required.", ""),
        (status(500, "oops"), 8, "failed (500): oops.", "log"),
        (faults.error_in_the_stream, 8, "failed (500): the GPU fell off the bus.", "log"),
        (faults.no_answer, 8, "is not what /chat/completions answers", "--engine"),
        (faults.silent_end, 8, "ended the connection without an answer", "log"),
    ],
)
def test_a_sentence(
    vlm: Run, picture: str, fake: Fake, fault: faults.Fault, code: int, sentence: str, hint: str, quick: None
) -> None:
    fake.always = fault
    result = ask(vlm, picture, fake.url)
    assert (result.code, result.stdout) == (code, "")
    assert sentence.format(url=fake.url) in result.stderr
    assert hint.format(url=fake.url) in result.stderr.partition("\n")[2]
    assert "Traceback" not in result.stderr


def test_nothing_listens(vlm: Run, picture: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    result = ask(vlm, picture, url)
    assert result.code == 8
    assert result.stderr.startswith(
        f"vlm: Nothing listens at {url}: is the server running?\n  Start one: llama-server -m"
    )


def test_no_tls_there(vlm: Run, picture: str, fake: Fake) -> None:
    result = ask(vlm, picture, fake.url.replace("http:", "https:"))
    assert result.code == 8
    assert "does not speak TLS as it should." in result.stderr
    assert f"--engine {fake.url}" in result.stderr


@pytest.fixture
def secure(tmp_path: Path, fake: Fake) -> Iterator[tuple[str, Path]]:
    """The fake behind TLS, and the certificate, which nobody signed."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, "req", *made, *name], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handler = type("SecureHandler", (faults.Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"https://localhost:{server.server_port}", certificate
    server.shutdown()
    server.server_close()


def test_a_certificate_that_nobody_signed(
    vlm: Run, picture: str, secure: tuple[str, Path], fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = secure
    result = ask(vlm, picture, url)
    assert result.code == 8
    assert result.stderr.startswith(f"vlm: The certificate of {url} is not to be trusted: self")
    assert "export SSL_CERT_FILE=" in result.stderr
    assert fake.asked == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert ask(vlm, picture, url) == Result(0, f"{ANSWER}\n", "")


def test_no_http_there(vlm: Run, picture: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            connection, _ = listening.accept()
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
            connection.close()

        threading.Thread(target=greet, daemon=True).start()
        result = ask(vlm, picture, f"http://127.0.0.1:{listening.getsockname()[1]}")
    assert result.code == 8
    assert "is no HTTP." in result.stderr


# --- in the middle of an answer -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [faults.cut, faults.stall_in_the_middle], ids=["cut", "stalls"])
def test_what_was_said_of_a_cut_answer_is_kept_and_called_so(
    vlm: Run, picture: str, fake: Fake, fault: faults.Fault, write_config: Write
) -> None:
    fake.always = fault
    write_config(f'[engines.near]\nurl = "{fake.url}"\ntimeout = 0.3\n')
    result = ask(vlm, picture, "near", "--format", "jsonl")
    record = json.loads(result.stdout)
    assert "A red circle.".startswith(record["text"])
    assert record["text"]
    assert (record["stop_reason"], record["cut_short"], record["error"]) == ("connection", True, None)
    assert len(fake.chats) == 1  # its words were seen, so it is not begun again


def test_a_cut_answer_is_told_of(vlm: Run, picture: str, fake: Fake) -> None:
    fake.always = faults.cut
    result = ask(vlm, picture, fake.url)
    assert result.stdout == "A red circle\n"
    assert result.stderr == f"vlm: {picture}: cut short: the server cut it off\n"


def test_of_many_a_cut_answer_is_begun_again(vlm: Run, draw: Any, picture: str, fake: Fake, quick: None) -> None:
    draw("b.png", "blue")
    fake.faults.extend([faults.cut, faults.cut])
    result = vlm("ask", picture, "b.png", "-q", "What?", "--engine", fake.url)
    assert result.code == 0
    assert result.stdout.count(ANSWER) == 2
    assert len(fake.chats) == 4


def test_a_line_without_end_is_one_answer_lost(
    vlm: Run, draw: Any, picture: str, fake: Fake, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlmcli.engine.server.events._LONGEST_LINE", 1 << 16)
    names = [picture, *(draw(f"{n}.png", "blue").name for n in range(3))]
    fake.faults.extend([None, None, faults.endless_line])
    result = vlm("ask", *names, "-q", "What?", "--engine", fake.url)
    assert (result.code, result.stdout.count(ANSWER)) == (0, 4)
    assert len(fake.chats) == 5


def test_a_server_that_says_nothing_is_given_up(
    vlm: Run, picture: str, fake: Fake, write_config: Write, quick: None
) -> None:
    fake.always = faults.stall
    write_config(f'[engines.near]\nurl = "{fake.url}"\ntimeout = 0.1\n')
    result = ask(vlm, picture, "near")
    assert result.code == 8
    assert "has said nothing for 0.1 seconds." in result.stderr


def test_a_timeout_keeps_what_was_said(vlm: Run, picture: str, fake: Fake) -> None:
    fake.always = faults.stall_in_the_middle
    result = ask(vlm, picture, fake.url, "--timeout", "0.5", "--format", "jsonl")
    record = json.loads(result.stdout)
    assert (record["text"], record["stop_reason"]) == ("A red", "timeout")


def test_a_timeout_without_a_word_is_an_error(vlm: Run, picture: str, fake: Fake) -> None:
    fake.always = faults.stall
    result = ask(vlm, picture, fake.url, "--timeout", "0.3")
    words = f"vlm: There was no word of an answer about {picture} within 0.3 seconds.\n  More time: --timeout SECONDS\n"
    assert result == Result(8, "", words)


# --- models -------------------------------------------------------------------------------------------------


def test_of_several_models_one_must_be_named(vlm: Run, picture: str, fake: Fake) -> None:
    fake.models = ("one", "two:latest")
    result = ask(vlm, picture, fake.url)
    assert (result.code, result.stderr) == (
        4,
        f"vlm: {fake.url} has 2 models, and none was named.\n  --model one\n  --model two:latest\n",
    )
    assert ask(vlm, picture, fake.url, "--model", "two").code == 0
    assert fake.chats[-1].body["model"] == "two:latest"
    result = ask(vlm, picture, fake.url, "--model", "three")
    assert result.code == 4
    assert result.stderr.startswith(f"vlm: {fake.url} has no model three.\n  --model one\n")


def test_a_server_without_a_list_is_told_the_name(vlm: Run, picture: str, fake: Fake) -> None:
    fake.at_models = status(404, "File Not Found")
    assert ask(vlm, picture, fake.url).code == 4
    assert ask(vlm, picture, fake.url, "--model", "mine").code == 0
    assert fake.chats[-1].body["model"] == "mine"


def loading(handler: faults.Handler) -> None:
    status(503, "Loading model")(handler)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps a list of models is asked often, and not waited for when nobody is told."""
    monkeypatch.setattr("vlmcli.engine.server.finding._LOADING_S", 0.01)
    monkeypatch.setattr("vlmcli.engine.server.finding._ANSWERS_IN_S", 0.2)


def test_a_server_that_is_still_loading_is_waited_for_and_that_is_said(
    vlm: Run, picture: str, fake: Fake, soon: None
) -> None:
    def loading_for_long(handler: faults.Handler) -> None:
        if len(fake.asked) == 40:
            fake.at_models = None
        loading(handler)

    fake.at_models = loading_for_long
    words = f"vlm: {fake.url} is not ready yet: waiting for it, up to 300 seconds\n"
    assert ask(vlm, picture, fake.url) == Result(0, f"{ANSWER}\n", words)


def test_a_server_that_is_ready_is_not_kept_waiting_by_one_that_loads(
    vlm: Run, picture: str, fake: Fake, serve: Callable[[Fake], Running], write_config: Write
) -> None:
    slow = serve(Fake(at_models=loading)).fake
    write_config(f'[engines.both]\nurls = ["{slow.url}", "{fake.url}"]\n')
    assert ask(vlm, picture, "both").stderr == ""
    assert len(slow.asked) - len(slow.chats) == 1


def test_a_server_that_does_not_get_ready_is_given_up_with_what_it_says(
    vlm: Run, picture: str, fake: Fake, write_config: Write, soon: None
) -> None:
    fake.at_models = loading
    write_config(f'[engines.near]\nurl = "{fake.url}"\ntimeout = 0.3\n')
    result = ask(vlm, picture, "near")
    assert result.code == 8
    assert f"vlm: {fake.url} has too much to do (503): Loading model.\n" in result.stderr
    assert "It was so for 0.3 seconds. More patience: timeout = SECONDS" in result.stderr
    with pytest.raises(ServerError) as error:
        Vlm(engine=fake.url)  # nobody is told
    assert "for 0.2 seconds." in error.value.hint


EVIL = "\x1b[31mred\x1b]0;title\x07\u202e\ud800"


def test_escape_codes_of_a_server_reach_nobody(vlm: Run, picture: str, fake: Fake) -> None:
    fake.models = (f"m{EVIL}", "circle-1")
    fake.faults.extend([status(400, EVIL), status(302, "", Location="https://a/\x1b[31m"), status(401, EVIL)])
    for _ in range(3):
        result = ask(vlm, picture, fake.url)
        assert result.code == 8
        assert "\x1b" not in result.stderr
        assert "\u202e" not in result.stderr
    fake.words = ("A ", EVIL, " one")
    result = ask(vlm, picture, fake.url)
    assert result.code == 0
    assert "\x1b" not in result.stdout
    assert result.stdout.startswith("A ")
    assert result.stdout.endswith(" one\n")


@pytest.mark.parametrize("option", [["--mmproj", "a.gguf"], ["--chat-template", "a.jinja"]])
def test_what_is_the_server_s_own_is_not_given(vlm: Run, picture: str, fake: Fake, option: list[str]) -> None:
    result = ask(vlm, picture, fake.url, *option)
    assert result.code == 2
    assert result.stderr.startswith(f"vlm: {option[0]} is for a model here")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--gpu", "all"], "--gpu"),
        (["--no-projector-gpu", "--threads", "2", "--kv-type", "q8_0"], "--no-projector-gpu, --kv-type, --threads"),
    ],
    ids=["one", "several"],
)
def test_options_about_this_machine_have_no_effect_there_and_that_is_said(
    vlm: Run, picture: str, fake: Fake, options: list[str], named: str
) -> None:
    note = f"vlm: {named}: no effect with a server, which has its own\n"
    assert ask(vlm, picture, fake.url, *options) == Result(0, f"{ANSWER}\n", note)
    assert ask(vlm, picture, fake.url, *options, "--quiet").stderr == ""


def test_settings_about_this_machine_are_not_for_a_server(
    vlm: Run, picture: str, fake: Fake, write_config: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config('gpu = "all"\nkv_type = "q8_0"\n')
    monkeypatch.setenv("VLM_THREADS", "2")
    assert ask(vlm, picture, fake.url) == Result(0, f"{ANSWER}\n", "")


def test_two_servers_share_the_work_and_one_may_be_dead(
    vlm: Run, draw: Any, picture: str, fake: Fake, serve: Callable[[Fake], Running], write_config: Write, quick: None
) -> None:
    other = serve(Fake())
    names = [picture, *(draw(f"{n}.png", "blue").name for n in range(7))]
    fake.delay_s = other.fake.delay_s = 0.02
    write_config(f'[engines.both]\nurls = ["{fake.url}", "{other.fake.url}"]\n')
    assert vlm("describe", *names, "--engine", "both").stdout.count(ANSWER) == 8
    assert min(len(fake.chats), len(other.fake.chats)) >= 2
    other.stop()
    before = len(fake.chats)
    result = vlm("describe", *names, "--engine", "both")
    assert (result.code, result.stdout.count(ANSWER)) == (0, 8)
    assert len(fake.chats) == before + 8
    other.start()
