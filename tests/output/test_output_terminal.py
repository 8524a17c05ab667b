"""What a person sees, on a real pseudo-terminal with an emulated screen."""

import io
import os
import time
from typing import Any

import pytest

from vlmcli.core import JobDone, JobStage, JobText
from vlmcli.errors import NotAPicture
from vlmcli.output import OutputSettings, open_writer
from vlmcli.output.markdown import drop_beginnings, split_finished

ANSWER = """\
A **small red car** stands in front of a `white` house with <STOP> on it.

# Parts
1. door
2. **window** with a very long name that must be wrapped
   - glass

```python
x = 1  # one
```

| thing | colour |
|---|---|
| car | red |

Line one
Line two
---
See [this](http://x.org)."""

SHOWN = """\
A small red car stands in front of a
white house with <STOP> on it.

Parts

 1 door
 2 window with a very long name that
   must be wrapped
    • glass

  x = 1  # one

 thing  colour
 ─────────────
 car    red

Line one
Line two

----------------------------------------

See this (http://x.org)."""


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("frame_s", [0.0, 0.05])
def test_markdown_is_shown_once_however_it_came(
    size: int, frame_s: float, terminal: Any, tell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlmcli.output.screen._FRAME_S", frame_s)
    screen = terminal(40, 12)
    with open_writer(OutputSettings(), screen.stream, screen.stream) as writer:
        tell(writer, ANSWER, size=size)
    assert "\n".join(screen.end()) == SHOWN
    assert b"\x1b[?25l" not in screen.raw  # the cursor was never hidden


def test_a_block_taller_than_the_screen_is_not_repeated(
    terminal: Any, tell: Any, record: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("vlmcli.output.screen._FRAME_S", 0.0)
    monkeypatch.setattr("vlmcli.output.screen._WORK_SHARE", 0)
    screen = terminal(40, 8)
    with open_writer(OutputSettings(), screen.stream, screen.stream) as writer:
        items = [f"item {n}" for n in range(20)]
        tell(writer, "\n".join(f"- {item}" for item in items), size=4, done=False)
        shown = screen.wait_for("item 19")
        assert len(shown) <= 8
        assert shown[0] != " • item 0"
        writer.emit(JobDone(0, record("")))
    assert screen.end() == [f" • {item}" for item in items]


def test_a_growing_line_is_written_on_and_not_again(terminal: Any, tell: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("vlmcli.output.screen._FRAME_S", 0.0)
    monkeypatch.setattr("vlmcli.output.screen._WORK_SHARE", 0)
    screen = terminal(80, 12)
    with open_writer(OutputSettings(), screen.stream, screen.stream) as writer:
        tell(writer, "The quick brown fox jumps over the lazy dog and sleeps.", size=4)
    screen.end()
    assert screen.raw == b"The quick brown fox jumps over the lazy dog and sleeps.\r\n"


def test_words_are_there_while_they_come(terminal: Any) -> None:
    screen = terminal(40)
    with open_writer(OutputSettings(), screen.stream, screen.stream) as writer:
        writer.emit(JobText(0, "A **small"))
        assert screen.wait_for("small") == ["A small"]
        time.sleep(0.06)
        writer.emit(JobText(0, " red** car\n\n# T\n\nand"))
        assert screen.wait_for("and") == ["A small red car", "", "T", "", "and"]


def test_the_window_is_made_narrower(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import vlmcli.output.live_area as live_area

    written: list[str] = []
    area = live_area.LiveArea(written.append)
    area.draw(["x" * 30, "y"], 40)
    area.draw(["x" * 20, "x" * 10, "y"], 20)  # the first old line takes two rows now
    assert written[-1] == "\x1b[2A\r\x1b[J" + "\n".join(["x" * 20, "x" * 10, "y"])


def test_headings_and_several_answers(terminal: Any, tell: Any) -> None:
    screen = terminal(40)
    settings = OutputSettings(jobs=2, heading=["a.png", "b\x1b[2J.png: How many?"].__getitem__)
    with open_writer(settings, screen.stream, screen.stream) as writer:
        tell(writer, "One.", job=0)
        tell(writer, "Two.\n\nThree.", job=1)
    shown = ["==> a.png <==", "One.", "", "==> b\\x1b[2J.png: How many? <==", "Two.", "", "Three."]
    assert screen.end() == shown


def test_the_spinner_names_the_stage_and_leaves_no_trace(terminal: Any, record: Any) -> None:
    screen = terminal(40)
    with open_writer(OutputSettings(jobs=2), screen.stream, screen.stream) as writer:
        writer.emit(JobStage(None, "loading"))
        screen.wait_for("loading the model… · 1 of 2")
        writer.emit(JobStage(0, "looking"))
        screen.wait_for("looking…")
        writer.emit(JobDone(0, record("", error=NotAPicture("not a picture: a.png"))))
        screen.wait_for("looking… · 2 of 2")
        writer.emit(JobDone(1, record()))
    assert screen.end() == ["vlm: not a picture: a.png", "==> a.png <==", "A cat."]


def test_the_spinner_is_quiet_while_an_answer_is_told(terminal: Any, record: Any) -> None:
    screen = terminal(40)
    with open_writer(OutputSettings(jobs=2, heading=str), screen.stream, screen.stream) as writer:
        writer.emit(JobText(0, "A cat"))
        writer.emit(JobStage(1, "looking"))
        time.sleep(0.1)
        assert screen.lines() == ["==> 0 <==", "A cat"]
        writer.emit(JobDone(0, record("A cat")))
        writer.emit(JobStage(1, "reading"))
        screen.wait_for("reading… · 2 of 2")
    assert screen.end() == ["==> 0 <==", "A cat"]


def test_a_spinner_does_not_wrap(terminal: Any) -> None:
    screen = terminal(12)
    with open_writer(OutputSettings(), screen.stream, screen.stream) as writer:
        writer.emit(JobStage(None, "loading"))
        assert screen.wait_for("loading")[0].endswith("loading t")
        assert len(screen.lines()) == 1
    assert screen.end() == [""]


def test_stdout_in_a_pipe_stderr_on_a_terminal(terminal: Any, tell: Any) -> None:
    screen, out = terminal(40), io.StringIO()
    with open_writer(OutputSettings(jobs=2, heading=str), out, screen.stream) as writer:
        writer.emit(JobStage(None, "loading"))
        screen.wait_for("loading")
        tell(writer, "**One**", job=0)
        time.sleep(0.05)
        seen = len(screen.raw)
        writer.emit(JobStage(1, "looking"))  # the reader of the pipe may own the screen by now
        time.sleep(0.1)
        assert len(screen.raw) == seen
        tell(writer, "Two", job=1)
    assert out.getvalue() == "==> 0 <==\n**One**\n\n==> 1 <==\nTwo\n"
    assert screen.end() == [""]


def test_output_in_a_file_keeps_the_spinner_and_says_so_at_the_end(
    terminal: Any, tmp_path: Any, tell: Any, record: Any
) -> None:
    for quiet in (False, True):
        screen = terminal(60)
        settings = OutputSettings(path=tmp_path / "captions.txt", jobs=2, quiet=quiet, stats=True)
        with open_writer(settings, io.StringIO(), screen.stream) as writer:
            tell(writer, "One", job=0, done=False)
            if not quiet:
                screen.wait_for("answering… · 1 of 2")
            writer.emit(JobDone(0, record("One")))
            tell(writer, "Two", job=1, done=False)
            if not quiet:
                screen.wait_for("answering… · 2 of 2")
            writer.emit(JobDone(1, record("Two")))
        os.unlink(tmp_path / "captions.txt")
        said = "".join(screen.end())
        told = said.startswith("a.png: load 0.31") and said.endswith("captions.txt") and "answering" not in said
        assert told if not quiet else said == ""


def test_stdout_on_a_terminal_stderr_in_a_file(terminal: Any, tell: Any) -> None:
    screen, err = terminal(40), io.StringIO()
    with open_writer(OutputSettings(), screen.stream, err) as writer:
        writer.emit(JobStage(None, "loading"))
        time.sleep(0.1)
        tell(writer, "**One**")
    assert (screen.end(), err.getvalue()) == (["One"], "")


@pytest.mark.parametrize("settings", [{"quiet": True}, {}])
def test_dumb_and_quiet_have_no_spinner(settings: dict[str, Any], terminal: Any, tell: Any, monkeypatch: Any) -> None:
    if not settings:
        monkeypatch.setenv("TERM", "dumb")
    screen = terminal(40)
    with open_writer(OutputSettings(**settings), screen.stream, screen.stream) as writer:
        writer.emit(JobStage(None, "loading"))
        time.sleep(0.1)
        tell(writer, "**One**", size=100)
    screen.end()
    assert screen.raw == (b"\x1b[1mOne\x1b[0m\r\n" if settings else b"**One**\r\n")


def test_no_color_keeps_the_layout(terminal: Any, tell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = terminal(40)
    with open_writer(OutputSettings(), screen.stream, screen.stream) as writer:
        tell(writer, ANSWER)
    assert "\n".join(screen.end()) == SHOWN
    assert not any(b"%dm" % color in screen.raw for color in (*range(30, 38), *range(90, 98)))


def test_force_color_renders_in_a_pipe_and_moves_no_cursor(tell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    out = io.StringIO()
    with open_writer(OutputSettings(), out, io.StringIO()) as writer:
        tell(writer, "A **red** car\n\n- in a street with a very long name that wraps", size=1)
    assert out.getvalue() == (
        "A \x1b[1mred\x1b[0m car\n\n\x1b[1m • \x1b[0min a street with a very long name\n\x1b[1m   \x1b[0mthat wraps\n"
    )


def test_without_markdown_lines_stay_as_they_are(terminal: Any, tell: Any) -> None:
    screen = terminal(40)
    with open_writer(OutputSettings(markdown=False), screen.stream, screen.stream) as writer:
        tell(writer, "MILK   1.20\n**  \n  # 3")
    assert screen.end() == ["MILK   1.20", "**", "  # 3"]


def test_hostile_text_steers_no_terminal(terminal: Any, tell: Any) -> None:
    screen = terminal(40)
    with open_writer(OutputSettings(), screen.stream, screen.stream) as writer:
        tell(
            writer,
            "A \x1b[2J\x1b]0;t\x07cat [link](http://x \x1b[5m) &#155;2J&#x202e;",
            size=1,
            name="\x1b[2J",
            cut_short=True,
        )
    lines = screen.end()
    assert lines[0].startswith("A cat")
    assert lines[1].startswith("vlm: \\x1b[2J: cut short")
    assert not any(bad in screen.raw for bad in (b"\x1b[2J", b"\x1b]", b"\x1b[5m", b"\x07", "\u202e".encode()))


def test_an_exception_leaves_what_was_said_and_a_fresh_line(terminal: Any) -> None:
    screen = terminal(40)
    with pytest.raises(KeyboardInterrupt), open_writer(OutputSettings(), screen.stream, screen.stream) as writer:  # noqa: PT012
        writer.emit(JobText(0, "A **small"))
        writer.emit(JobText(0, " car and"))
        raise KeyboardInterrupt
    screen.stream.write("$ ")
    assert screen.end() == ["A **small car and", "$"]


def test_an_exception_takes_the_spinner_away(terminal: Any) -> None:
    screen = terminal(40)
    with pytest.raises(KeyboardInterrupt), open_writer(OutputSettings(), screen.stream, screen.stream) as writer:  # noqa: PT012
        writer.emit(JobStage(None, "loading"))
        screen.wait_for("loading")
        raise KeyboardInterrupt
    assert screen.end() == [""]


def test_stats_and_remarks_stand_below_the_answer(terminal: Any, tell: Any) -> None:
    screen = terminal(120)
    with open_writer(OutputSettings(stats=True), screen.stream, screen.stream) as writer:
        tell(writer, "One.", cut_short=True, stop_reason="repetition")
    answer, remark, stats = screen.end()
    assert (answer, remark) == ("One.", "vlm: a.png: cut short: it went round in a loop")
    assert stats.startswith("load 0.31 s · encode")


@pytest.mark.parametrize(
    ("text", "finished"),
    {
        "one\n\ntwo\n": "one\n",
        "one\n\ntwo": "",  # half a line decides nothing
        "- a\n\n- b\n": "",
        "- a\n**b**": "",
        "- a\n\nb\n": "- a\n",
        "```\na\n\nb\n": "",
        "```\na\n```\nb\n": "```\na\n```",
        "": "",
    }.items(),
)
def test_only_blocks_that_cannot_change_are_finished(text: str, finished: str) -> None:
    assert split_finished(text)[0] == finished
    assert "\n".join(part for part in split_finished(text) if part) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    {
        "a **b": "a **b**",
        "a **b*": "a **b**",
        "a **b**": "a **b**",
        "a **": "a",
        "a `b": "a `b`",
        "a `": "a",
        "a\n-": "a",
        "a\n12.": "a",
        "42": "",
        "```\na **b": "```\na **b",
    }.items(),
)
def test_half_written_marks_are_not_shown(text: str, shown: str) -> None:
    assert drop_beginnings(text) == shown
