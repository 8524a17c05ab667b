"""What a repository holds, and what is said when it cannot be told."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.hub.conftest import FILES, REPO, WEIGHTS
from tests.hub.repositories import Repeated
from tests.hub.server import Fault, HubServer
from vlmcli.errors import HubUnreachable, ModelDamaged, ModelError, ModelGated, ModelNotFound, UsageError, VlmError
from vlmcli.models.hub import list_repository, pull, read_start
from vlmcli.models.repository import RepoFile

TREE = {"sub/model-00001-of-00002.gguf": WEIGHTS, "README.md": b"# A model\n"}


def test_a_list_has_all_that_choosing_needs(hub: HubServer) -> None:
    commit = hub.add(REPO, TREE, licence="llama2", gated=True)
    found = list_repository(REPO)
    stored = hub.repositories[REPO].commits[commit]
    assert (found.id, found.commit, found.revision) == (REPO, commit, "main")
    assert (found.licence, found.gated, found.folder) == ("llama2", True, None)
    assert found.files == (
        RepoFile("sub/model-00001-of-00002.gguf", len(WEIGHTS), sha256=stored["sub/model-00001-of-00002.gguf"].sha256),
        RepoFile("README.md", 10, blob_id=stored["README.md"].blob_id),
    )


def test_a_list_at_a_revision(hub: HubServer) -> None:
    old = hub.add(REPO, FILES)
    new = hub.add(REPO, TREE, licence="")
    assert list_repository(REPO, old).commit == old
    assert (list_repository(REPO).commit, list_repository(REPO).licence) == (new, "")
    hub.add(REPO, FILES, revision="refs/pr/1")
    assert len(list_repository(REPO, "refs/pr/1").files) == 3


def test_names_that_no_system_could_store_are_left_out(hub: HubServer) -> None:
    bad = ("../up.gguf", "/etc/passwd", "a/../../b.gguf", "c:\\x.gguf", "C:x.gguf", "nul.gguf", "a\0b", "a//b", "a/.")
    hub.add(REPO, dict.fromkeys(bad, b"x") | {"good.gguf": b"x"})
    assert [file.path for file in list_repository(REPO).files] == ["good.gguf"]


# --- the first bytes ----------------------------------------------------------------------------------------


def test_the_first_bytes_of_a_file(hub: HubServer) -> None:
    hub.add(REPO, FILES)
    repository = list_repository(REPO)
    weights, _, readme = repository.files
    assert read_start(repository, weights, 1000) == WEIGHTS[:1000]
    assert hub.bytes_sent == 1000
    assert read_start(repository, readme, 1000) == FILES["README.md"]
    assert read_start(repository, readme, 0) == b""
    assert all(request.headers["range"] for request in hub.gets(path="resolve"))


def test_the_first_bytes_from_a_server_without_ranges(hub: HubServer) -> None:
    """It is not listened to for longer than needed."""
    hub.add(REPO, {"large.gguf": Repeated(WEIGHTS, 50 * 10**6)})
    repository = list_repository(REPO)
    hub.fault = Fault(ignore_range=True)
    assert read_start(repository, repository.files[0], 1000) == WEIGHTS[:1000]
    assert hub.bytes_sent < 20 * 10**6


def test_the_first_bytes_that_one_may_not_read(hub: HubServer) -> None:
    hub.add(REPO, FILES, gated=True)
    repository = list_repository(REPO)
    with pytest.raises(ModelGated):
        read_start(repository, repository.files[0], 1000)


def test_the_first_bytes_after_an_interruption(hub: HubServer) -> None:
    hub.add(REPO, FILES)
    repository = list_repository(REPO)
    hub.faults = [Fault(cut_after=10), Fault(status=503)]
    assert read_start(repository, repository.files[0], 1000) == WEIGHTS[:1000]
    hub.fault = Fault(gzip=True)
    with pytest.raises(HubUnreachable, match="compresses"):
        read_start(repository, repository.files[0], 1000)


# --- refusals -----------------------------------------------------------------------------------------------


def failure_of(repo_id: str = REPO, revision: str = "main") -> VlmError:
    with pytest.raises(VlmError) as failure:
        list_repository(repo_id, revision)
    assert str(failure.value).endswith(".")
    assert "\n" not in str(failure.value)
    assert failure.value.hint
    return failure.value


def test_no_such_repository(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    said = failure_of("someone/nothing")
    host = hub.url.removeprefix("http://")
    assert isinstance(said, ModelNotFound)
    assert str(said) == f"There is no model someone/nothing at {host}, or it is private."
    assert f"{hub.url}/models?library=gguf" in said.hint
    hub.add("someone/private", FILES, private=True)
    assert isinstance(failure_of("someone/private"), ModelNotFound)
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert list_repository("someone/private").files
    assert isinstance(failure_of("someone/nothing"), ModelNotFound)


def test_no_such_revision(hub: HubServer) -> None:
    hub.add(REPO, FILES)
    said = failure_of(REPO, "nothing")
    assert isinstance(said, ModelNotFound)
    assert str(said) == f"{REPO} has no such revision."


@pytest.mark.parametrize(
    "repo_id",
    ["", "a/b/c", "../x", "a/..", "-a/b", "a b/c", "a/b\n", "a--b/c", "https://huggingface.co/a/b", "ü/b", "x" * 97],
)
def test_no_name_of_a_repository(hub: HubServer, repo_id: str) -> None:
    said = failure_of(repo_id)
    assert isinstance(said, ModelNotFound)
    assert "OWNER/NAME" in said.hint
    assert not hub.requests


@pytest.mark.parametrize("revision", ["", "..", "../../x", "a\0b", "/etc"])
def test_no_name_of_a_revision(hub: HubServer, revision: str) -> None:
    assert isinstance(failure_of(REPO, revision), ModelNotFound)
    assert not hub.requests


@pytest.mark.parametrize(
    ("fault", "kind", "sentence"),
    [
        (
            Fault("api", status=401, headers={"X-Error-Message": "Invalid credentials in Authorization header"}),
            ModelGated,
            "does not know the token in HF_TOKEN, or the stored one.",
        ),
        (Fault("api", status=403), ModelGated, "is only for those who accepted its licence."),
        (Fault("api", status=418), HubUnreachable, "answers 418."),
        (Fault("api", status=503), HubUnreachable, "answers 503."),
        (Fault("api", status=429, headers={"Retry-After": "0"}), HubUnreachable, "answers 429."),
        (Fault("api", drop=True), HubUnreachable, "the connection broke off."),
        (Fault("api", status=200, body=b"<html>Please log in</html>"), HubUnreachable, "that is no list of files."),
        (Fault("api", status=200, body=b"\xff\xfe"), HubUnreachable, "that is no list of files."),
        (Fault("api", status=200, body=b"[]"), HubUnreachable, "that is no list of files."),
        (Fault("api", status=200, body=b"null"), HubUnreachable, "that is no list of files."),
        (Fault("api", status=200, body=b'{"error": "no"}'), HubUnreachable, "that is no list of files."),
        (Fault("api", status=200, body=b'{"id": "a/b"}'), HubUnreachable, "a commit that cannot be one."),
        (Fault("api", status=200, body=b'{"id": "a/b", "sha": "../x"}'), HubUnreachable, "that cannot be one."),
        (Fault("api", status=307, headers={"Location": "/api/models/x"}), HubUnreachable, "leads on and on."),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_the_hub_may_answer(hub: HubServer, fault: Fault, kind: type[VlmError], sentence: str) -> None:
    hub.add(REPO, FILES)
    fault.times = -1
    hub.fault = fault
    said = failure_of()
    assert type(said) is kind
    assert str(said).endswith(sentence)


@pytest.mark.parametrize("fault", [Fault("api", status=503, times=2), Fault("api", drop=True, times=2)])
def test_what_passes_is_waited_out(hub: HubServer, fault: Fault) -> None:
    hub.add(REPO, FILES)
    hub.fault = fault
    assert list_repository(REPO).files
    assert len(hub.gets()) in (1, 3)


def test_a_list_is_not_waited_for_very_long(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():  # others may still be at work
            slept.append(seconds)

    monkeypatch.setattr("time.sleep", sleep)
    hub.add(REPO, FILES)
    hub.fault = Fault("api", status=429, headers={"Retry-After": "60"}, times=-1)
    assert isinstance(failure_of(), HubUnreachable)
    assert not slept


def test_a_file_without_a_checksum_is_not_pulled(hub: HubServer, pull_all: object) -> None:
    from dataclasses import replace

    hub.add(REPO, FILES)
    repository = list_repository(REPO)
    for change in ({"sha256": ""}, {"sha256": "../../x"}, {"path": "../x"}, {"sha256": "A" * 64}, {"size_bytes": -1}):
        with pytest.raises(ModelDamaged):
            next(pull(repository, [replace(repository.files[0], **change)]))
    for field in ({"commit": "../.."}, {"revision": "../x"}, {"id": "../x"}):
        with pytest.raises(ModelDamaged):
            next(pull(replace(repository, **field), repository.files))
    assert not hub.gets(path="resolve")


# --- no way to the Hub --------------------------------------------------------------------------------------


def test_offline_nothing_is_asked(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(variable, "1")
        said = failure_of()
        assert isinstance(said, HubUnreachable)
        assert str(said) == f"{REPO} cannot be had: {variable} forbids asking the Hub."
        monkeypatch.delenv(variable)
    assert not hub.requests


def test_the_library_was_told_to_stay_offline(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """By code that imported it before us."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert isinstance(failure_of(), HubUnreachable)


def unused_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def test_nobody_listens(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = unused_port()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    said = failure_of()
    assert isinstance(said, HubUnreachable)
    assert str(said) == f"{REPO} cannot be had: 127.0.0.1 refuses the connection."
    assert said.hint == (
        f"HF_ENDPOINT is http://127.0.0.1:{port}: is it right?  unset HF_ENDPOINT\n"
        "Models that are here work without it: vlm models"
    )


def test_an_address_that_is_not_known(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.delenv("HF_ENDPOINT")
    said = failure_of()
    assert isinstance(said, HubUnreachable)
    assert str(said) == f"{REPO} cannot be had: the address of huggingface.co is not known."
    assert "a mirror: export HF_ENDPOINT=https://HOST" in said.hint
    assert "vlm models" in said.hint


def test_a_silent_hub(hub: HubServer, quick_timeout: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        said = failure_of()
    assert isinstance(said, HubUnreachable)
    assert str(said) == f"{REPO} cannot be had: 127.0.0.1 does not answer."


@pytest.mark.parametrize(
    "endpoint", ["huggingface.co", "ftp://huggingface.co", "http://", "http://[::1", "http://127.0.0.1:abc"]
)
def test_an_endpoint_that_is_no_address(hub: HubServer, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    said = failure_of()
    assert isinstance(said, UsageError)
    assert str(said) == f"HF_ENDPOINT is '{endpoint.rstrip('/')}', which is no web address."


def test_a_space_behind_the_address(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url} ")
    hub.add(REPO, FILES)
    assert list_repository(REPO).files


@pytest.mark.parametrize("token", ["hf_\x00x", "hf_ü"])
def test_a_token_that_is_none(hub: HubServer, tmp_path: Path, token: str) -> None:
    (tmp_path / "token").write_text(token, encoding="utf-8")
    hub.add(REPO, FILES)
    said = failure_of()
    assert isinstance(said, UsageError)
    assert "one line of plain text" in str(said)


@pytest.mark.parametrize("variable", ["HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT"])
def test_a_timeout_that_is_no_number(hub: HubServer, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "soon")
    said = failure_of()
    assert isinstance(said, UsageError)
    assert str(said) == f"{variable} is 'soon', which is not a number of seconds."


def test_a_proxy_that_says_no(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.utils import _http

    def refuse(server: socket.socket) -> None:
        with closing(server), server.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=refuse, args=(server,), daemon=True).start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.getsockname()[1]}")
    monkeypatch.setenv("HF_ENDPOINT", "https://huggingface.example")
    _http.close_session()
    said = failure_of()
    assert isinstance(said, HubUnreachable)
    assert "the proxy does not let it through (407" in str(said)
    assert "HTTPS_PROXY" in said.hint


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9"),
        ("HTTPS_PROXY", "nonsense://127.0.0.1:9"),
        ("HTTPS_PROXY", "http://[::1"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem"),
    ],
)
def test_settings_that_make_no_connection(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    from huggingface_hub.utils import _http

    hub.add(REPO, FILES)
    repository = list_repository(REPO)
    monkeypatch.setenv(variable, value)
    _http.close_session()
    said = failure_of()
    assert isinstance(said, UsageError)
    assert str(said).startswith("The settings for proxies or certificates cannot be used: ")
    assert variable in said.hint
    with pytest.raises(UsageError):
        list(pull(repository, repository.files))


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[int]:
    """The port of a server with a certificate that nobody vouches for."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -addext subjectAltName=DNS:localhost "
        f"-keyout {key} -out {certificate}",
        shell=True,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("openssl made no certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                context.wrap_socket(server.accept()[0], server_side=True).close()
            except ssl.SSLError:
                continue
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


def test_a_certificate_that_is_not_valid(hub: HubServer, encrypted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"https://localhost:{encrypted}")
    said = failure_of()
    assert isinstance(said, HubUnreachable)
    assert str(said).startswith(f"{REPO} cannot be had: the certificate of localhost is not valid (self")
    assert "export SSL_CERT_FILE=" in said.hint


def test_what_speaks_no_tls(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url.replace("http:", "https:"))
    said = failure_of()
    assert isinstance(said, HubUnreachable)
    assert str(said) == f"{REPO} cannot be had: no encrypted connection to 127.0.0.1 comes about."


def test_every_refusal_has_the_exit_code_of_models() -> None:
    assert {kind.exit_code for kind in (HubUnreachable, ModelDamaged, ModelError, ModelGated, ModelNotFound)} == {4}


def test_the_command_line_needs_no_library_of_the_hub_to_start() -> None:
    script = "import sys, vlmcli.models.hub.layout; print([n for n in sys.modules if n.startswith(('hugg', 'httpx'))])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
