"""What cannot be enforced is refused by its name, and what people write is understood."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmcli.core import Choices, Pattern, Schema
from vlmcli.errors import UsageError
from vlmcli.grammar import check_form, choices_of, form_of, grammar_of, schema_of, seems_to_fit, split_labels
from vlmcli.grammar.numbers import decimals, integers

REFUSED: dict[str, Any] = {
    "not": {"not": {}},
    "uniqueItems": {"type": "array", "uniqueItems": True},
    "multipleOf": {"type": "integer", "multipleOf": 3},
    "patternProperties": {"type": "object", "patternProperties": {"a": {}}},
    "if": {"type": "string", "if": {}},
    "dependentRequired": {"type": "object", "dependentRequired": {}},
    "contains": {"type": "array", "contains": {}},
    "format 'email'": {"type": "string", "format": "email"},
    "allOf of several": {"allOf": [{"type": "string"}, {"minLength": 1}]},
    "oneOf": {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    "minimum 0.5": {"type": "number", "minimum": 0.5},
    "exclusiveMinimum 0 for a number": {"type": "number", "exclusiveMinimum": 0},
    "pattern together": {"type": "string", "pattern": "a", "maxLength": 3},
    "maxLength beside enum": {"enum": ["a"], "maxLength": 3},
    "lookahead": {"type": "string", "pattern": "(?=a)b"},
    "#/nowhere": {"$ref": "#/nowhere"},
    "type 'text'": {"type": "text"},
    "maxItems below": {"type": "array", "minItems": 3, "maxItems": 2},
    "no number": {"type": "integer", "minimum": 3, "maximum": 2},
    "5000": {"type": "string", "maxLength": 5000},
    "allows nothing": {"type": "object", "properties": {"a": False}},
    "refers to '#anchor'": {"$ref": "#anchor", "$defs": {"a": {"$anchor": "anchor", "type": "integer"}}},
    "requires 'a'": {"type": "object", "required": ["a"], "additionalProperties": False},
    "minItems of 2, and items that allow none": {"type": "array", "items": False, "minItems": 2},
    "pattern null": {"type": "string", "pattern": None},
    "more than 15 digits": {"type": "integer", "minimum": 10**20},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_enforced_is_refused_by_name(name: str) -> None:
    for schema in (REFUSED[name], {"type": "object", "properties": {"x": REFUSED[name]}}):
        with pytest.raises(UsageError) as raised:
            check_form(Schema(json.dumps(schema)))
        assert name in raised.value.sentence
        assert raised.value.exit_code == 2


MALFORMED: dict[str, tuple[Any, str]] = {
    "a bound in words": ({"type": "integer", "minimum": "x"}, 'minimum "x"'),
    "a bound of null": ({"type": "integer", "minimum": None}, "minimum null"),
    "an infinite bound": ({"type": "number", "minimum": math.inf}, "minimum inf"),
    "an infinite constant": ({"const": math.inf}, "not JSON compliant"),
    "a number as enum": ({"enum": 5}, "enum 5"),
    "a list of properties": ({"type": "object", "properties": [1]}, "properties [1]"),
    "an object as type": ({"type": {}}, "the type {}"),
    "a number as required": ({"type": "object", "required": 5}, "required 5"),
    "a number as a name": ({"type": "object", "required": [1]}, "required name 1"),
    "a number as reference": ({"oneOf": [{"$ref": 5}, {"type": "string"}]}, "is no JSON Schema"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_schema_is_said(name: str) -> None:
    schema, sentence = MALFORMED[name]
    with pytest.raises(UsageError) as raised:
        check_form(Schema(json.dumps(schema)))
    assert sentence in raised.value.sentence


def test_what_is_nested_too_deeply_is_said() -> None:
    with pytest.raises(UsageError, match="recursion"):
        check_form(Schema('{"items":' * 900 + "true" + "}" * 900))
    with pytest.raises(UsageError, match="groups in groups"):
        check_form(Pattern("(" * 2000 + "a" + ")" * 2000))


_ITSELF = {"$ref": "#"}
_ONE_IN_ANOTHER = {"type": "object", "properties": {"a": _ITSELF}, "required": ["a"]}


@pytest.mark.parametrize("schema", [_ONE_IN_ANOTHER, _ITSELF, {"type": "array", "items": _ITSELF, "minItems": 1}])
def test_what_never_ends_is_refused(schema: Any) -> None:
    with pytest.raises(UsageError, match="at # asks for never ends"):
        check_form(schema_of(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": _ITSELF}},
        {"type": "array", "items": _ITSELF},
        {**_ONE_IN_ANOTHER, "type": ["object", "null"]},
        {"anyOf": [{"type": "null"}, _ONE_IN_ANOTHER]},
    ],
)
def test_what_leads_back_to_itself_and_can_end_is_followed(schema: Any) -> None:
    assert "root ::= r0" in grammar_of(schema_of(schema))


def test_what_is_required_and_not_named_fits_additional_properties() -> None:
    form = Schema('{"type": "object", "required": ["a"], "additionalProperties": {"type": "boolean"}}')
    assert '("true" | "false")' in grammar_of(form)
    assert " any" not in grammar_of(form)


ALLOWED: list[Any] = [
    {"title": "T", "description": "d", "default": 1, "examples": [1], "$schema": "s", "type": "integer"},
    {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    {
        "oneOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}],
        "discriminator": {"propertyName": "k"},
        "$defs": {
            "A": {"type": "object", "properties": {"k": {"const": "a"}}, "required": ["k"]},
            "B": {"type": "object", "properties": {"k": {"const": "b"}}, "required": ["k"]},
        },
    },
    {"allOf": [{"type": "string"}]},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "object", "required": ["unnamed"]},
    {"type": "array", "uniqueItems": False},
    True,
]


@pytest.mark.parametrize("schema", ALLOWED, ids=str)
def test_what_forbids_nothing_is_taken(schema: Any) -> None:
    check_form(Schema(json.dumps(schema)))


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("a(?!b)", "lookahead"),
        ("(?<=a)b", "lookbehind"),
        (r"(a)\1", r"\1"),
        (r"\bword", r"\b"),
        ("(?i)a", "flags"),
        ("a++", "possessive"),
        ("a^b", "^ in its middle"),
        ("a(b", "( that is not closed"),
        ("a)b", ") that closes nothing"),
        ("[ab", "[ that is not closed"),
        ("*a", "* that repeats nothing"),
        ("[z-a]", "range"),
        (r"\p{L}", r"\p"),
        ("a{3,2}", "wrong way round"),
        ("a{9999}", "2000"),
        ("[[:alpha:]]", "named class"),
        ("(a?b?)*", "may be empty"),
        ("\x00", "never writes"),
        ("a\\", "at its end"),
    ],
)
def test_a_pattern_that_cannot_be_held_to(pattern: str, name: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_form(Pattern(pattern))
    assert name in raised.value.sentence


@given(st.text(max_size=12))
def test_no_pattern_brings_a_traceback(pattern: str) -> None:
    with suppress(UsageError):
        check_form(Pattern(pattern))


@given(st.integers(-3000, 3000), st.integers(0, 3000), st.integers(-7000, 7000))
def test_integers_between_bounds(low: int, more: int, number: int) -> None:
    """The grammar of digits, read as a regular expression."""
    written = integers(low, low + more)
    assert written is not None
    matches = re.fullmatch(as_regex(written), str(number)) is not None
    assert matches == (low <= number <= low + more)


@given(st.integers(-300, 300), st.integers(0, 300), st.decimals(-700, 700, places=2, allow_nan=False))
def test_decimals_between_bounds(low: int, more: int, number: Any) -> None:
    written = decimals(low, low + more)
    assert written is not None
    if re.fullmatch(as_regex(written), str(number)):
        assert low <= number <= low + more
    elif low <= number <= low + more:
        assert number == 0  # -0.00


def as_regex(grammar: str) -> str:
    return grammar.replace('"."', r"\.").replace('"', "").replace(" ", "")


ROOMS = {
    "type": "object",
    "properties": {
        "rooms": {"type": "array", "items": {"type": ["integer", "null"]}},
        "kind": {"enum": ["inn", "flat"]},
        "note": {"anyOf": [{"type": "string"}, {"const": 1}]},
    },
    "required": ["rooms"],
}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('{"rooms": []}', True),
        ('{"rooms": [1, null, 2.0], "kind": "inn", "note": "x", "more": true}', True),
        ('{"rooms": [1], "note": 1}', True),
        ('{"kind": "inn"}', False),
        ('{"rooms": ["1"]}', False),
        ('{"rooms": [], "kind": "house"}', False),
        ('{"rooms": [], "note": 2}', False),
        ("[]", False),
        ("null", False),
    ],
    ids=[
        *("empty list", "all properties", "a constant", "missing name", "wrong items", "wrong label", "no alternative"),
        *("a list", "nothing"),
    ],
)
def test_json_that_plainly_does_not_fit_a_schema(text: str, fits: bool) -> None:
    assert seems_to_fit(json.loads(text), ROOMS) is fits
    assert seems_to_fit(json.loads(text), True)


# --- what people write --------------------------------------------------------------------------------------


def test_the_short_form() -> None:
    found = json.loads(schema_of("name, price float, colour red|green, items[] int, note?, sure bool?").json)
    assert found["required"] == ["name", "price", "colour", "items"]
    assert found["properties"] == {
        "name": {"type": "string"},
        "price": {"type": "number"},
        "colour": {"enum": ["red", "green"]},
        "items": {"type": "array", "items": {"type": "integer"}},
        "note": {"type": "string"},
        "sure": {"type": "boolean"},
    }
    assert found["additionalProperties"] is False


@pytest.mark.parametrize(
    "text",
    ["", "a,,b", "a, a", "a floot", "a b c", "none.json", "{not json", "[1]", "a b|c[]", "a b||c", "./none", "/"],
)
def test_a_short_form_that_is_none(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        schema_of(text)
    assert raised.value.hint


def test_a_short_form_may_be_longer_than_a_file_name() -> None:
    names = [f"field{number}" for number in range(90)]
    assert json.loads(schema_of(", ".join(names)).json)["required"] == names


def test_what_is_no_json_is_no_schema() -> None:
    with pytest.raises(UsageError, match="cannot be written as JSON"):
        schema_of({"const": object()})


def test_a_schema_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"type": "integer"}')
    assert schema_of(str(path)) == schema_of(path) == schema_of('{"type": "integer"}') == Schema('{"type": "integer"}')


@pytest.mark.parametrize(
    ("text", "labels"), [("yes,no", ["yes", "no"]), (r"a\, b,c", ["a, b", "c"]), (r"a\\,b\n", ["a\\", r"b\n"])]
)
def test_labels_with_commas(text: str, labels: list[str]) -> None:
    assert split_labels(text) == labels


@pytest.mark.parametrize("labels", [["a"], [], ["a", ""], ["a", "b", "a"], ["a", " a "], "yes,no"])
def test_choices_that_are_none(labels: Any) -> None:
    with pytest.raises(UsageError):
        choices_of(labels)


def test_one_form_only() -> None:
    assert form_of(["a", "b"], None, None) == Choices(("a", "b"))
    assert form_of(None, None, "a") == Pattern("a")
    assert form_of(None, None, None) is None
    with pytest.raises(UsageError, match="choices and regex"):
        form_of(["a", "b"], None, "a")
