"""`--think`, and models that think by themselves: what a pipe, a terminal and JSON get of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.made_models import saying
from vlmcli import Vlm, demo

Run = Callable[..., Any]
QUESTION = "How many shapes are there?"
THOUGHT = ("<thi", "nk>", "\n", "▁First", "▁I", "▁look.", "</th", "ink>")
ANSWER = ("\r\n", "▁Two", "▁**shapes**.")
OPENS_ITSELF = "{{ messages[0].content }}\nASSISTANT:{% if enable_thinking %}<think>\n{% endif %}"


def options_of(path: Path, words: tuple[str, ...], template: str = "") -> list[str]:
    decoder = saying(path / "m.gguf", words, template) if template else saying(path / "m.gguf", words)
    return ["--model", str(decoder), "--mmproj", str(demo.PROJECTOR), "--quiet"]


@pytest.fixture
def thinker(tmp_path: Path) -> list[str]:
    """A model that thinks by itself, its signs cut in two by its tokens."""
    return options_of(tmp_path, THOUGHT + ANSWER)


@pytest.mark.parametrize("more", [[], ["--think"], ["--no-stream"], ["--format", "text"]], ids=" ".join)
def test_a_pipe_gets_the_answer_alone(vlm: Run, thinker: list[str], picture: str, more: list[str]) -> None:
    assert vlm("ask", picture, QUESTION, *thinker, *more) == (0, "Two **shapes**.\n", "")


@pytest.mark.parametrize("more", [[], ["--think"]], ids=" ".join)
def test_json_has_both(vlm: Run, thinker: list[str], picture: str, more: list[str]) -> None:
    record = json.loads(vlm("ask", picture, QUESTION, *thinker, *more, "--format", "json").stdout)
    assert (record["thinking"], record["text"]) == ("First I look.", "Two **shapes**.")
    assert record["tokens"]["answer"] == len(THOUGHT + ANSWER)
    assert record["question"] == QUESTION


def test_a_template_has_both(vlm: Run, thinker: list[str], picture: str) -> None:
    shown = vlm("ask", picture, QUESTION, *thinker, "--template", "{thinking}|{text}").stdout
    assert shown == "First I look.|Two **shapes**.\n"


def test_a_job_over_a_folder_remembers_both(vlm: Run, thinker: list[str], pictures: list[str], tmp_path: Path) -> None:
    assert vlm("ask", *pictures, "-q", QUESTION, *thinker, "-o", "out.json").code == 0
    records = json.loads((tmp_path / "out.json").read_text())
    assert [(each["thinking"], each["text"]) for each in records] == [("First I look.", "Two **shapes**.")] * 3


def test_thinking_that_was_cut_off_is_no_answer(vlm: Run, thinker: list[str], picture: str) -> None:
    arguments = ["ask", picture, QUESTION, *thinker, "--max-tokens", "5", "--format", "json"]
    record = json.loads(vlm(*arguments).stdout)
    assert (record["text"], record["thinking"], record["cut_short"]) == ("", "First I", True)


def test_a_template_that_opens_the_thinking(vlm: Run, tmp_path: Path, picture: str) -> None:
    words = (*THOUGHT[3:], *ANSWER)
    options = options_of(tmp_path, words, OPENS_ITSELF)
    record = json.loads(vlm("ask", picture, QUESTION, *options, "--think", "--format", "json").stdout)
    assert (record["thinking"], record["text"]) == ("First I look.", "Two **shapes**.")
    streamed = vlm("ask", picture, QUESTION, *options, "--think").stdout
    assert streamed == "Two **shapes**.\n"


@pytest.mark.parametrize(("words", "template"), [(THOUGHT[3:], OPENS_ITSELF), (THOUGHT, "")], ids=["knows", "shows"])
def test_a_model_that_thinks_by_itself_is_asked_once(
    tmp_path: Path, picture: str, words: tuple[str, ...], template: str
) -> None:
    """Also where nothing but its answer shows that it does."""
    options = options_of(tmp_path, words + ANSWER, template)
    with Vlm(options[1], mmproj=options[3]) as model:
        reply = model.ask(picture, QUESTION, think=True)
        assert "".join(reply).strip() == reply.text == "Two **shapes**."
        assert (reply.thinking, reply.record.answer_tokens) == ("First I look.", len(words + ANSWER))


def test_words_stream_without_the_thinking(thinker: list[str], picture: str) -> None:
    with Vlm(thinker[1], mmproj=thinker[3]) as model:
        reply = model.ask(picture, QUESTION)
        assert "".join(reply).strip() == reply.text == "Two **shapes**."
        assert reply.thinking == "First I look."


# --- models that must be asked for it -----------------------------------------------------------------------


def test_the_model_in_the_box_gives_reasons_and_then_the_same_answer() -> None:
    picture = demo.PICTURES / "shapes.png"
    with Vlm("demo") as model:
        plain, thought = model.ask(picture, QUESTION), model.ask(picture, QUESTION, think=True)
        assert thought.text == plain.text
        assert thought.thinking  # whatever: it never learnt to give reasons
        assert thought.text != thought.thinking
        assert plain.thinking == ""
        assert "".join(model.ask(picture, QUESTION, think=True)).strip() == plain.text
        assert thought.record.question == QUESTION


def test_the_second_question_reads_the_picture_no_second_time(picture: str) -> None:
    with Vlm("demo") as model:
        plain = model.ask(picture, QUESTION).record
        thought = model.ask(picture, QUESTION, think=True).record
    assert thought.image_tokens == plain.image_tokens
    assert thought.answer_tokens > plain.answer_tokens


def test_reasons_in_a_pipe_stay_out_of_it(vlm: Run) -> None:
    picture = demo.PICTURES / "shapes.png"
    plain = vlm("ask", picture, QUESTION, "--model", "demo").stdout
    assert vlm("ask", picture, QUESTION, "--model", "demo", "--think") == (0, plain, "")


def test_text_is_read_without_reasons(vlm: Run) -> None:
    result = vlm("ocr", demo.PICTURES / "text.png", "--model", "demo", "--think")
    assert (result.code, result.stdout) == (0, "SALE\n")
    assert "--think: no effect with ocr" in result.stderr


FORMS = [
    (["--choices", "one,two,three"], "two"),
    (["--choices", "one,two,three", "--calibrate"], "two"),
    (["--regex", "(two|three) shapes"], "(two|three) shapes"),
    (["--schema", "n 2|3"], '{"n": "[23]"}'),
]


@pytest.mark.parametrize(("form", "pattern"), FORMS)
def test_reasons_come_before_an_answer_that_has_a_form(vlm: Run, form: list[str], pattern: str) -> None:
    arguments = ["ask", demo.PICTURES / "shapes.png", QUESTION, "--model", "demo", "--think", *form]
    record = json.loads(vlm(*arguments, "--format", "json").stdout)
    assert record["thinking"]
    assert re.fullmatch(pattern, record["text"])
    assert vlm(*arguments) == (0, f"{record['text']}\n", "")


def test_a_model_that_thinks_by_itself_does_so_before_a_form(tmp_path: Path, picture: str) -> None:
    template = OPENS_ITSELF.replace("{{ messages[0].content }}", "{% for m in messages %}{{ m.content }} {% endfor %}")
    options = options_of(tmp_path, THOUGHT[3:] + ANSWER, template)
    with Vlm(options[1], mmproj=options[3]) as model:
        reply = model.ask(picture, QUESTION, choices=["Two", "First"], think=True)
        assert reply.choice in ("Two", "First")
        assert reply.thinking == "First I look.\n\nTwo **shapes**."
        assert "".join(reply) == reply.text


# --- a person looks -----------------------------------------------------------------------------------------

DIM = "\x1b[2m"


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("more", [[], ["--no-markdown"], ["--no-stream"]], ids=" ".join)
def test_a_terminal_shows_thinking_dim_and_the_answer_plain(
    on_terminal: Run, thinker: list[str], picture: str, more: list[str]
) -> None:
    shown = on_terminal("ask", picture, QUESTION, *thinker, "--think", *more)
    assert shown.code == 0
    answer = "Two **shapes**." if more == ["--no-markdown"] else "Two shapes."
    assert [line for line in shown.lines if line] == ["First I look.", answer]
    before, _, after = shown.sent.rpartition("look.")
    assert DIM in before
    assert DIM not in after


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_terminal_hides_thinking_that_nobody_asked_for(on_terminal: Run, thinker: list[str], picture: str) -> None:
    shown = on_terminal("ask", picture, QUESTION, *thinker)
    assert shown.lines == ["Two shapes."]


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_escape_codes_in_thinking_never_reach_a_terminal(on_terminal: Run, tmp_path: Path, picture: str) -> None:
    options = options_of(tmp_path, ("<think>", "a\x1b]0;evil\x07", "▁b\x1b[31m", "</think>", "▁c"))
    shown = on_terminal("ask", picture, QUESTION, *options, "--think")
    assert [line for line in shown.lines if line] == ["a b", "c"]
    assert "evil" not in shown.sent
    assert "\x1b[31m" not in shown.sent


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [40, 200])
def test_long_thinking_is_wrapped_between_words(on_terminal: Run, tmp_path: Path, picture: str, columns: int) -> None:
    words = tuple(f"▁word{number}" for number in range(60))
    options = options_of(tmp_path, ("<think>", *words, "</think>", "▁c"))
    shown = on_terminal("ask", picture, QUESTION, *options, "--think", columns=columns)
    text = " ".join(" ".join(shown.lines).split())
    assert text == " ".join([*(f"word{number}" for number in range(60)), "c"])
