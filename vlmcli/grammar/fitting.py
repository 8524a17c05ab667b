"""Whether JSON fits a schema, as far as that is plain: a look at what was written without a grammar."""

from __future__ import annotations

from typing import Any

from vlmcli.grammar.keywords import is_a


def seems_to_fit(value: Any, schema: Any) -> bool:
    """False for another type, another constant, and where what is required is missing; bounds are not looked at.

    Neither is what stands behind a reference.
    """
    if not isinstance(schema, dict):
        return True
    constants = [schema["const"]] if "const" in schema else schema.get("enum", [value])
    alternatives = schema.get("anyOf") or schema.get("oneOf") or [True]
    return (
        value in constants
        and any(seems_to_fit(value, each) for each in alternatives)
        and _is_of_its_type(value, schema)
        and all(seems_to_fit(inner, inner_schema) for inner, inner_schema in _inside(value, schema))
    )


def _is_of_its_type(value: Any, schema: dict[str, Any]) -> bool:
    names = schema.get("type", [])
    names = names if isinstance(names, list) else [names]
    if isinstance(value, dict) and not set(schema.get("required") or []) <= value.keys():
        return False
    return not names or any(is_a(value, name) for name in names)


def _inside(value: Any, schema: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The members of an object and the items of a list, each with its schema."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        return [(inner, properties.get(name, True)) for name, inner in value.items()]
    return [(item, schema.get("items", True)) for item in value] if isinstance(value, list) else []
