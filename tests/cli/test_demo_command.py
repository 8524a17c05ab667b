"""`vlm demo`: the four tasks, words alone in a pipe, pictures beside them on a terminal that can."""

from __future__ import annotations

import io

import pytest

from vlmcli.cli import main
from vlmcli.core import LoadedImage
from vlmcli.images import shrink
from vlmcli.output.showcase import half_blocks, show, shows_pictures

FOUR_PIXELS = LoadedImage("p", 2, 3, bytes.fromhex("ff0000 00ff00 0000ff ffffff 102030 405060"), "d")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_demo_shows_all_tasks_and_what_to_type_next(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    out, err = capfd.readouterr()
    commands = [line for line in out.splitlines() if line.startswith("$ vlm ")]
    assert [command.split()[2] for command in commands] == ["describe", "ask", "compare", "ocr"]
    assert "\x1b" not in out
    assert sum(line.startswith("  vlm ") for line in err.splitlines()) == 4


def test_half_blocks_show_two_rows_of_pixels_in_one() -> None:
    text = half_blocks(FOUR_PIXELS)
    assert text.plain == "▀▀\n▀▀"
    assert str(text.spans[0].style) == "#ff0000 on #0000ff"
    assert str(text.spans[-1].style) == "#405060", "an odd last row has nothing below"


def test_pictures_are_drawn_on_a_wide_terminal_with_colours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    assert shows_pictures(Terminal())
    assert not shows_pictures(io.StringIO())
    monkeypatch.setenv("COLUMNS", "40")
    assert not shows_pictures(Terminal())
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not shows_pictures(Terminal())


def test_answer_stands_beside_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    screen = Terminal()
    show("vlm ocr p.png", [FOUR_PIXELS], "He\x1b[2Jllo", screen)
    assert "▀" in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()


def test_shrinking_keeps_the_aspect_and_never_enlarges() -> None:
    wide = LoadedImage("w", 400, 100, bytes(3 * 400 * 100), "d")
    small = shrink(wide, 40, 40)
    assert (small.width, small.height, len(small.rgb)) == (40, 10, 3 * 40 * 10)
    assert shrink(FOUR_PIXELS, 40, 40).rgb == FOUR_PIXELS.rgb
