"""Answers of a given form: how a server is told, and whether it kept to it."""

from __future__ import annotations

import json
import re
from typing import Any

from vlmcli.core import Choices, Form, Pattern, Schema
from vlmcli.engine.server.dialects import Dialect
from vlmcli.errors import EngineError, UsageError
from vlmcli.grammar import seems_to_fit

_TOP = 20
"""Tokens whose probabilities are asked for: the most that servers give."""


class FormNotKept(EngineError):
    """The server's answer has not the form that was asked for."""

    kind = "form"


def form_fields(form: Form | None, dialect: Dialect) -> dict[str, Any]:
    """What goes into the request for it. Raises UsageError for a form that this kind of server cannot keep to."""
    if form is None:
        return {}
    if isinstance(form, Schema):
        return {"response_format": _schema_field(json.loads(form.json), dialect)}
    if isinstance(form, Pattern):
        return _pattern_fields(form.regex, dialect)
    fields = {"logprobs": True, "top_logprobs": _TOP}
    if dialect.choices == "grammar":
        return fields | {"grammar": _grammar(form.labels)}
    if dialect.choices == "guided":
        return fields | {"structured_outputs": {"choice": form.labels}, "guided_choice": form.labels}
    if dialect.choices == "regex":
        return fields | {"regex": "|".join(map(re.escape, form.labels))}
    if dialect.choices == "schema":
        return fields | {"response_format": _schema_field({"type": "string", "enum": form.labels}, dialect)}
    return fields


def _pattern_fields(regex: str, dialect: Dialect) -> dict[str, Any]:
    if dialect.pattern == "guided":
        return {"structured_outputs": {"regex": regex}, "guided_regex": regex}
    if dialect.pattern == "regex":
        return {"regex": regex}
    if dialect.pattern == "schema":
        bare = regex.removeprefix("^").removesuffix("$")
        return {"response_format": _schema_field({"type": "string", "pattern": f"^({bare})$"}, dialect)}
    raise UsageError(
        "This server cannot be kept to a regular expression.",
        "llama-server, vLLM and SGLang can, and so can --engine llama",
    )


def _schema_field(schema: Any, dialect: Dialect) -> dict[str, Any]:
    if dialect.schema_field == "json_object":
        return {"type": "json_object", "schema": schema}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _grammar(labels: tuple[str, ...]) -> str:
    """GBNF for one of the labels, with the space before it that many vocabularies have."""
    words = (label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for label in labels)
    return 'root ::= " "? (' + " | ".join(f'"{word}"' for word in words) + ")"


# --- afterwards ---------------------------------------------------------------------------------------------


def checked(form: Form | None, text: str, dialect: Dialect) -> str:
    """The answer as its form wants it, out of quotes and white space. Raises FormNotKept."""
    if isinstance(form, Schema):
        return _checked_json(form, text)
    if isinstance(form, Pattern):
        text = _unquoted(text) if dialect.pattern == "schema" else text
        if re.fullmatch(form.regex, text) is None:
            raise _not_kept(text, "does not match the pattern")
    elif isinstance(form, Choices):
        return _chosen(form, _unquoted(text) if dialect.choices == "schema" else text)
    return text


def _checked_json(form: Schema, text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        raise _not_kept(text, "is not JSON") from None
    if not seems_to_fit(value, json.loads(form.json)):
        raise _not_kept(text, "does not fit the schema")
    return text


def _chosen(form: Choices, text: str) -> str:
    """The label that the words are, or the one that they name."""
    said = text.strip()
    found = [label for label in form.labels if label == said] or [
        label for label in form.labels if re.search(rf"(?<!\w){re.escape(label.casefold())}(?!\w)", said.casefold())
    ]
    if len(found) != 1:
        raise _not_kept(text, "is none of the choices" if not found else "names several of the choices")
    return found[0]


def _unquoted(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _not_kept(text: str, what: str) -> FormNotKept:
    shown = " ".join(text.split())
    shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
    return FormNotKept(
        f"The server's answer {what}: {shown or 'it is empty'}", "A model here can be kept to it: --engine llama"
    )
