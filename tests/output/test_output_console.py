"""Rules of terminals: who is written to with escape codes, how wide, in which encoding; and what the spinner says."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from vlmcli.core import JobDone, JobStage
from vlmcli.output import OutputSettings, is_terminal, open_writer
from vlmcli.output.console import enable_escapes, understands_escapes, usable_columns
from vlmcli.output.spinner import shorten
from vlmcli.output.streams import terminal_size

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("environment", "windows", "enabled", "understood"),
    [
        ({"TERM": "xterm"}, False, False, True),
        ({}, False, False, True),
        ({"TERM": "dumb"}, False, False, False),
        ({"TERM": "DUMB"}, True, True, False),
        ({"TERM": "unknown"}, False, False, False),
        ({}, True, False, False),  # a console of old
        ({}, True, True, True),  # Windows 10
        ({"WT_SESSION": "1"}, True, False, True),
        ({"ANSICON": "120x30"}, True, False, True),
        ({"ConEmuANSI": "ON"}, True, False, True),
        ({"ConEmuANSI": "OFF"}, True, False, False),
    ],
)
def test_who_understands_escape_codes(
    environment: dict[str, str], windows: bool, enabled: bool, understood: bool
) -> None:
    assert understands_escapes(environment, windows, lambda: enabled) is understood


def test_a_windows_console_of_old_gets_plain_text_and_no_spinner(terminal: Any, tell: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("vlmcli.output.streams.is_windows", lambda: True)
    monkeypatch.delenv("TERM")
    screen = terminal(40)
    assert not is_terminal(screen.stream)
    with open_writer(OutputSettings(), screen.stream, screen.stream) as writer:
        writer.emit(JobStage(None, "loading"))
        time.sleep(0.06)
        tell(writer, "**One**")
    screen.end()
    assert screen.raw == b"**One**\r\n"


def test_the_last_column_stays_free_on_windows(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [usable_columns(80, windows) for windows in (False, True)] == [80, 79]
    assert usable_columns(1, windows=True) == 1
    screen = terminal(40)
    assert terminal_size(screen.stream).columns == 40
    monkeypatch.setattr("vlmcli.output.streams.is_windows", lambda: True)
    assert terminal_size(screen.stream).columns == 39


@pytest.mark.skipif(sys.platform == "win32", reason="where there is no such console")
def test_elsewhere_there_is_no_windows_console(terminal: Any) -> None:
    assert not enable_escapes(terminal(40).stream)


@pytest.mark.parametrize(
    ("line", "width", "shown"),
    [
        ("| looking… tile 2 of 5 · 1 of 3 · 4 s", 37, "| looking… tile 2 of 5 · 1 of 3 · 4 s"),
        ("| looking… tile 2 of 5 · 1 of 3 · 4 s", 36, "| looking… tile 2 of 5 · 1 of 3"),
        ("| looking… tile 2 of 5 · 1 of 3 · 4 s", 25, "| looking… tile 2 of 5"),
        ("| looking... - 1 of 3 - 4 s", 22, "| looking... - 1 of 3"),
        ("| looking…", 5, "| loo"),
    ],
)
def test_what_does_not_fit_goes_from_the_end(line: str, width: int, shown: str) -> None:
    assert shorten(line, width) == shown


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_slow_look_is_counted_by_its_tiles(columns: int, terminal: Any, record: Any) -> None:
    screen = terminal(columns)
    with open_writer(OutputSettings(jobs=2), screen.stream, screen.stream) as writer:
        writer.emit(JobStage(0, "looking", 0, 5))
        screen.wait_for("looking… tile 1 of 5 · 1 of 2")
        writer.emit(JobStage(0, "looking", 4, 5))
        screen.wait_for("looking… tile 5 of 5 · 1 of 2")
        writer.emit(JobStage(0, "looking", 5, 5))
        time.sleep(0.03)
        assert "tile 5 of 5" in screen.lines()[0]
        writer.emit(JobStage(0, "reading"))
        screen.wait_for("reading… · 1 of 2")
        writer.emit(JobDone(0, record()))
        writer.emit(JobStage(1, "looking", 0, 1))
        screen.wait_for("looking… · 2 of 2")
        writer.emit(JobStage(1, "looking"))
        time.sleep(0.03)
        assert "tile" not in "".join(screen.lines())
        writer.emit(JobDone(1, record(name="b.png")))
    assert screen.end() == ["==> a.png <==", "A cat.", "", "==> b.png <==", "A cat."]


def test_the_seconds_go_on_from_tile_to_tile(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmcli.output.spinner._SECONDS_FROM_S", 0.1)
    screen = terminal(40)
    with open_writer(OutputSettings(), screen.stream, screen.stream) as writer:
        writer.emit(JobStage(0, "looking", 0, 2))
        screen.wait_for("tile 1 of 2 · 0 s")
        writer.emit(JobStage(0, "looking", 1, 2))
        assert screen.wait_for("tile 2 of 2")[0].endswith(" · 0 s")
        writer.emit(JobStage(0, "reading"))
        assert screen.wait_for("reading")[0].endswith("reading…")


SCRIPT = """
import time
import vlmcli.output.spinner as spinner
from vlmcli.core import *
from vlmcli.output import *
spinner._DELAY_S = spinner._FRAME_S = 0.02
with open_writer(OutputSettings()) as writer:
    writer.emit(JobStage(0, "looking", 1, 5))
    time.sleep(0.1)
    writer.emit(JobText(0, "“Aé” • 漢…\\n\\n- **b"))
    writer.emit(JobDone(0, Record((PictureInfo("a"),), "ask", "q", "demo", "“Aé” • 漢…\\n\\n- **b**", cut_short=True)))
"""

SHOWN = {
    "unicode": ["“Aé” • 漢…", "", " • b", "vlm: a: cut short: it is not whole"],
    "ascii": ["?A?? * ?...", "", " * b", "vlm: a: cut short: it is not whole"],
    "latin-1": ["?Aé? * ?...", "", " * b", "vlm: a: cut short: it is not whole"],
    "dumb": ["“Aé” • 漢…", "", "- **b**", "vlm: a: cut short: it is not whole"],
}


@pytest.mark.parametrize(
    ("changed", "shown", "spinning"),
    [
        ({"LC_ALL": "C"}, "unicode", "looking… tile 2 of 5"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "ascii", "looking... tile 2 of 5"),
        ({"LANG": "C", "PYTHONIOENCODING": "ascii"}, "ascii", "looking... tile 2 of 5"),
        ({"PYTHONIOENCODING": "latin-1"}, "latin-1", "looking... tile 2 of 5"),
        ({"TERM": "dumb"}, "dumb", ""),
    ],
)
def test_locales_and_terminals_of_all_kinds(changed: dict[str, str], shown: str, spinning: str, terminal: Any) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    screen = terminal(40)
    environment = {**kept, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **changed}
    subprocess.run(
        [sys.executable, "-c", SCRIPT.encode("ascii", "backslashreplace")],
        env=environment,
        stdout=screen.stream,
        stderr=screen.stream,
        timeout=10,
        check=True,
    )
    lines = screen.end()
    encoding = "latin-1" if shown == "latin-1" else "utf-8"
    raw = screen.raw.decode(encoding)
    if shown == "latin-1":
        lines[0] = lines[0].replace("\ufffd", "é")
    assert lines == SHOWN[shown]
    assert (spinning in raw) if spinning else ("\x1b" not in raw and "looking" not in raw)


@pytest.mark.parametrize("format", ["text", "csv", "markdown", "json", "jsonl"])
def test_no_format_fails_on_a_narrow_encoding_or_steers_the_terminal(format: str, record: Any) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict") for _ in range(2))
    with open_writer(OutputSettings(format=format), out, err) as writer:
        writer.emit(JobDone(0, record("漢 \x1b[2J\x9b1m\u202e…", name="é\x1b\n.png")))
    assert not set(out.buffer.getvalue()) & set(b"\x1b\x9b")
    assert b"\x1b" not in err.buffer.getvalue()
