"""How closely a picture is looked at: the budget of each kind of projector, and that it reaches the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.made_models import any_size, tiled
from tests.engine.tiny_gguf import write
from vlmcli import Vlm, demo
from vlmcli.cache import Store
from vlmcli.cache.store import LIMITS_BYTES
from vlmcli.core import Detail, Finished, LoadedImage, ModelFiles, Picture, Request, Sampling, Text, Turn
from vlmcli.engine import ENGINES, EngineSettings, open_looker
from vlmcli.engine.detail import HIGH_TOKENS, LOW_TOKENS, Budget, budget_of, has_effect
from vlmcli.engine.llama import projector as projector_module
from vlmcli.gguf import Header, read_header
from vlmcli.models import resolve_model

A_TILE = 144
"""Tokens of a tile of the model in the box."""


def header_of(tmp_path: Path, kind: str, **metadata: Any) -> Header:
    return read_header(
        write(tmp_path / "p.gguf", {"general.architecture": "clip", "clip.projector_type": kind, **metadata})
    )


@pytest.mark.parametrize(
    "kind", ["qwen2vl_merger", "qwen2.5vl_merger", "qwen3vl_merger", "glm4v", "pixtral", "gemma4v"]
)
def test_a_projector_of_any_size_gets_limits(tmp_path: Path, kind: str) -> None:
    header = header_of(tmp_path, kind)
    low, usual, high = (budget_of(detail, header, 64) for detail in ("low", "auto", "high"))
    assert low.min_tokens <= low.max_tokens == LOW_TOKENS
    assert usual == Budget(min_tokens=64)
    assert high.min_tokens == min(HIGH_TOKENS, high.max_tokens) > 64
    assert len({low.name, usual.name, high.name}) == 3, "rows of one are not rows of another"
    assert has_effect("low", header)
    assert has_effect("high", header)


def test_a_family_that_wants_many_tokens_gets_few_only_where_the_user_says_so(tmp_path: Path) -> None:
    header = header_of(tmp_path, "qwen3vl_merger")
    assert budget_of("low", header, 1024).max_tokens == LOW_TOKENS
    assert budget_of("auto", header, 1024).min_tokens == 1024
    assert budget_of("high", header, 3000).min_tokens == 3000


def test_of_tiles_the_overview_stays(tmp_path: Path) -> None:
    llava = header_of(tmp_path, "mlp", **{"clip.vision.image_grid_pinpoints": [672, 336, 336, 672]})
    assert budget_of("low", llava) == Budget(overview="first")
    assert (has_effect("low", llava), has_effect("high", llava)) == (True, False)
    assert budget_of("low", header_of(tmp_path, "internvl")) == Budget(overview="last")


@pytest.mark.parametrize("kind", ["mlp", "gemma3", "resampler", "idefics3", "of tomorrow"])
def test_where_it_can_do_nothing(tmp_path: Path, kind: str) -> None:
    header = header_of(tmp_path, kind)
    for detail in ("low", "high"):
        assert budget_of(detail, header, 7) == Budget(min_tokens=7)
        assert not has_effect(detail, header)
    assert has_effect("auto", header)


# --- through the engine -------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tokens of each tile that is really encoded."""
    found: list[int] = []
    encode = projector_module.Projector.encode

    def counting(self: projector_module.Projector, piece: Any) -> bytes | None:
        found.append(piece.n_tokens)
        return encode(self, piece)

    monkeypatch.setattr(projector_module.Projector, "encode", counting)
    return found


@pytest.fixture(scope="module")
def projectors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("projectors")
    return {"tiled": tiled(folder / "tiled.gguf"), "any size": any_size(folder / "any.gguf")}


@pytest.fixture
def large(draw: Any) -> str:
    return str(draw("large.png", "white", ["red circle top left"], side=640))


@pytest.fixture
def pictures(draw: Any, picture: str) -> list[str]:
    return [picture, draw("b.png", "blue").name]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", LIMITS_BYTES)


def files_with(projector: Path) -> ModelFiles:
    return replace(resolve_model("demo"), projector=projector)


def image_of(side: int, grey: int = 90) -> LoadedImage:
    return LoadedImage("large", side, side, bytes([grey]) * side * side * 3, f"{side} {grey}")


def ask(
    files: ModelFiles, image: LoadedImage, *details: Detail, store: Store | None = None
) -> Iterator[tuple[int, str]]:
    """(tokens of the picture, answer) at each detail, one after the other, in one engine."""
    engine = ENGINES["llama"](files, EngineSettings(threads=1, store=store))
    turns = (Turn("user", (Picture(image), Text("How many shapes are there?"))),)
    try:
        for number, detail in enumerate(details):
            request = Request(number, turns, Sampling(max_tokens=6), detail=detail)
            (answer,) = [event.answer for event in engine.stream([request]) if isinstance(event, Finished)]
            yield answer.image_tokens, answer.text
    finally:
        assert engine.close()


def test_low_is_the_overview_of_a_tiled_picture(projectors: dict[str, Path], counted: list[int]) -> None:
    costs = [tokens for tokens, _ in ask(files_with(projectors["tiled"]), image_of(640), "auto", "low", "high")]
    assert costs == [5 * A_TILE, A_TILE, 5 * A_TILE]


def test_the_overview_alone_is_that_of_all_tiles(projectors: dict[str, Path], counted: list[int], store: Store) -> None:
    """So it is encoded once for both, whatever is asked first, and in another process."""
    files, image = files_with(projectors["tiled"]), image_of(640)
    costs = [tokens for tokens, _ in ask(files, image, "low", store=store)]
    costs += [tokens for tokens, _ in ask(files, image, "auto", store=store)]
    costs += [tokens for tokens, _ in ask(files, image, "low", store=store)]
    assert costs == [A_TILE, 5 * A_TILE, A_TILE]
    assert counted == [A_TILE] * 5


def test_limits_of_a_projector_of_any_size(projectors: dict[str, Path]) -> None:
    files = files_with(projectors["any size"])
    low, usual, again = (tokens for tokens, _ in ask(files, image_of(560), "low", "auto", "low"))
    assert usual == 400
    assert low == again == LOW_TOKENS
    with closing(open_looker(files, EngineSettings(threads=1), "high")) as looker:
        assert looker.look(image_of(560)).tokens >= HIGH_TOKENS


def test_what_was_kept_at_one_detail_is_not_taken_for_another(projectors: dict[str, Path], store: Store) -> None:
    """Rows, layouts and read-in pictures; in any order, and in a new process."""
    files, image = files_with(projectors["any size"]), image_of(560)
    fresh = {detail: next(ask(files, image, detail)) for detail in ("low", "auto")}
    for detail in ("low", "auto", "low", "auto"):
        assert next(ask(files, image, detail, store=store)) == fresh[detail]
    assert list(ask(files, image, "auto", "low", "auto", store=store)) == [fresh["auto"], fresh["low"], fresh["auto"]]


def test_from_python(projectors: dict[str, Path], large: str) -> None:
    details: list[Detail] = ["low", "auto"]
    with Vlm(demo.DECODER, mmproj=projectors["tiled"]) as model:
        replies = [model.describe(large, detail=detail, max_tokens=3) for detail in details]
        assert [reply.record.image_tokens for reply in replies] == [A_TILE, 5 * A_TILE]


def test_kept_answers_know_the_detail(
    projectors: dict[str, Path], large: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VLM_CACHE", "on")
    with Vlm(demo.DECODER, mmproj=projectors["tiled"]) as model:
        replies = [model.describe(large, detail=detail).record for detail in ("low", "auto", "low")]
    assert [record.cached for record in replies] == [False, False, True]
    assert [record.image_tokens for record in replies] == [A_TILE, 5 * A_TILE, A_TILE]


@pytest.mark.parametrize("task", ["describe", "ask", "ocr"])
def test_every_task_takes_it(vlm: Any, projectors: dict[str, Path], large: str, task: str) -> None:
    pair = ["--model", str(demo.DECODER), "--mmproj", str(projectors["tiled"])]
    question = ["Is there a circle?"] if task == "ask" else []
    low = vlm(task, large, *question, *pair, "--detail", "low", "--template", "{tokens.image}", "--max-tokens", "3")
    assert (low.code, low.stdout) == (0, f"{A_TILE}\n")
    assert "--detail" not in low.stderr


def test_where_it_does_nothing_it_says_so_once(vlm: Any, pictures: list[str]) -> None:
    result = vlm("describe", *pictures, "--model", "demo", "--detail", "high", "--max-tokens", "3")
    assert result.code == 0
    assert result.stderr.count("--detail high: no effect with demo") == 1
    assert vlm("describe", pictures[0], "--model", "demo", "--detail", "high", "--quiet").stderr == ""
    assert vlm("describe", pictures[0], "--model", "demo").stderr == ""


def test_a_job_is_of_one_detail(vlm: Any, pictures: list[str], projectors: dict[str, Path]) -> None:
    pair = ["--model", str(demo.DECODER), "--mmproj", str(projectors["tiled"]), "--quiet"]
    assert vlm("describe", *pictures, *pair, "--detail", "low", "-o", "o.jsonl").code == 0
    refused = vlm("describe", *pictures, *pair, "-o", "o.jsonl")
    assert refused.code != 0
    assert "detail" in refused.stderr
