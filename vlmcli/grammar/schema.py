"""JSON Schema -> GBNF. What a rule writes always validates; a keyword that no rule can hold to is refused by its name.

Objects have the properties that are named, in that order, the optional ones or not; nothing beyond them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vlmcli.errors import UsageError
from vlmcli.grammar import numbers
from vlmcli.grammar.ending import check_ending
from vlmcli.grammar.formats import FORMATS
from vlmcli.grammar.keywords import KEYWORDS, as_json, bounds, check_keywords, counts, expect, is_a, refused, types_of
from vlmcli.grammar.nodes import ANY
from vlmcli.grammar.overlap import may_overlap
from vlmcli.grammar.regex import parse_regex
from vlmcli.grammar.writing import literal, repeated, write_in_json

_COMMON_RULES = r"""
space ::= " "?
comma ::= "," space
colon ::= ":" space
"""
_ANY_RULES = r"""
any ::= any-object | any-array | any-string | any-number | "true" | "false" | "null"
any-object ::= "{" space (any-member (comma any-member)*)? space "}"
any-member ::= any-string colon any
any-array ::= "[" space (any (comma any)*)? space "]"
any-string ::= "\"" any-char* "\""
"""


def schema_grammar(text: str) -> str:
    """GBNF for a schema's JSON. Raises UsageError."""
    try:
        schema = json.loads(text)
        converter = _Converter(schema)
        root = converter.rule(schema, "#")
        check_ending(converter.schemas, converter.referred)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:  # a keyword's value is of any other type
        raise UsageError(
            f"The schema is no JSON Schema that can be followed: {error}.",
            "Mend it, or write it in short: --schema 'name, price float'",
        ) from error
    return f"root ::= {root}{_COMMON_RULES}" + converter.written()


class _Converter:
    def __init__(self, root: Any) -> None:
        self._root = root
        self.schemas: dict[str, Any] = {}
        """All that are in use, by their paths."""
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}  # path of a schema -> name of its rule
        self._uses_any = False

    def written(self) -> str:
        rules = "".join(f"{name} ::= {body}\n" for name, body in self._rules.items())
        if not self._uses_any:
            return rules
        number = numbers.decimals(None, None)
        return f"{rules}{_ANY_RULES}any-char ::= {write_in_json(ANY)}\nany-number ::= {number}\n"

    def rule(self, schema: Any, path: str) -> str:
        """The name of the rule that writes what fits `schema`, which stands at `path`; made once."""
        if path not in self._names:
            self.schemas[path] = schema
            self._names[path] = name = f"r{len(self._names)}"
            self._rules[name] = ""  # keeps its place while it refers to itself
            self._rules[name] = self._body(schema, path)
        return self._names[path]

    def _body(self, schema: Any, path: str) -> str:
        if schema is True or schema == {}:
            self._uses_any = True
            return "any"
        if not isinstance(schema, dict):
            raise UsageError(f"The schema at {path} allows nothing, or is none.", "It must be an object or true.")
        for keyword, convert in _WHOLE.items():
            if keyword in schema:
                check_keywords(schema, path, [keyword, "type"] if keyword in ("enum", "const") else [keyword], keyword)
                return convert(self, schema, path)
        types = types_of(schema, path)
        allowed = [keyword for name in types for keyword in KEYWORDS[name].split()]
        check_keywords(schema, path, ["type", *allowed])
        return " | ".join(_TYPES[name](self, schema, path) for name in types)

    # --- by keyword -----------------------------------------------------------------------------------------

    def _reference(self, schema: Mapping[str, Any], path: str) -> str:
        address = schema["$ref"]
        if not isinstance(address, str) or not (address == "#" or address.startswith("#/")):
            raise UsageError(f"The schema at {path} refers to {address!r}.", "Only #/… within the schema can be used.")
        try:
            return self.rule(self.referred(address), address)
        except LookupError:
            raise UsageError(f"The schema at {path} refers to {address}, which is not there.") from None

    def referred(self, address: str) -> Any:
        """What `#/…` is. Raises LookupError."""
        found = self._root
        for part in address[1:].split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and part.isdecimal():
                found = found[int(part)]
            elif isinstance(found, dict):
                found = found[part]
            else:
                raise LookupError(address)
        return found

    def _values(self, schema: Mapping[str, Any], path: str) -> str:
        values = [schema["const"]] if "const" in schema else expect(schema["enum"], "array", "enum", path)
        types = types_of(schema, path)
        fitting = [value for value in values if any(is_a(value, name) for name in types)]
        if not fitting:
            raise UsageError(f"The schema at {path} has an enum in which nothing fits.")
        return " | ".join(literal(as_json(value)) for value in fitting)

    def _any_of(self, schema: Mapping[str, Any], path: str) -> str:
        keyword = "anyOf" if "anyOf" in schema else "oneOf"
        alternatives = schema[keyword]
        if not isinstance(alternatives, list) or not alternatives:
            raise UsageError(f"The schema at {path} has an empty {keyword}.")
        if keyword == "oneOf" and may_overlap(alternatives, self._root):
            raise UsageError(
                f"The schema at {path} has a oneOf of which two may fit at once.",
                "Say anyOf, or give each a property with a const of its own.",
            )
        return " | ".join(self.rule(each, f"{path}/{keyword}/{n}") for n, each in enumerate(alternatives))

    def _all_of(self, schema: Mapping[str, Any], path: str) -> str:
        if not isinstance(schema["allOf"], list) or len(schema["allOf"]) != 1:
            raise refused("allOf of several", path)
        return self.rule(schema["allOf"][0], f"{path}/allOf/0")

    # --- by type --------------------------------------------------------------------------------------------

    def _object(self, schema: Mapping[str, Any], path: str) -> str:
        required = expect(schema.get("required") or [], "array", "required", path)
        required = [expect(name, "string", "required name", path) for name in required]
        properties = self._properties(schema, required, path)
        if not properties:
            more = schema.get("additionalProperties")
            return self._map(more, path) if isinstance(more, dict) else '"{" space "}"'
        first, after = '"}"', 'space "}"'  # what follows while nothing is written, and once a member is
        for name, (value, value_path) in reversed(properties.items()):
            inside = self.rule(value, value_path)
            member, rest = f"{literal(as_json(name))} colon {inside}", self._named(after)
            if name in required:
                first, after = f"{member} {rest}", f"comma {member} {rest}"
            else:
                first, after = f"{member} {rest} | {self._named(first)}", f"(comma {member})? {rest}"
        return f'"{{" space ({first})'

    def _properties(self, schema: Mapping[str, Any], required: Sequence[str], path: str) -> dict[str, tuple[Any, str]]:
        """Schema and path of each that is named, and then of those that are required and fit additionalProperties."""
        named = expect(schema.get("properties") or {}, "object", "properties", path)
        found = {
            name: (value, f"{path}/properties/{name.replace('~', '~0').replace('/', '~1')}")
            for name, value in named.items()
        }
        more = schema.get("additionalProperties", True)
        for name in required:
            if name not in found and more is False:
                raise UsageError(
                    f"The schema at {path} requires {name!r}, and allows only properties that it names.",
                    "Name it among the properties, or do not require it.",
                )
            found.setdefault(name, (more, f"{path}/additionalProperties"))
        return found

    def _named(self, body: str) -> str:
        """A rule of its own, so that what follows is written once and not once for each way to it."""
        name = f"s{len(self._rules)}"
        self._rules[name] = body
        return name

    def _map(self, value: Mapping[str, Any], path: str) -> str:
        inside = self.rule(value, f"{path}/additionalProperties")
        member = f'"\\"" {repeated(write_in_json(ANY), 0, None)} "\\"" colon {inside}'
        return f'"{{" space ({member} (comma {member})*)? space "}}"'

    def _array(self, schema: Mapping[str, Any], path: str) -> str:
        least, most = counts(schema, path, "minItems", "maxItems")
        if "prefixItems" in schema:
            return self._tuple(schema, path, least, most)
        items = schema.get("items", True)
        if items is False and least:
            raise UsageError(f"The schema at {path} has a minItems of {least}, and items that allow none.")
        if items is False or most == 0:
            return '"[" space "]"'
        item = self.rule(items, f"{path}/items")
        rest = repeated(f"(comma {item})", max(least - 1, 0), None if most is None else most - 1)
        filled = f"{item} {rest}" if most != 1 else item
        return f'"[" space ({filled}){"" if least else "?"} space "]"'

    def _tuple(self, schema: Mapping[str, Any], path: str, least: int, most: int | None) -> str:
        """As many items as have a schema of their own."""
        items = schema["prefixItems"]
        if (
            not isinstance(items, list)
            or not items
            or not least <= len(items) <= (len(items) if most is None else most)
        ):
            raise refused("prefixItems with another number of items", path)
        rules = [self.rule(each, f"{path}/prefixItems/{n}") for n, each in enumerate(items)]
        return f'"[" space {" comma ".join(rules)} space "]"'

    def _string(self, schema: Mapping[str, Any], path: str) -> str:
        least, most = counts(schema, path, "minLength", "maxLength")
        limits = [keyword for keyword in ("pattern", "format") if keyword in schema]
        if len(limits) == 2 or (limits and ("minLength" in schema or "maxLength" in schema)):
            raise refused(f"{limits[0]} together with another limit", path)
        if "format" in schema:
            if schema["format"] not in FORMATS:
                raise refused(f"format {schema['format']!r}", path)
            inside = write_in_json(parse_regex(FORMATS[schema["format"]], whole=True))
        elif "pattern" in schema:
            inside = write_in_json(parse_regex(expect(schema["pattern"], "string", "pattern", path), whole=False))
        else:
            inside = repeated(write_in_json(ANY), least, most)
        return f'"\\"" {inside} "\\""'

    def _number(self, schema: Mapping[str, Any], path: str, write: Callable[..., str | None]) -> str:
        least, most = bounds(schema, path, whole=write is numbers.integers)
        written = write(least, most)
        if written is None and (least is None or most is None or least <= most):
            digits = numbers.MOST_DIGITS
            raise UsageError(
                f"The schema at {path} wants numbers of more than {digits} digits, which vlm never writes."
            )
        if written is None:
            raise UsageError(f"The schema at {path} leaves no number between its bounds.")
        return written

    def _integer(self, schema: Mapping[str, Any], path: str) -> str:
        return self._number(schema, path, numbers.integers)

    def _decimal(self, schema: Mapping[str, Any], path: str) -> str:
        return self._number(schema, path, numbers.decimals)


_WHOLE: dict[str, Callable[[_Converter, Mapping[str, Any], str], str]] = {
    "$ref": _Converter._reference,
    "enum": _Converter._values,
    "const": _Converter._values,
    "anyOf": _Converter._any_of,
    "oneOf": _Converter._any_of,
    "allOf": _Converter._all_of,
}
"""Keywords that say it all: beside them nothing else may be asked."""

_TYPES: dict[str, Callable[[_Converter, Mapping[str, Any], str], str]] = {
    "object": _Converter._object,
    "array": _Converter._array,
    "string": _Converter._string,
    "integer": _Converter._integer,
    "number": _Converter._decimal,
    "boolean": lambda *_: '("true" | "false")',
    "null": lambda *_: '"null"',
}
