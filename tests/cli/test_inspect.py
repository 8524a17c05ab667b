"""`vlm inspect`: what the model will see, before it looks."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.engine.made_models import tiled
from vlmcli import Vlm, demo
from vlmcli.output.widths import widest

Run = Callable[..., Any]
A_TILE = 144


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of the model in the box with eyes that see tiles."""
    projector = tiled(tmp_path_factory.mktemp("projector") / "mmproj.gguf")
    return ["--model", str(demo.DECODER), "--mmproj", str(projector)]


@pytest.fixture
def large(draw: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    monkeypatch.chdir(tmp_path)
    return str(draw("large.png", "white", ["red circle top left"], side=640).name)


def test_it_says_what_will_be_seen(vlm: Run, picture: str) -> None:
    result = vlm("inspect", picture, "-m", "demo")
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "picture  a.png, 384 x 384 pixels",
        "model    demo",
        "sees     all of it at once",
        f"tokens   {A_TILE}, 7.0% of its context of 2,048",
        "encode   not known yet: with this model no picture was looked at here",
    ]


def test_tiles_are_counted_and_drawn(vlm: Run, tiles: list[str], large: str, tmp_path: Path) -> None:
    result = vlm("inspect", large, *tiles, "--save", "out.png")
    assert result.code == 0
    assert "sees     all of it once, and in 2 x 2 tiles" in result.stdout
    assert f"tokens   {5 * A_TILE}, " in result.stdout
    before, after = (Image.open(tmp_path / name).convert("RGB") for name in (large, "out.png"))
    assert after.size == before.size
    lines = {place for place in range(640) if after.getpixel((place, 100)) != before.getpixel((place, 100))}
    assert {0, 317, 322, 639} <= lines
    assert not lines & {50, 160, 280, 400, 600}


def test_low_detail_is_the_overview(vlm: Run, tiles: list[str], large: str) -> None:
    shown = vlm("inspect", large, *tiles, "--detail", "low").stdout
    assert f"tokens   {A_TILE}, " in shown
    assert "detail low" in shown


def test_json(vlm: Run, tiles: list[str], large: str) -> None:
    value = json.loads(vlm("inspect", large, *tiles, "--json").stdout)
    assert (value["picture"], value["width"], value["tokens"]) == (large, 640, 5 * A_TILE)
    assert (value["columns"], value["rows"], value["encode_ms"], value["prefill_ms"]) == (2, 2, None, None)
    assert value["tiles"][0] == {"tokens": A_TILE, "overview": True, "box": None}
    assert value["tiles"][4]["box"] == [320, 320, 640, 640]


def test_once_a_picture_was_looked_at_the_time_is_known(
    vlm: Run, tiles: list[str], large: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLM_CACHE", "on")
    record = json.loads(vlm("ask", large, "Is there a star?", *tiles, "--format", "json", "--quiet").stdout)
    value = json.loads(vlm("inspect", large, *tiles, "--json").stdout)
    assert value["measured_tiles"] == 5
    assert 0 < value["encode_ms"] <= record["timings_ms"]["encode"] * 1.5 + 1
    assert 0 < value["prefill_ms"] <= record["timings_ms"]["prefill"] * 1.5 + 1
    shown = vlm("inspect", large, *tiles).stdout
    assert "encode   about " in shown
    assert "at the pace of 5 tiles, just now" in shown
    assert vlm("ask", large, "How many?", *tiles, "--quiet").code == 0  # rows from the cache measure nothing
    assert json.loads(vlm("inspect", large, *tiles, "--json").stdout)["encode_ms"] == value["encode_ms"]


def test_without_a_cache_nothing_is_kept(vlm: Run, picture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_CACHE", "on")
    assert vlm("ask", picture, "Is there a star?", "-m", "demo", "--no-cache").code == 0
    assert "not known yet" in vlm("inspect", picture, "-m", "demo").stdout


def test_several_and_one_that_is_missing(vlm: Run, pictures: list[str]) -> None:
    result = vlm("inspect", *pictures, "none.png", "-m", "demo")
    assert result.code == 1
    assert result.stdout.count("picture  ") == len(pictures)
    assert "none.png" in result.stderr
    values = json.loads(vlm("inspect", *pictures, "-m", "demo", "--json").stdout)
    assert [value["picture"] for value in values] == list(pictures)
    assert json.loads(vlm("inspect", "x.png", "y.png", "-m", "demo", "--json").stdout) == []


def test_a_folder(vlm: Run, pictures: list[str]) -> None:
    values = json.loads(vlm("inspect", ".", "-r", "-m", "demo", "--json").stdout)
    assert [Path(value["picture"]).name for value in values] == sorted(pictures)


def test_standard_input(vlm: Run, picture: str) -> None:
    assert vlm("inspect", "-", "-m", "demo", stdin=Path(picture).read_bytes()).stdout.startswith(
        "picture  -, 384 x 384"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Missing argument"),
        (("none.png",), 3, "none.png"),
        (("a.png", "--save", "a.png"), 2, "a.png is the picture itself.\n  --save a-marked.png\n"),
        (("a.png", "--save", "a.jpg"), 2, "PNG file"),
        (("a.png", "--save", "no/such/folder.png"), 7, "Cannot write"),
        (("a.png", "b.png", "--save", "x.png"), 2, "draws one picture"),
        (("a.png", "--detail", "huge"), 2, "huge"),
        (("a.png", "--mmproj", "x.gguf"), 4, "--mmproj"),
    ],
    ids=str,
)
def test_what_makes_no_sense(vlm: Run, picture: str, arguments: tuple[str, ...], code: int, said: str) -> None:
    before = Path(picture).read_bytes()
    result = vlm("inspect", *arguments, "-m", "demo")
    assert (result.code, result.stdout) == (code, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert Path(picture).read_bytes() == before


def test_a_hostile_name_is_shown_and_not_obeyed(vlm: Run, picture: str) -> None:
    name = "a\x1b[31m.png"
    os.rename(picture, name)
    assert "\x1b" not in vlm("inspect", name, "-m", "demo").stdout


def test_the_model_of_the_settings(vlm: Run, picture: str) -> None:
    assert vlm("config", "set", "model", "demo").code == 0
    assert "model    demo" in vlm("inspect", picture).stdout


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_on_a_terminal(on_terminal: Run, tiles: list[str], large: str, columns: int) -> None:
    shown = on_terminal("inspect", large, *tiles, columns=columns, rows=60)
    assert shown.code == 0
    assert max(map(widest, shown.lines)) <= columns
    assert ("▀" in shown.text) == (columns >= 60)
    assert "2 x 2 tiles" in " ".join(shown.text.split())


def test_from_python(large: str, tiles: list[str]) -> None:
    with Vlm(tiles[1], mmproj=tiles[3]) as model:
        seen = model.inspect(large)
        assert (seen.tokens, len(seen.tiles), seen.encode_s) == (5 * A_TILE, 5, None)
        assert model.inspect(large, detail="low").tokens == A_TILE


def test_a_drawing_never_takes_the_place_of_a_pipe(vlm: Run, picture: str) -> None:
    os.mkfifo("pipe.png")
    told = vlm("inspect", picture, "--model", "demo", "--save", "pipe.png")
    assert (told.code, stat.S_ISFIFO(os.stat("pipe.png").st_mode)) == (7, True)
    assert "Cannot write pipe.png: it is a device or a pipe, and no file." in told.stderr


def test_its_help_names_no_option_that_it_has_not(vlm: Run) -> None:
    shown = vlm("inspect", "--help").stdout
    assert "folders with -r." in " ".join(shown.replace("│", " ").split())
    assert "-o" not in shown.split()
