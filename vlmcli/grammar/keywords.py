"""The keywords of JSON Schema: which are known, which go together, and what their values may be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vlmcli.errors import UsageError
from vlmcli.grammar.regex import MOST_REPEATS

_SAYS_NOTHING = frozenset(
    "$schema $id $anchor $comment $defs definitions title description default examples example deprecated readOnly"
    " writeOnly discriminator".split()
)
"""Keywords that allow and forbid nothing."""
KEYWORDS = {
    "object": "properties required additionalProperties",
    "array": "items prefixItems minItems maxItems",
    "string": "minLength maxLength pattern format",
    "integer": "minimum maximum exclusiveMinimum exclusiveMaximum",
    "number": "minimum maximum exclusiveMinimum exclusiveMaximum",
    "boolean": "",
    "null": "",
}
_ANY_TYPE = tuple(name for name in KEYWORDS if name != "integer")


def types_of(schema: Mapping[str, Any], path: str) -> Sequence[str]:
    """The types that are named; else those that the keywords are about; else all."""
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        unknown = [name for name in names if not isinstance(name, str) or name not in KEYWORDS]
        if unknown or not names:
            raise UsageError(f"The schema at {path} has the type {unknown[0] if unknown else names!r}.", _TYPES_HINT)
        return names
    about = [name for name in _ANY_TYPE if set(KEYWORDS[name].split()) & schema.keys()]
    return about or _ANY_TYPE


_TYPES_HINT = f"One of: {', '.join(KEYWORDS)}"


def check_keywords(schema: Mapping[str, Any], path: str, known: Sequence[str], beside: str = "") -> None:
    """Raises UsageError for a keyword that is not `known`; `beside`: the one that says it all."""
    unknown = [key for key in schema if key not in known and key not in _SAYS_NOTHING]
    unknown = [key for key in unknown if not (key == "uniqueItems" and schema[key] is False)]
    if unknown:
        raise refused(unknown[0] + (f" beside {beside}" if beside else ""), path)


def refused(what: str, path: str) -> UsageError:
    return UsageError(
        f"The schema at {path} has {what}, which vlm cannot enforce, and would not ignore.",
        "Take it out of the schema.",
    )


def expect(value: Any, name: str, keyword: str, path: str) -> Any:
    """A keyword's value, which must be of the type `name`. Raises UsageError."""
    if not is_a(value, name):
        raise UsageError(f"The schema at {path} has the {keyword} {as_json(value)}.", f"It must be of type {name}.")
    return value


def counts(schema: Mapping[str, Any], path: str, least_name: str, most_name: str) -> tuple[int, int | None]:
    least, most = schema.get(least_name, 0), schema.get(most_name)
    for name, value in ((least_name, least), (most_name, most)):
        if value is not None and not (is_a(value, "integer") and 0 <= value <= MOST_REPEATS):
            raise UsageError(f"The schema at {path} has a {name} of {value}.", f"A number from 0 to {MOST_REPEATS}.")
    if most is not None and most < least:
        raise UsageError(f"The schema at {path} has a {most_name} below its {least_name}.")
    return int(least), None if most is None else int(most)


def bounds(schema: Mapping[str, Any], path: str, whole: bool) -> tuple[int | None, int | None]:
    """The least and the most, both included; those of a decimal must be whole numbers, and may not be excluded."""
    found: list[int | None] = []
    for name, excluded, step in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
        limits = []
        for keyword in (name, excluded):
            if keyword not in schema:
                continue
            value = expect(schema[keyword], "number", keyword, path)
            if not is_a(value, "integer") or (keyword == excluded and not whole):
                raise refused(f"{keyword} {value} for {'an integer' if whole else 'a number'}", path)
            limits.append(int(value) + (step if keyword == excluded else 0))
        found.append((max if step > 0 else min)(limits) if limits else None)
    return found[0], found[1]


def is_a(value: Any, name: str) -> bool:
    kinds: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    if name == "integer":
        return not isinstance(value, bool) and (
            isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        )
    if name == "number":
        return not isinstance(value, bool) and isinstance(value, int | float)
    return isinstance(value, kinds[name])


def as_json(value: Any) -> str:
    """JSON in which nothing steers a terminal."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if text.isprintable() else json.dumps(value)
