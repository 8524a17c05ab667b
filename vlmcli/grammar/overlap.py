"""Whether one value may fit two alternatives of a oneOf: then "exactly one" could not be promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any


def may_overlap(alternatives: Sequence[Any], root: Any) -> bool:
    """False only where it is plain: other types, other constants, or a property with other constants."""
    return any(not _apart(_seen(a, root), _seen(b, root)) for a, b in combinations(alternatives, 2))


def _seen(schema: Any, root: Any) -> Any:
    """Behind one reference into $defs."""
    address = schema.get("$ref", "") if isinstance(schema, dict) else ""
    room, _, name = address.removeprefix("#/").partition("/")
    return (
        root.get(room, {}).get(name, schema) if room in ("$defs", "definitions") and isinstance(root, dict) else schema
    )


def _apart(a: Any, b: Any) -> bool:
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return False
    types = _types(a), _types(b)
    if all(types) and not types[0] & types[1]:
        return True
    if _constants_apart(a, b):
        return True
    return any(
        name in (a.get("required") or []) and name in (b.get("required") or []) and _constants_apart(x, y)
        for name, x in _properties(a).items()
        if (y := _properties(b).get(name)) is not None
    )


def _types(schema: Mapping[str, Any]) -> set[str]:
    names = schema.get("type", [])
    names = {names} if isinstance(names, str) else set(names)
    return names | {"integer", "number"} if names & {"integer", "number"} else names


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return schema.get("properties") or {}


def _constants_apart(a: Any, b: Any) -> bool:
    found = [_constants(a), _constants(b)]
    return all(found) and not set(found[0]) & set(found[1])


def _constants(schema: Any) -> list[str]:
    if not isinstance(schema, dict):
        return []
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    is_number = (isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return [repr(float(v) if number else v) for v, number in zip(values, is_number, strict=True)]
