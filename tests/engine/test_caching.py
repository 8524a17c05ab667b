"""A picture that was looked at once is not looked at again, whatever process asks; and the answer is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.test_llama_engine import BLUE, QUESTION, RED, answers, request
from vlmcli.cache import Store
from vlmcli.core import Answer, LoadedImage
from vlmcli.engine import ENGINES, EngineSettings
from vlmcli.engine.llama import projector
from vlmcli.models import resolve_model

OTHER = "How many shapes are there?"
Ask = Callable[..., Answer]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", {"rows": 1 << 30, "kv": 1 << 30})


@pytest.fixture
def ask(store: Store) -> Ask:
    """Each call is an engine of its own, as a new process would have it."""

    def ask_afresh(*images: LoadedImage, question: str = QUESTION, kept: bool = True) -> Answer:
        engine = ENGINES["llama"](resolve_model("demo"), EngineSettings(store=store if kept else None))
        try:
            return answers(engine, request(0, *images, question=question))[0]
        finally:
            engine.close()

    return ask_afresh


def files(store: Store, kind: str) -> list[Path]:
    return [path for path in (store.root / kind).rglob("*") if path.is_file()]


def no_projector(*arguments: object) -> None:
    raise AssertionError("the projector was opened")


@pytest.mark.parametrize("images", [(RED,), (RED, BLUE)])
def test_second_question_restores_the_read_in_picture(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, images: tuple[LoadedImage, ...]
) -> None:
    fresh = ask(*images, question=OTHER, kept=False)
    first = ask(*images)
    monkeypatch.setattr(projector.Projector, "__init__", no_projector)
    second = ask(*images, question=OTHER)
    assert first.reused_tokens == 0
    assert second.reused_tokens > second.image_tokens == fresh.image_tokens
    assert second.timings.encode_ms == 0
    assert (second.text, second.prompt_tokens) == (fresh.text, fresh.prompt_tokens)


def test_without_the_kv_the_rows_serve(ask: Ask, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = ask(RED, question=OTHER, kept=False)
    ask(RED)
    store.clear("kv")
    monkeypatch.setattr(projector.Projector, "__init__", no_projector)
    again = ask(RED, question=OTHER)
    assert (again.text, again.reused_tokens) == (fresh.text, 0)


def test_without_the_rows_the_picture_is_encoded_again(ask: Ask, store: Store) -> None:
    fresh = ask(RED, question=OTHER, kept=False)
    ask(RED)
    store.clear("kv")
    largest = max(files(store, "rows"), key=lambda path: path.stat().st_size)
    largest.unlink()  # the layout stays: it has no pixels, so the projector must cut the picture again
    again = ask(RED, question=OTHER)
    assert again.text == fresh.text
    assert again.timings.encode_ms > 0


def test_another_picture_is_another_entry(ask: Ask) -> None:
    fresh = ask(BLUE, kept=False)
    ask(RED)
    assert ask(BLUE).text == fresh.text


@pytest.mark.parametrize("kind", ["rows", "kv"])
@pytest.mark.parametrize("harm", ["flip", "cut", "empty"])
def test_broken_entries_cost_time_and_never_an_answer(ask: Ask, store: Store, kind: str, harm: str) -> None:
    fresh = ask(RED, question=OTHER, kept=False)
    ask(RED)
    if kind == "rows":
        store.clear("kv")
    for path in files(store, kind):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes({"flip": bytes(data), "cut": bytes(data[: len(data) // 2]), "empty": b""}[harm])
    again = ask(RED, question=OTHER)
    assert (again.text, again.reused_tokens) == (fresh.text, 0)


def test_state_that_llama_cpp_refuses_is_read_in_again(ask: Ask, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = ask(RED, question=OTHER, kept=False)
    ask(RED)
    get = store.get
    monkeypatch.setattr(Store, "get", lambda self, kind, key: b"no state" if kind == "kv" else get(kind, key))
    assert ask(RED, question=OTHER).text == fresh.text


def test_conversation_and_later_runs_share_the_picture(ask: Ask, store: Store) -> None:
    ask(RED)
    engine = ENGINES["llama"](resolve_model("demo"), EngineSettings(store=store))
    found = answers(engine, *[request(i, RED, question=f"{OTHER} {i}") for i in range(3)])
    engine.close()
    assert all(answer.reused_tokens > answer.image_tokens for answer in found.values())
