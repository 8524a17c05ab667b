"""What people write for a form: labels, a schema, the short form of one, or a class that describes itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vlmcli.core import Choices, Form, Pattern, Schema
from vlmcli.errors import UsageError

_SHORT_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("", "str", "string", "text"), "string"),
    **dict.fromkeys(("int", "integer"), "integer"),
    **dict.fromkeys(("float", "number"), "number"),
    **dict.fromkeys(("bool", "boolean"), "boolean"),
}
_SHORT_FORMATS = ("date", "time", "date-time", "uuid")
_FIELD = re.compile(
    r"(?P<name>[^\s,\[\]?|]+)(?P<optional>\?)?(?P<many>\[\])?(?:\s+(?P<type>[^\s,?\[\]]+)(?P<too>\?)?)?"
)
_SHORT_EXAMPLE = "--schema 'name, price float, colour red|green, items[], note?'"


def form_of(choices: Sequence[str] | None, schema: Any, regex: str | None) -> Form | None:
    """The one form that was asked for, if any. Raises UsageError for two."""
    given = {"choices": choices, "schema": schema, "regex": regex}
    asked = [name for name, value in given.items() if value is not None]
    if len(asked) > 1:
        raise UsageError(f"An answer has one form, and not {' and '.join(asked)} at once.", "Leave one out.")
    if choices is not None:
        return choices_of(choices)
    if regex is not None:
        return Pattern(regex)
    return None if schema is None else schema_of(schema)


def choices_of(labels: Sequence[str]) -> Choices:
    """Two labels or more, without white space at their ends. Raises UsageError for what cannot be chosen from."""
    if isinstance(labels, str):
        raise UsageError("Choices are a list of labels.", 'choices=["yes", "no"]')
    found = tuple(" ".join(str(label).split()) for label in labels)
    if any(not label for label in found):
        raise UsageError("One of the choices is empty.", "--choices yes,no")
    repeated = sorted({label for label in found if found.count(label) > 1})
    if repeated:
        raise UsageError(f"{repeated[0]!r} stands among the choices twice.", "Name each once.")
    if len(found) < 2:
        raise UsageError("There is nothing to choose from: it takes two labels or more.", "--choices yes,no")
    return Choices(found)


def split_labels(text: str) -> list[str]:
    """`yes,no`; a comma that belongs to a label is written `\\,`, and a backslash `\\\\`."""
    labels = [""]
    signs = iter(text)
    for sign in signs:
        if sign == "\\":
            following = next(signs, "")
            labels[-1] += following if following in ("\\", ",") else sign + following
        elif sign == ",":
            labels.append("")
        else:
            labels[-1] += sign
    return labels


def join_labels(labels: Sequence[str]) -> str:
    """The inverse of `split_labels`."""
    return ",".join(label.replace("\\", "\\\\").replace(",", "\\,") for label in labels)


def schema_of(value: Any) -> Schema:
    """From a mapping, JSON text, a file's path, the short form, or what has `model_json_schema` (a Pydantic model).

    Raises UsageError.
    """
    if hasattr(value, "model_json_schema"):
        value = value.model_json_schema()
    if isinstance(value, Path):
        return Schema(_read(value))
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("{"):
            return Schema(_parsed(text, "The schema"))
        if _names_file(text):
            return Schema(_read(Path(value)))
        value = _from_short(text)
    if not isinstance(value, Mapping | bool):
        raise UsageError(f"A schema cannot be made of {type(value).__name__}.", _SHORT_EXAMPLE)
    try:
        return Schema(json.dumps(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"The schema cannot be written as JSON: {error}.", _SHORT_EXAMPLE) from None


def _names_file(text: str) -> bool:
    """Whether it is a file, there or not: a mistyped path would else be a field of that name."""
    if text.endswith(".json") or text.startswith(("/", "./", "../", "~/")):
        return True
    try:
        return Path(text).is_file()
    except OSError:  # longer than a name can be, on Python before 3.14
        return False


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"The schema {path} cannot be read: {reason}.", _SHORT_EXAMPLE) from None
    return _parsed(text, f"The schema {path}")


def _parsed(text: str, name: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no JSON: {error}.", _SHORT_EXAMPLE) from None
    if not isinstance(value, dict | bool):
        raise UsageError(f"{name} is no JSON Schema, but {type(value).__name__}.", _SHORT_EXAMPLE)
    return json.dumps(value)


def _from_short(text: str) -> dict[str, Any]:
    """`name, price float, colour red|green, items[] int, note?`: an object's properties, one after the other."""
    properties: dict[str, Any] = {}
    required = []
    for part in text.split(","):
        field = _FIELD.fullmatch(part.strip())
        name = field["name"] if field else ""
        if not field or name in properties:
            raise UsageError(
                f"The schema has {part.strip()!r}, which is no field" + (" that is new." if field else "."),
                _SHORT_EXAMPLE,
            )
        schema = _short_type(field["type"] or "")
        properties[name] = {"type": "array", "items": schema} if field["many"] else schema
        required += [] if field["optional"] or field["too"] else [name]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _short_type(name: str) -> dict[str, Any]:
    if "|" in name:
        values = name.split("|")
        if "" in values:
            raise UsageError(f"The schema has {name!r}, in which a value is empty.", _SHORT_EXAMPLE)
        return {"enum": values}
    if name in _SHORT_FORMATS:
        return {"type": "string", "format": name}
    if name not in _SHORT_TYPES:
        types = ", ".join([*filter(None, _SHORT_TYPES), *_SHORT_FORMATS])
        raise UsageError(f"There is no type {name!r} for a field of a schema.", f"One of: {types}; or a|b|c")
    return {"type": _SHORT_TYPES[name]}
