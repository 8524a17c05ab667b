"""What --engine and its table in the settings file may be, and how they go together with the other options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Result
from tests.engine.server.fake import ANSWER, Fake, Running
from vlmcli import Vlm
from vlmcli.engine.server.address import Address, parse_address
from vlmcli.engine.server.settings import KEYS, parse_size, read_table, server_settings
from vlmcli.errors import ServerError, UsageError

Run = Callable[..., Result]
Write = Callable[[str], Path]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        ("https://example.org", "https://example.org/v1"),
        ("https://example.org:443/api/openai/v1/chat/completions", "https://example.org/api/openai/v1"),
        ("HTTP://EXAMPLE.org:80/v1/models", "http://example.org/v1"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
        ("https://bücher.example", "https://xn--bcher-kva.example/v1"),
    ],
)
def test_an_address(url: str, expected: str) -> None:
    assert str(parse_address(url)) == expected


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a", "http://", "http://:80", "http://a:port", "http://a:99999", "http://a b", "http://a/\x1b[31m"],
)
def test_no_address(url: str) -> None:
    with pytest.raises(UsageError):
        parse_address(url)


def test_this_machine_is_known() -> None:
    assert Address(False, "127.0.0.1", 1).is_here
    assert Address(False, "localhost", 1).is_here
    assert not Address(False, "10.0.0.1", 1).is_here
    assert not Address(False, "localhost.example.org", 1).is_here


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4M", 4_000_000),
        ("500K", 500_000),
        ("1.5 MB", 1_500_000),
        ("20000", 20_000),
        ("2 KiB", 2_000),
        ("9", None),
        ("-1M", None),
        ("x", None),
    ],
)
def test_a_size(text: str, size: int | None) -> None:
    assert parse_size(text) == size


def test_a_table() -> None:
    table = {"urls": ["http://a", "http://a/v1", "http://b:9"], "model": "m", "concurrency": 32, "picture_limit": "1M"}
    found = read_table("office", {**table, "timeout": 5, "patience": 0.5, "key_variable": "K", "headers": {"x": "y"}})
    assert [str(address) for address in found.addresses] == ["http://a/v1", "http://b:9/v1"]
    assert (found.model, found.concurrency, found.picture_limit_bytes) == ("m", 32, 1_000_000)
    assert (found.silence_s, found.patience_s, found.key_variable) == (5.0, 0.5, "K")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("urll = 'http://a'", "there is no setting 'urll'"),
        ("model = 'a'", "it names no server"),
        ("url = 'http://a'\nconcurrency = 0", "concurrency is a whole number from 1"),
        ("url = 'http://a'\nconcurrency = true", "concurrency is a whole number"),
        ("url = 'http://a'\npicture_limit = 'much'", "picture_limit is a size"),
        ("url = 'http://a'\ntimeout = 0", "timeout is a number of seconds"),
        ("url = 'http://a'\nheaders = { 'a b' = 'c' }", "headers is a table of names and texts"),
        ("url = 'http://a'\nheaders = { Host = 'c' }", "headers is a table of names and texts"),
        ("url = 'http://a'\nkey_variable = 'sk-123'", "key_variable is the name of a variable"),
        ("url = 'gopher://a'", "begins with http:// or https://"),
    ],
)
def test_a_table_that_means_nothing_is_told_with_its_line(
    vlm: Run, picture: str, write_config: Write, line: str, complaint: str
) -> None:
    path = write_config(f"[engines.office]\n{line}\n")
    result = vlm("describe", picture, "--engine", "office")
    assert result.code == 2
    assert result.stderr.startswith(f"vlm: {path}, line 1: ")
    assert complaint in result.stderr


@pytest.mark.parametrize("name", ["llama", "ray"])
def test_a_server_cannot_take_the_name_of_another_engine(
    vlm: Run, picture: str, write_config: Write, name: str
) -> None:
    write_config(f"[engines.{name}]\nurl = 'http://a'\n")
    result = vlm("describe", picture, "--model", "demo")
    assert result.code == 2
    assert f"an engine cannot be called {name!r}." in result.stderr


def test_an_engine_that_nobody_knows() -> None:
    with pytest.raises(UsageError) as caught:
        server_settings("offce", {"office": {"url": "http://a"}})
    assert caught.value.hint == "There are: llama, office"


def test_names_models_and_who_wins(vlm: Run, picture: str, fake: Fake, write_config: Write) -> None:
    fake.models = ("one", "two")
    table = f'[engines.office]\nurl = "{fake.url}"\nmodel = "two"\n'

    def model_asked(*options: str) -> Any:
        fake.asked.clear()
        result = vlm("describe", picture, *options)
        return fake.chats[0].body["model"] if fake.chats else result.code

    write_config(table)
    assert model_asked("--engine", "office") == "two"
    assert model_asked("--engine", "office", "--model", "one") == "one"
    write_config('engine = "office"\nmodel = "demo"\n' + table)
    assert model_asked() == "two"  # the model at the top is of another engine
    assert model_asked("--model", "one") == "one"
    assert model_asked("--engine", "llama") == 0  # and here it is the model in the box
    assert model_asked("--engine", fake.url) == 4  # of two models none is named
    write_config(f'engine = "{fake.url}"\nmodel = "one"\nmmproj = "a.gguf"\n[describe]\nengine = "office"\n{table}')
    assert model_asked() == "two"


def test_variables_name_it_too(vlm: Run, picture: str, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_ENGINE", fake.url)
    assert vlm("describe", picture).stdout == f"{ANSWER}\n"
    with Vlm() as opened:
        assert opened.describe(picture).text == ANSWER
    monkeypatch.setenv("VLM_MODEL", "demo")
    with Vlm(engine=fake.url) as opened:  # a model of this machine is not of a server that was typed
        assert opened.model == "circle-1"


def test_the_demo_is_shown_by_the_model_in_the_box(vlm: Run, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_ENGINE", fake.url)
    assert vlm("demo").code == 0
    assert fake.asked == []


def test_it_is_set_by_commands(vlm: Run, picture: str, fake: Fake, write_config: Write) -> None:
    path = write_config("# mine\n")
    for key, value in (("url", fake.url), ("timeout", "20"), ("concurrency", "3")):
        assert vlm("config", "set", f"engines.office.{key}", value).code == 0
    assert path.read_text().startswith("# mine\n")
    assert vlm("config", "set", "engine", "office").code == 0
    assert vlm("describe", picture).stdout == f"{ANSWER}\n"
    shown = vlm("config").stdout
    assert "engines.office.url" in shown
    assert fake.url in shown
    assert vlm("config", "set", "engines.office.concurrency", "many").code == 2
    assert vlm("config", "set", "engines.office.colour", "red").code == 2


def test_all_keys_are_told_of_in_the_module() -> None:
    import vlmcli.engine.server.settings as module

    assert [key for key in KEYS if f"{key} = " not in str(module.__doc__)] == []


def test_the_python_face(fake: Fake, picture: str, serve: Callable[[Fake], Running]) -> None:
    with Vlm(engine=fake.url) as vlm:
        assert (vlm.model, vlm.warnings) == ("circle-1", ())
        assert list(vlm.describe(picture)) == ["A", " red", " circle", "."]
        assert vlm.ask([picture, picture], "Alike?").text == ANSWER
        talk = vlm.conversation(picture)
        assert [talk.ask(each).record.text for each in ("One?", "Two?")] == [ANSWER, ANSWER]
    roles = [message["role"] for message in fake.chats[-1].body["messages"]]
    assert roles == ["user", "assistant", "user"]
    running = serve(Fake())
    running.stop()
    with pytest.raises(ServerError):
        Vlm(engine=running.fake.url)


def test_it_works_where_an_event_loop_runs_already(fake: Fake, picture: str) -> None:
    """As in a notebook."""
    import asyncio

    async def ask() -> str:
        with Vlm(engine=fake.url) as vlm:
            return vlm.describe(picture).text

    assert asyncio.run(ask()) == ANSWER


def test_engines_are_completed(write_config: Write) -> None:
    from vlmcli.cli.completion_values import COMPLETIONS

    write_config('[engines.office]\nurl = "http://a"\n')
    assert COMPLETIONS["engine"]("") == ["llama", "ray", "office"]
    assert COMPLETIONS["engine"]("of") == ["office"]
