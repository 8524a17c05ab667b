"""What a form promises: whatever the model in the box babbles at a high temperature, it fits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vlmcli import demo
from vlmcli.core import Answer, Failed, Finished, Form, Pattern, Picture, Request, Sampling, Schema, Text, Turn
from vlmcli.engine import ENGINES, Engine, EngineSettings
from vlmcli.grammar import schema_of
from vlmcli.images import load, resolve
from vlmcli.models import resolve_model

jsonschema = pytest.importorskip("jsonschema")
PICTURE = load(resolve(str(demo.PICTURES / "shapes.png")))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    opened = ENGINES["llama"](resolve_model("demo"), EngineSettings(threads=1))
    yield opened
    opened.close()


def babble(engine: Engine, form: Form, seed: int = 1, max_tokens: int = 150) -> Answer:
    turn = Turn("user", (Picture(PICTURE), Text("What is this?")))
    sampling = Sampling(max_tokens=max_tokens, temperature=1.5, seed=seed)
    for event in engine.stream([Request(0, (turn,), sampling, form=form)]):
        assert not isinstance(event, Failed), event.error
        if isinstance(event, Finished):
            return event.answer
    raise AssertionError("no answer")


# --- schemas ------------------------------------------------------------------------------------------------

names = st.sampled_from(["a", "name", "größe", 'with "quotes"', "a b", "x\\y", "x/y~z", "total"])
bounds = st.tuples(st.integers(-1200, 1200), st.integers(0, 3000)).map(lambda b: (b[0], b[0] + b[1]))


def _object(properties: dict[str, Any], required: set[str]) -> dict[str, Any]:
    named = [name for name in properties if name in required]
    return {"type": "object", "properties": properties, "required": named, "additionalProperties": False}


leaves = st.one_of(
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": "integer"}, {"type": "number"}]),
    bounds.map(lambda b: {"type": "integer", "minimum": b[0], "maximum": b[1]}),
    bounds.map(lambda b: {"type": "integer", "exclusiveMinimum": b[0] - 1, "exclusiveMaximum": b[1] + 1}),
    bounds.map(lambda b: {"type": "number", "minimum": b[0], "maximum": b[1]}),
    st.lists(st.sampled_from(["x", 1, 2.5, None, True, 'a"b', "\u202e\n", [1], {"k": 1}]), min_size=1, max_size=4).map(
        lambda values: {"enum": values}
    ),
    st.tuples(st.integers(0, 4), st.integers(0, 4)).map(
        lambda c: {"type": "string", "minLength": c[0], "maxLength": c[0] + c[1]}
    ),
    st.sampled_from(["^[a-c]{2,4}$", "x|^y", r"^\d+-\w?$", '^["\\\\]{1,3}$', r"^\S\D\W$", "^(ab?c|[^a-z])$"]).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    ),
    st.sampled_from(["date", "time", "date-time", "uuid", "ipv4"]).map(lambda f: {"type": "string", "format": f}),
    st.just({"type": ["string", "null"], "maxLength": 3}),
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.dictionaries(names, inner, min_size=1, max_size=4), st.sets(names)).map(lambda p: _object(*p)),
        st.tuples(inner, st.integers(0, 2), st.integers(0, 2)).map(
            lambda a: {"type": "array", "items": a[0], "minItems": a[1], "maxItems": a[1] + a[2]}
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"anyOf": each}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"prefixItems": each, "type": "array"}),
    ),
    max_leaves=5,
)


def by_reference(schema: Any) -> Any:
    return {"$ref": "#/$defs/it", "$defs": {"it": schema}}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(schemas, schemas.map(by_reference)), st.integers(0, 2**31))
def test_every_answer_fits_its_schema(engine: Engine, schema: Any, seed: int) -> None:
    answer = babble(engine, Schema(json.dumps(schema)), seed)
    if answer.stop_reason == "end":
        value = json.loads(answer.text)
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        jsonschema.Draft202012Validator(schema, format_checker=checker).validate(value)
    else:
        assert answer.stop_reason == "length"


def test_most_answers_are_whole(engine: Engine) -> None:
    """So that the test above tests something."""
    schema = _object({"a": {"type": "integer"}, "b": {"type": "string", "maxLength": 5}}, {"a", "b"})
    answers = [babble(engine, Schema(json.dumps(schema)), seed) for seed in range(5)]
    assert [answer.stop_reason for answer in answers] == ["end"] * 5
    assert len({answer.text for answer in answers}) > 1
    assert all(list(json.loads(answer.text)) == ["a", "b"] for answer in answers)


def test_a_schema_may_refer_to_itself(engine: Engine) -> None:
    node = {"type": "object", "properties": {"v": {"type": "integer", "minimum": 0, "maximum": 9}}, "required": ["v"]}
    node["properties"]["next"] = {"anyOf": [{"$ref": "#"}, {"type": "null"}]}  # type: ignore[index]
    for seed in range(4):
        answer = babble(engine, Schema(json.dumps(node)), seed)
        if answer.stop_reason == "end":
            jsonschema.validate(json.loads(answer.text), node)


def test_anything_at_all_is_json(engine: Engine) -> None:
    whole = [a for seed in range(4) if (a := babble(engine, Schema("{}"), seed)).stop_reason == "end"]
    assert whole
    for answer in whole:
        json.loads(answer.text)


@pytest.mark.parametrize(("least", "most"), [(0, 9), (7, 7), (95, 1005), (-20, 3), (-105, -99), (0, 10**14)])
def test_integers_keep_their_bounds(engine: Engine, least: int, most: int) -> None:
    schema = Schema(json.dumps({"type": "integer", "minimum": least, "maximum": most}))
    assert all(least <= int(babble(engine, schema, seed).text) <= most for seed in range(5))


def test_dates_are_days_that_exist(engine: Engine) -> None:
    for seed in range(5):
        day = json.loads(babble(engine, schema_of({"type": "string", "format": "date"}), seed).text)
        moment = json.loads(babble(engine, schema_of({"type": "string", "format": "date-time"}), seed).text)
        assert date.fromisoformat(day)
        assert datetime.fromisoformat(moment.replace("Z", "+00:00"))


# --- patterns -----------------------------------------------------------------------------------------------

PATTERNS = [
    r"\d{4}",
    r"(yes|no)",
    r"[A-Z]{2}-\d{3,5}",
    r"a?b*c+",
    r"[^abc\d\s]{3}",
    r"\S+ \w",
    r" x|\ty ",
    r"(?:é|ß){2}[Ā-ž]?",
    r"(a|b*)+c",
    r"\x41\u0042[\]\-^]",
    r"^x.{2}$",
    r"\D\W{2}",
    r"日本|🙂{2}",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_answer_matches_its_pattern(engine: Engine, pattern: str) -> None:
    answers = [babble(engine, Pattern(pattern), seed) for seed in range(3)]
    for answer in answers:
        if answer.stop_reason == "end":
            assert re.fullmatch(pattern, answer.text), answer.text
    assert "end" in {answer.stop_reason for answer in answers}


def test_confidence_is_what_the_model_gave_before_the_grammar(engine: Engine) -> None:
    """It would hardly say this by itself."""
    answer = babble(engine, Pattern("zzz"))
    assert answer.text == "zzz"
    assert answer.confidence is not None
    assert answer.confidence.lowest < 0.01
