"""A key goes to the host that it is meant for, and is written nowhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.batch.conftest import fill
from tests.conftest import Result
from tests.engine.server import fake as faults
from tests.engine.server.fake import HTML, Fake, Running, status
from vlmcli.engine.server.address import parse_address
from vlmcli.engine.server.keys import find_secrets
from vlmcli.errors import UsageError

__all__ = ["fill"]

Run = Callable[..., Result]
Write = Callable[[str], Path]

KEY = "sk-very-secret-0123456789"
TOKEN = "token-of-the-team-42"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VLM_API_KEY", "OPENAI_API_KEY", "OFFICE_KEY"):
        monkeypatch.delenv(name, raising=False)


def sent(address: str, variable: str = "", headers: dict[str, str] | None = None) -> dict[str, str]:
    return find_secrets(parse_address(address), variable, headers or {}).headers


def test_vlm_api_key_is_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_API_KEY", KEY)
    for here in ("http://127.0.0.1:8080", "http://localhost:1", "https://[::1]:8", "http://127.8.9.1"):
        assert sent(here) == {"Authorization": f"Bearer {KEY}"}
    for there in ("https://example.org", "http://192.168.1.7:8080", "https://127.0.0.1.example.org", "http://[::2]"):
        assert sent(there) == {}


def test_openai_api_key_is_for_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert sent("https://api.openai.com/v1") == {"Authorization": f"Bearer {KEY}"}
    for other in ("http://api.openai.com/v1", "https://api.openai.com.example.org", "http://127.0.0.1:8080"):
        assert sent(other) == {}


def test_a_named_variable_is_for_the_servers_of_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFICE_KEY", f" {KEY}\n")
    assert sent("https://example.org", "OFFICE_KEY") == {"Authorization": f"Bearer {KEY}"}
    assert sent("https://example.org", "", {"api-key": "$OFFICE_KEY", "x-team": "maps"}) == {
        "api-key": KEY,
        "x-team": "maps",
    }
    with pytest.raises(UsageError, match="The variable NO_SUCH, which should hold a key, is not set"):
        sent("https://example.org", "NO_SUCH")
    monkeypatch.setenv("OFFICE_KEY", "a\nb: c")
    with pytest.raises(UsageError) as caught:
        sent("https://example.org", "OFFICE_KEY")
    assert "a\nb" not in str(caught.value)


def test_a_keyring_is_asked_by_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(service: str, user: str) -> str | None:
        return KEY if (service, user) == ("vlm", "example.org") else None

    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get))
    assert sent("https://example.org") == {"Authorization": f"Bearer {KEY}"}
    assert sent("https://other.example.org") == {}

    def broken(service: str, user: str) -> str:
        raise RuntimeError("locked")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=broken))
    assert sent("https://example.org") == {}


def test_a_url_with_more_in_it_is_refused_without_being_repeated(vlm: Run, picture: str) -> None:
    for url in (f"https://me:{KEY}@example.org/v1", f"https://example.org/v1?key={KEY}", f"https://example.org/#{KEY}"):
        result = vlm("describe", picture, "--engine", url)
        assert result.code == 2
        assert KEY not in result.stderr
        assert "holds more than host, port and path" in result.stderr


# --- nowhere ------------------------------------------------------------------------------------------------


def echo(code: int) -> faults.Fault:
    """A server that repeats what it was sent."""

    def fault(handler: faults.Handler) -> None:
        said = " ".join(handler.headers.values())
        handler.reply(code, {"error": {"message": f"Incorrect key: {said}"}})

    return fault


def echo_in_the_stream(handler: faults.Handler) -> None:
    handler.begin()
    handler.piece(faults.event({"error": {"message": f"no: {handler.headers['Authorization']}", "code": 400}}))
    handler.wfile.write(b"0\r\n\r\n")


FAULTS: dict[str, faults.Fault] = {
    **{str(code): echo(code) for code in (400, 401, 403, 404, 413, 422, 429, 500, 503)},
    "stream": echo_in_the_stream,
    "page": status(200, HTML + KEY, "text/html"),
    "redirect": status(307, "", Location=f"https://elsewhere.example/{KEY}?key={KEY}"),
    "cut": faults.cut,
    "hang up": faults.silent_end,
    "stall": faults.stall,
    "no answer": faults.no_answer,
    "well": faults.answer,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_key_is_written_nowhere(
    vlm: Run,
    fill: Any,
    serve: Callable[[Fake], Running],
    write_config: Write,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    fault: faults.Fault,
) -> None:
    """Whatever goes wrong, in one answer and in a job: not in what is said, the ledger, the caches, or any file."""
    for name, value in (("_FIRST_TRY_S", 0.01), ("_LONGEST_TRY_S", 0.02)):
        monkeypatch.setattr(f"vlmcli.engine.server.fleet.{name}", value)
    monkeypatch.setattr("vlmcli.engine.server.dispatch.pause_s", lambda tries: 0.01)
    monkeypatch.setenv("OFFICE_KEY", KEY)
    monkeypatch.setenv("TEAM_TOKEN", TOKEN)
    monkeypatch.setenv("VLM_CACHE", "on")
    fake = serve(Fake(key=KEY, always=fault)).fake
    limits = "timeout = 0.2\npatience = 0.3"
    headers = 'headers = { x-team = "$TEAM_TOKEN" }'
    write_config(f'[engines.office]\nurl = "{fake.url}"\nkey_variable = "OFFICE_KEY"\n{headers}\n{limits}\n')
    names = fill(2)
    results = [
        vlm("describe", names[0], "--engine", "office", "--format", "json", "--verbose", "--stats"),
        vlm("describe", "photos", "-r", "--engine", "office", "-o", "x.jsonl"),
        vlm("config"),
    ]
    chat = fake.chats[0]
    assert (chat.headers["authorization"], chat.headers["x-team"]) == (f"Bearer {KEY}", TOKEN)
    written = "".join(result.stdout + result.stderr for result in results)
    home = Path(tmp_path_factory.getbasetemp())
    files = [path for folder in (tmp_path, *home.glob("home-*")) for path in folder.rglob("*") if path.is_file()]
    written += "".join(path.read_bytes().decode("latin-1") for path in files)
    assert len(written) > 100
    assert KEY not in written
    assert TOKEN not in written
    assert "Traceback" not in written


def test_a_redirect_is_not_followed(
    vlm: Run, picture: str, serve: Callable[[Fake], Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLM_API_KEY", KEY)
    other = serve(Fake()).fake
    fake = serve(Fake(always=status(307, "", Location=f"{other.url}/v1/chat/completions"))).fake
    result = vlm("describe", picture, "--engine", fake.url)
    assert result.code == 8
    assert f"{fake.url} leads on to {other.url}/v1" in result.stderr
    assert other.asked == []


def test_plain_http_to_another_machine_is_told_of_once(
    vlm: Run, picture: str, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`far.test` is this machine, but vlm does not know that."""
    import socket

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))
    far = fake.url.replace("127.0.0.1", "far.test")
    result = vlm("describe", picture, picture, "--engine", far, "--format", "jsonl")
    assert result.stderr == f"vlm: {far}: pictures and answers go there in the clear (http)\n"
    assert len([json.loads(line) for line in result.stdout.splitlines()]) == 2
    assert vlm("describe", picture, "--engine", far, "--quiet").stderr == ""
