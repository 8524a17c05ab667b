"""Whether what a schema asks for has an end: one that requires another of itself, without end, is no answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vlmcli.errors import UsageError
from vlmcli.grammar.keywords import types_of

Ends = Callable[[Any], bool]


def check_ending(schemas: Mapping[str, Any], find: Callable[[str], Any]) -> None:
    """`schemas`: all that are in use, by their paths; `find`: what a `$ref` is. Raises UsageError."""
    waiting, ended = dict(schemas), set[int]()

    def ends(schema: Any) -> bool:
        return not isinstance(schema, dict) or not schema or id(schema) in ended

    while found := [path for path, schema in waiting.items() if _has_end(schema, path, ends, find)]:
        ended |= {id(waiting.pop(path)) for path in found}
    if waiting:
        raise UsageError(
            f"What the schema at {next(iter(waiting))} asks for never ends: it requires another of itself.",
            "Take what leads back to it out of required, or allow null there.",
        )


def _has_end(schema: Any, path: str, ends: Ends, find: Callable[[str], Any]) -> bool:
    """As far as is known of what it is made of."""
    if ends(schema) or "enum" in schema or "const" in schema:
        return True
    if "$ref" in schema:
        return ends(find(schema["$ref"]))
    if "allOf" in schema:
        return all(map(ends, schema["allOf"]))
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        return any(map(ends, alternatives))
    return any(_type_ends(name, schema, ends) for name in types_of(schema, path))


def _type_ends(name: str, schema: Mapping[str, Any], ends: Ends) -> bool:
    if name == "object":
        properties = schema.get("properties") or {}
        more = schema.get("additionalProperties", True)
        return all(ends(properties.get(each, more)) for each in schema.get("required") or [])
    if name == "array" and "prefixItems" in schema:
        return all(map(ends, schema["prefixItems"]))
    return name != "array" or not schema.get("minItems") or ends(schema.get("items", True))
