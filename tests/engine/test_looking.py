"""What a picture will cost: as the engine itself counts it, where each tile lies, and how long it may take."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.made_models import any_size, tiled
from tests.engine.tiny_gguf import write
from vlmcli import demo
from vlmcli.core import Detail, Finished, LoadedImage, ModelFiles, Picture, Region, Request, Sampling, Text, Turn
from vlmcli.engine import ENGINES, EngineSettings, open_looker
from vlmcli.engine.llama import decoder as decoder_module
from vlmcli.engine.pace import Pace, find_pace, keep_pace
from vlmcli.engine.tiling import tiling_of
from vlmcli.gguf import read_header
from vlmcli.models import resolve_model
from vlmcli.state import state_path

SIDE = read_header(demo.PROJECTOR).number("clip.vision.image_size")
SIZES = [
    (SIDE, SIDE),
    (SIDE + 1, SIDE),
    (1000, 300),
    (300, 1000),
    (640, 480),
    (2 * SIDE, 2 * SIDE),
    (3000, 100),
    (1, 1),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelFiles]:
    files, folder = resolve_model("demo"), tmp_path_factory.mktemp("projectors")
    made = {"tiled": tiled(folder / "tiled.gguf"), "any size": any_size(folder / "any.gguf")}
    return {"demo": files} | {name: replace(files, projector=path) for name, path in made.items()}


def image_of(width: int, height: int) -> LoadedImage:
    return LoadedImage("x", width, height, bytes(width * height * 3), f"{width} {height}")


@pytest.mark.parametrize("detail", ["low", "auto", "high"])
@pytest.mark.parametrize("name", ["demo", "tiled", "any size"])
def test_it_counts_as_the_engine_does(models: dict[str, ModelFiles], name: str, detail: Detail) -> None:
    files, settings = models[name], EngineSettings(threads=1)
    engine = ENGINES["llama"](files, settings)
    for size in [(640, 480), (60, 90)]:
        turns = (Turn("user", (Picture(image_of(*size)), Text("Q"))),)
        request = Request(0, turns, Sampling(max_tokens=1), detail=detail)
        answers = [event.answer for event in engine.stream([request]) if isinstance(event, Finished)]
        with closing(open_looker(files, settings, detail)) as looker:
            seen = looker.look(image_of(*size))
        tokens = sum(tile.tokens for tile in seen.tiles)
        counted = [answer.image_tokens for answer in answers] or [tokens]  # one that does not fit has no answer
        assert [tokens] == counted
        assert seen.tokens >= tokens, "and the marks around them"
    assert engine.close()


def test_the_decoders_weights_are_not_loaded(models: dict[str, ModelFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bool] = []
    load: Any = decoder_module.llama.llama_model_load_from_file

    def recording(path: bytes, params: Any) -> Any:
        opened.append(params.vocab_only)
        return load(path, params)

    monkeypatch.setattr(decoder_module.llama, "llama_model_load_from_file", recording)
    with closing(open_looker(models["demo"], EngineSettings(threads=1), "auto")) as looker:
        assert looker.look(image_of(9, 9)).context_tokens == 2048
    assert opened == [True]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_tiles_cover_the_picture_and_do_not_overlap(models: dict[str, ModelFiles], size: tuple[int, int]) -> None:
    with closing(open_looker(models["tiled"], EngineSettings(threads=1), "auto")) as looker:
        seen = looker.look(image_of(*size))
    parts = [tile.box for tile in seen.tiles if not tile.overview]
    assert seen.tiles[0].overview
    assert len(parts) == seen.columns * seen.rows
    assert all(parts), "their number was computed as mtmd did"
    covered = sum(box.width * box.height for box in parts if box)
    assert covered == (size[0] * size[1] if parts else 0)


@pytest.mark.parametrize(
    ("size", "grid"), [((640, 480), (2, 2)), ((1000, 300), (3, 1)), ((300, 1000), (1, 3)), ((3000, 2000), (2, 2))]
)
def test_the_grid(models: dict[str, ModelFiles], size: tuple[int, int], grid: tuple[int, int]) -> None:
    with closing(open_looker(models["tiled"], EngineSettings(threads=1), "auto")) as looker:
        seen = looker.look(image_of(*size))
    assert (seen.columns, seen.rows) == grid


def header_of(tmp_path: Path, kind: str) -> Any:
    return read_header(write(tmp_path / "p.gguf", {"general.architecture": "clip", "clip.projector_type": kind}))


def test_equal_parts_of_a_picture(tmp_path: Path) -> None:
    tiling = tiling_of(header_of(tmp_path, "internvl"), 600, 400, 7)
    assert (tiling.columns, tiling.rows, tiling.overview) == (3, 2, 6)
    assert tiling.boxes[0] == Region(0, 0, 200, 200)
    assert tiling.boxes[-1] == Region(400, 200, 200, 200)
    assert tiling_of(header_of(tmp_path, "resampler"), 400, 600, 7).overview == 0


def test_what_is_not_known_is_not_made_up(tmp_path: Path) -> None:
    tiling = tiling_of(header_of(tmp_path, "of tomorrow"), 600, 400, 7)
    assert (tiling.columns, tiling.rows, tiling.boxes) == (0, 0, ())


# --- how long -----------------------------------------------------------------------------------------------


def test_a_pace_is_kept_for_its_model_alone(models: dict[str, ModelFiles]) -> None:
    pace = Pace()
    pace.encoded(100, 2.0)
    pace.encoded(100, 4.0)
    pace.read(200, 1.0)
    keep_pace(models["demo"], pace)
    found = find_pace(models["demo"])
    assert found is not None
    assert (found.tiles, found.encoding_s(400), found.reading_s(400)) == (2, 12.0, 2.0)
    assert find_pace(models["tiled"]) is None


def test_a_run_that_encoded_nothing_changes_nothing(models: dict[str, ModelFiles]) -> None:
    keep_pace(models["demo"], Pace())
    assert find_pace(models["demo"]) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"tiles": "x"}', "null"])
def test_what_is_damaged_is_not_there(models: dict[str, ModelFiles], text: str) -> None:
    from vlmcli.engine import pace

    place = state_path(*pace._place(models["demo"]))
    place.parent.mkdir(parents=True)
    place.write_text(text)
    assert find_pace(models["demo"]) is None
