"""What each task asks, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import count
from types import SimpleNamespace

import pytest

from vlmcli.core import (
    Answer,
    Choices,
    Family,
    Form,
    LoadedImage,
    Pattern,
    Picture,
    Request,
    Sampling,
    Schema,
    StopReason,
    Text,
)
from vlmcli.errors import UsageError
from vlmcli.models.families import FAMILIES
from vlmcli.tasks import TASKS, Brief, Outcome, TaskOptions, clock
from vlmcli.tasks.describe import STYLES
from vlmcli.tasks.ocr import STYLES as OCR_STYLES
from vlmcli.tasks.together import Together

A, B, C = (LoadedImage(name, 1, 1, b"\0\0\0", name) for name in "abc")
STITCHED = LoadedImage("stitched", 3, 1, bytes(9), "stitched")
ANY_FAMILY = Family("x")
ONE_PICTURE = Family("llava", several_pictures=False)


def stitch(images: Sequence[LoadedImage], labels: Sequence[str]) -> LoadedImage:
    assert len(images) == len(labels)
    return STITCHED


def run(
    task: str, images: list[LoadedImage], *replies: Answer, family: Family = ANY_FAMILY, **options: object
) -> tuple[list[Request], Outcome]:
    """The requests of a task that is given `replies`, and its outcome."""
    brief = Brief(TaskOptions(**options), family, stitch)  # type: ignore[arg-type]
    steps = TASKS[task].steps(brief, images)
    first = next(steps)
    if isinstance(first, Together):  # of what is asked side by side, the only one
        (steps,) = first.steps
        first = next(steps)
    requests = [first]
    try:
        for reply in replies:
            requests.append(steps.send(reply))
    except StopIteration as stop:
        return requests, stop.value
    raise AssertionError("the task asks for more")


def said(text: str, reason: StopReason = "end") -> Answer:
    return Answer(text, reason, answer_tokens=len(text))


def words(request: Request) -> str:
    return "".join(part.text for part in request.turns[-1].parts if isinstance(part, Text))


# A task that is not here fails `test_every_task_asks_its_question`: a new one brings its expectation.
QUESTIONS = {
    "describe": "Describe this picture in one or two sentences.",
    "ask": "How many?",
    "compare": "What is different between these two pictures?",
    "ocr": "Read all the text in this picture. Answer with the text alone, keeping the lines.",
}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_asks_its_question(task: str) -> None:
    images = [A, B] if task == "compare" else [A]
    options = {"question": "How many?"} if task == "ask" else {}
    requests, outcome = run(task, images, said("three"), **options)
    assert words(requests[0]) == QUESTIONS[task]
    assert requests[0].images == tuple(images)
    assert isinstance(requests[0].turns[-1].parts[0], Picture), "the picture comes first"
    assert requests[0].sampling.temperature == 0
    assert (outcome.text, outcome.cut_short) == ("three", False)


@pytest.mark.parametrize("style", STYLES)
def test_styles_have_words_of_their_own(style: str) -> None:
    assert words(run("describe", [A], said(""), style=style)[0][0]) == STYLES[style]
    assert len(set(STYLES.values())) == len(STYLES)


@pytest.mark.parametrize("style", OCR_STYLES)
def test_styles_of_ocr_have_words_of_their_own(style: str) -> None:
    assert words(run("ocr", [A], said(""), style=style)[0][0]) == OCR_STYLES[style]
    assert len(set(OCR_STYLES.values())) == len(OCR_STYLES)


def test_options_reach_the_request() -> None:
    request = run(
        "describe",
        [A],
        said(""),
        lang="German",
        system="Be brief.",
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        seed=3,
        timeout_s=2.0,
    )[0][0]
    assert words(request).endswith("Answer in German.")
    assert request.turns[0].role == "system"
    assert (request.sampling.max_tokens, request.sampling.temperature) == (9, 0.5)
    assert (request.sampling.top_p, request.sampling.seed, request.timeout_s) == (0.9, 3, 2.0)


@pytest.mark.parametrize("task", TASKS)
def test_prompt_replaces_the_wording(task: str) -> None:
    assert words(run(task, [A, B], said(""), prompt="Say moo.", question="Q")[0][0]) == "Say moo."


def test_family_has_wordings_and_stops_and_order_of_its_own() -> None:
    family = Family("ocr", stop=("###",), picture_first=False, wordings={"ocr": "OCR:"})
    request = run("ocr", [A], said(""), family=family)[0][0]
    assert words(request) == "OCR:"
    assert request.sampling.stop == ("###",)
    assert isinstance(request.turns[-1].parts[-1], Picture)


def test_compare_gives_all_pictures_to_those_who_can() -> None:
    assert run("compare", [A, B, C], said(""))[0][0].images == (A, B, C)
    request = run("compare", [A, B, C], said(""), family=ONE_PICTURE)[0][0]
    assert request.images == (STITCHED,)
    assert words(request).startswith("This picture shows 3 pictures side by side, labelled A, B and C.")
    assert run("compare", [A, B], said(""), family=ONE_PICTURE, strategy="native")[0][0].images == (A, B)
    assert run("compare", [A, B], said(""), strategy="stitch")[0][0].images == (STITCHED,)


def test_compare_asks_the_users_question() -> None:
    assert words(run("compare", [A, B], said(""), question="Which is older?")[0][0]) == "Which is older?"
    assert words(run("compare", [A, B], said(""), question="Older?", strategy="stitch")[0][0]).endswith(" Older?")


def test_ocr_goes_on_once_from_where_the_loop_began() -> None:
    requests, outcome = run("ocr", [A], said("Line 1\n", "repetition"), said("Line 2"))
    assert len(requests) == 2
    assert requests[1].prefix == "Line 1\n"
    assert requests[1].sampling.dry_multiplier > 0 == requests[0].sampling.dry_multiplier
    assert requests[1].sampling.max_tokens == requests[0].sampling.max_tokens - len("Line 1\n")
    assert (outcome.text, outcome.cut_short) == ("Line 1\nLine 2", False)


def test_ocr_that_loops_again_is_cut_short() -> None:
    requests, outcome = run("ocr", [A], said("a", "repetition"), said("b", "repetition"))
    assert len(requests) == 2
    assert (outcome.text, outcome.stop_reason, outcome.cut_short) == ("ab", "repetition", True)


@pytest.mark.parametrize("reason", ["length", "context", "timeout", "repetition", "interrupted"])
def test_an_answer_that_did_not_end_is_cut_short(reason: StopReason) -> None:
    assert run("describe", [A], said("a", reason))[1].cut_short


def test_history_stands_before_the_question_and_the_picture_in_the_first_turn() -> None:
    brief = Brief(TaskOptions(question="R", system="S"), ANY_FAMILY, stitch, (("Q", "A"),))
    request = next(TASKS["ask"].steps(brief, [A]))
    assert [turn.role for turn in request.turns] == ["system", "user", "assistant", "user"]
    assert request.turns[1].parts == (Picture(A), Text("Q"))
    assert request.turns[2].parts == (Text("A"),)
    assert request.turns[3].parts == (Text("R"),)
    assert request.room_tokens > 0


def test_a_question_without_history_asks_for_no_room() -> None:
    assert run("ask", [A], said(""), question="Q")[0][0].room_tokens == 0


@pytest.mark.parametrize(
    ("task", "images", "options"),
    [("describe", [A], {"style": "haiku"}), ("compare", [A, B], {"strategy": "guess"}), ("compare", [A], {})],
)
def test_options_that_make_no_sense_are_said(task: str, images: list[LoadedImage], options: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        run(task, images, **options)


# --- several questions --------------------------------------------------------------------------------------

YES_NO = Choices(("yes", "no"))
SHARES, NONE = (0.75, 0.25), ()


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which a second goes by whenever it is looked at."""
    ticks = count(100)
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


@pytest.mark.usefixtures("seconds")
@pytest.mark.parametrize(
    ("task", "many", "options"),
    [
        ("compare", 3, {"strategy": "describe"}),
        ("compare", 4, {"strategy": "describe", "think": True}),
        ("describe", 2, {"think": True}),
        ("ask", 2, {"form": YES_NO, "calibrate": True}),
        ("ocr", 2, {}),
    ],
    ids=["compare by descriptions", "compare by descriptions and think", "think", "calibrate", "ocr with a loop"],
)
def test_all_questions_about_a_picture_share_its_time(task: str, many: int, options: dict[str, object]) -> None:
    images = [A, B] if task == "compare" else [A]
    reply = Answer("yes", "repetition" if task == "ocr" else "end", probabilities=SHARES)
    requests, _ = run(task, images, *[reply] * many, question="Q", timeout_s=9.0, **options)
    left = [request.timeout_s or 0.0 for request in requests]
    assert left[0] >= 8.0
    assert left == sorted(set(left), reverse=True)


@pytest.mark.parametrize("form", [Schema('{"type": "array"}'), Pattern("(la )*")], ids=["schema", "pattern"])
def test_what_has_a_form_may_repeat_itself_and_hold_any_words(form: Form) -> None:
    family = Family("x", stop=("###",))
    sampling = run("ask", [A], said("[]"), family=family, question="Q", form=form)[0][0].sampling
    assert (sampling.stop, sampling.stop_at_repetition) == ((), False)


def calibrated(seen: Answer, *unseen: Answer) -> Outcome:
    return run("ask", [A], seen, *unseen, question="Q", form=YES_NO, calibrate=True)[1]


def test_calibrated_by_what_is_likely_without_the_picture() -> None:
    outcome = calibrated(Answer("yes", "end", probabilities=SHARES), Answer("yes", "end", probabilities=(0.9, 0.1)))
    assert (outcome.choice, outcome.error) == ("no", None)


@pytest.mark.parametrize("answers", [[NONE], [SHARES, NONE]], ids=["not with the picture", "not without the picture"])
def test_a_model_that_does_not_tell_how_likely_its_answers_are(answers: list[tuple[float, ...]]) -> None:
    outcome = calibrated(*(Answer("yes", "end", probabilities=shares) for shares in answers))
    assert "does not tell how likely" in str(outcome.error)
    assert outcome.error
    assert outcome.error.hint == "Leave out --calibrate."


def test_the_question_without_the_picture_may_be_cut_short() -> None:
    seen = Answer("yes", "end", probabilities=SHARES)
    outcome = calibrated(seen, Answer("", "timeout"))
    assert (outcome.stop_reason, outcome.choice) == ("timeout", None)
    assert "its time was over" in str(outcome.error)
    assert calibrated(seen, Answer("", "interrupted")) == Outcome("", "interrupted")


# --- families -----------------------------------------------------------------------------------------------

READERS = {"deepseek-ocr": "Free OCR.", "glm-ocr": "Text Recognition:", "paddleocr-vl": "OCR:"}
KEYS = {
    "ask",
    "compare",
    "compare.stitch",
    "ocr",
    *(f"describe.{style}" for style in STYLES),
    "ocr.markdown",
    "ocr.table",
}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_a_family_names_tasks_wordings_and_sampling_that_exist(family: Family) -> None:
    assert set(family.tasks) <= set(TASKS)
    assert set(family.wordings) <= KEYS
    settings = {field.name: field.default for field in fields(Sampling)}
    assert {name: type(value) for name, value in family.sampling.items()} == {
        name: type(settings[name]) for name in family.sampling
    }


@pytest.mark.parametrize("family", READERS)
def test_a_reader_gets_just_the_words_it_was_trained_on(family: str) -> None:
    request = run("ocr", [A], said(""), family=FAMILIES[family])[0][0]
    assert request.turns[-1].parts == (Picture(A), Text(READERS[family]))
    assert request.sampling.temperature == 0
    assert request.sampling.max_tokens > Sampling().max_tokens


@pytest.mark.parametrize("family", FAMILIES)
def test_other_families_read_with_our_words(family: str) -> None:
    expected = READERS.get(family, QUESTIONS["ocr"])
    assert words(run("ocr", [A], said(""), family=FAMILIES[family])[0][0]) == expected


@pytest.mark.parametrize("style", STYLES)
def test_deepseek_ocr_describes_in_its_one_wording(style: str) -> None:
    request = run("describe", [A], said(""), family=FAMILIES["deepseek-ocr"], style=style)[0][0]
    assert words(request) == "Describe this image in detail."


@pytest.mark.parametrize("family", READERS)
def test_a_reader_is_not_asked_what_it_never_learned(family: str) -> None:
    reader = FAMILIES[family]
    for task in sorted(set(TASKS) - set(reader.tasks)):
        with pytest.raises(UsageError, match=f"not trained to {task}") as caught:
            run(task, [A, B], said(""), family=reader)
        assert "vlm ocr" in caught.value.hint
        own_words = run(task, [A, B], said(""), family=reader, prompt="Table Recognition:")[0][0]
        assert words(own_words) == "Table Recognition:"
    assert words(run("ask", [A], said(""), family=reader, question="Formula Recognition:")[0][0]) == (
        "Formula Recognition:"
    )


def test_a_family_overrides_a_tasks_sampling_and_the_user_both() -> None:
    advised = Family("x", sampling={"max_tokens": 4096, "temperature": 0.7, "top_p": 0.8})
    sampling = run("ask", [A], said(""), family=advised, question="Q")[0][0].sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p) == (4096, 0.7, 0.8)
    sampling = run("ask", [A], said(""), family=advised, question="Q", temperature=0.0, max_tokens=5)[0][0].sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p) == (5, 0.0, 0.8)


@pytest.mark.parametrize("task", ["describe", "ocr"])
def test_reading_and_describing_stay_greedy_unless_the_user_says_otherwise(task: str) -> None:
    advised = Family("x", sampling={"max_tokens": 4096, "temperature": 0.7, "top_p": 0.8})
    sampling = run(task, [A], said(""), family=advised)[0][0].sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p) == (4096, 0.0, 1.0)
    assert run(task, [A], said(""), family=advised, temperature=0.7)[0][0].sampling.temperature == 0.7


@pytest.mark.parametrize("family", [family for family in FAMILIES if not FAMILIES[family].tasks])
def test_compare_gives_several_pictures_only_to_families_that_learned_it(family: str) -> None:
    images = run("compare", [A, B], said(""), family=FAMILIES[family])[0][0].images
    assert images == ((A, B) if FAMILIES[family].several_pictures else (STITCHED,))
