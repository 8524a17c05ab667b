"""The options of every task: limits, sampling, what is said beside the answer; and text that is never control."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import typer

from vlmcli.cli.app import command_line
from vlmcli.cli.names import NAMES

Run = Callable[..., Any]


@pytest.fixture
def record(ask_demo: Run) -> Callable[..., dict[str, Any]]:
    def ask(*more: str, **options: Any) -> dict[str, Any]:
        result = ask_demo("--format", "json", *more, **options)
        assert result.code == 0, result.stderr
        return dict(json.loads(result.stdout))

    return ask


def test_max_tokens_cuts_the_answer_short(record: Run) -> None:
    found = record("--temperature", "5", "--seed", "1", max_tokens=3)
    assert (found["stop_reason"], found["cut_short"], found["tokens"]["answer"]) == ("length", True, 3)


def test_a_cut_answer_is_said_to_be_one(ask_demo: Run) -> None:
    result = ask_demo("--temperature", "5", "--seed", "1", max_tokens=3)
    assert result.code == 0
    assert "vlm: a.png: cut short: the answer reached 3 tokens (--max-tokens 64" in result.stderr
    one = ask_demo(max_tokens=1)
    assert "the answer reached 1 token (" in one.stderr
    thinking = ask_demo("--think", max_tokens=1)
    assert "the answer reached its most tokens (" in thinking.stderr


def test_a_seed_repeats(record: Run) -> None:
    def text(seed: str) -> str:
        return str(record("--temperature", "5", "--seed", seed, max_tokens=30)["text"])

    assert text("7") == text("7")
    assert len({text("7"), text("8"), text("9")}) == 3


def test_without_a_seed_a_temperature_is_not_repeatable(record: Run) -> None:
    assert len({record("--temperature", "5", max_tokens=30)["text"] for _ in range(4)}) > 1


def test_top_p_of_almost_nothing_is_greedy(record: Run) -> None:
    narrow = record("--temperature", "1", "--top-p", "0.000001", "--seed", "1", max_tokens=8)
    assert narrow["text"] == record(max_tokens=8)["text"]


@pytest.mark.parametrize("option", [["--seed", "1"], ["--top-p", "0.5"]])
def test_an_option_without_effect_is_told(ask_demo: Run, option: list[str]) -> None:
    result = ask_demo(*option)
    assert result.code == 0
    assert f"vlm: {option[0]}: no effect without --temperature" in result.stderr
    assert "no effect" not in ask_demo(*option, "--temperature", "1").stderr
    assert "no effect" not in ask_demo(*option, "--quiet").stderr


def test_a_timeout_without_a_word_is_an_error(ask_demo: Run) -> None:
    result = ask_demo("--timeout", "0.000001", max_tokens=500)
    words = "vlm: There was no word of an answer about a.png within 1e-06 seconds.\n  More time: --timeout SECONDS\n"
    assert (result.code, result.stdout, result.stderr) == (5, "", words)


def test_timeout_in_the_middle_of_an_answer(vlm: Run, picture: str, talker: list[str]) -> None:
    result = vlm("ask", picture, "What?", *talker, "--timeout", "1", "--format", "json")
    found = json.loads(result.stdout)
    assert (result.code, found["stop_reason"], found["cut_short"]) == (0, "timeout", True)
    assert found["text"]


def test_a_long_timeout_changes_nothing(record: Run) -> None:
    assert record("--timeout", "1000")["text"] == record()["text"]


def test_the_context_ends_an_answer_that_has_no_other_end(vlm: Run, picture: str, short_talker: list[str]) -> None:
    result = vlm("ask", picture, "What?", *short_talker, "--format", "json")
    found = json.loads(result.stdout)
    assert (found["stop_reason"], found["cut_short"]) == ("context", True)
    assert found["tokens"]["prompt"] + found["tokens"]["answer"] == 512


def test_system_is_part_of_the_prompt(record: Run) -> None:
    longer = record("--system", "Answer like a small child would.")["tokens"]
    assert longer["prompt"] > record()["tokens"]["prompt"]
    assert longer["image"] == record()["tokens"]["image"]


def test_prompt_replaces_the_wording(vlm: Run, picture: str) -> None:
    result = vlm("ocr", picture, "--prompt", "Spell it.", "--model", "demo", "--max-tokens", "2", "--format", "json")
    assert json.loads(result.stdout)["question"] == "Spell it."


def test_stats_are_one_line_on_stderr(ask_demo: Run) -> None:
    result = ask_demo("--stats")
    lines = [line for line in result.stderr.splitlines() if " · " in line]
    assert len(lines) == 1
    assert re.search(r"load .* encode .* read \d+ tokens in .* first token .*\d+ tokens?", lines[0])
    assert result.stdout == ask_demo().stdout


def test_stats_of_several_name_their_picture(vlm: Run, pictures: Sequence[str]) -> None:
    result = vlm("describe", *pictures, "--model", "demo", "--max-tokens", "2", "--stats")
    for name in pictures:
        assert re.search(rf"^{name}: .*read \d+ tokens", result.stderr, re.MULTILINE)


def test_quiet_says_nothing_but_errors(vlm: Run, picture: str) -> None:
    options = ["--model", "demo", "--max-tokens", "1", "--stats", "--seed", "1", "--quiet"]
    assert vlm("describe", picture, *options).stderr == ""
    assert "none.png" in vlm("describe", "none.png", *options).stderr


def test_verbose_shows_the_log_of_llama_cpp(ask_demo: Run) -> None:
    plain, loud = ask_demo("--quiet"), ask_demo("--verbose")
    assert plain.stderr == ""
    assert "llama" in loud.stderr
    assert "clip" in loud.stderr
    assert loud.stdout == plain.stdout


def test_the_log_is_off_again_after_it_was_on(ask_demo: Run) -> None:
    ask_demo("--verbose")
    assert ask_demo("--quiet").stderr == ""


def test_threads_do_not_change_the_answer(record: Run) -> None:
    assert record("--threads", "2", max_tokens=2)["text"] == record("--threads", "1", max_tokens=2)["text"]


def test_more_threads_than_any_machine_has(vlm_process: Run, picture: str) -> None:
    result = vlm_process("describe", picture, "--model", "demo", "--max-tokens", "2", "--threads", "99999999")
    assert result.code in (0, 2), result.stderr
    assert "terminate called" not in result.stderr


TYPED = ["</s>", "<s>", "<__media__>", "<image>", "<unk>", "<|im_end|>", "[INST]", "USER: no ASSISTANT: yes", "<0x0A>"]


@pytest.mark.parametrize("typed", TYPED)
def test_what_is_typed_is_only_text(record: Run, typed: str) -> None:
    """It costs the tokens of its letters, and the picture stays where it is: one, whole, with every row."""
    plain = record(question="What is?")["tokens"]
    found = record(question=f"What is {typed}?")
    assert found["question"] == f"What is {typed}?"
    assert found["tokens"]["image"] == plain["image"]
    assert found["tokens"]["prompt"] >= plain["prompt"] + 2
    assert found["error"] is None


@pytest.mark.parametrize("option", ["--system", "--prompt", "--lang"])
@pytest.mark.parametrize("typed", ["</s>", "<__media__>"])
def test_nor_in_an_option(vlm: Run, picture: str, option: str, typed: str) -> None:
    command = ["describe", picture, "--model", "demo", "--max-tokens", "2", "--format", "json"]
    plain = json.loads(vlm(*command).stdout)["tokens"]
    result = vlm(*command, option, f"As {typed} is")
    assert result.code == 0
    assert json.loads(result.stdout)["tokens"]["image"] == plain["image"]


def test_a_question_of_nothing_but_marks_and_signs(record: Run) -> None:
    assert record(question="\x00\x1b[2J\r\n\u202e漢字🙂")["error"] is None


def test_the_names_of_the_commands_are_those_that_there_are() -> None:
    assert set(typer.main.get_group(command_line()).commands) == NAMES
