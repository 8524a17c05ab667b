"""A Request as the JSON that servers take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vlmcli.core import Choices, Picture, Request, Turn
from vlmcli.engine.server.dialects import Dialect
from vlmcli.engine.server.forms import form_fields

_SPARE_TOKENS = 8
"""For a label: white space, quotes, and the end."""


def body_of(request: Request, model: str, dialect: Dialect, uris: Mapping[str, str], *, again: bool = False) -> bytes:
    """`uris`: the data URI of each picture, by its digest. `again`: this failed before.

    Raises UsageError for a form that the server cannot keep to.
    """
    body = {
        "model": model,
        "messages": _messages(request, uris),
        "stream": True,
        "stream_options": {"include_usage": True},
        **_sampling(request, dialect),
        **form_fields(request.form, dialect),
    }
    if request.prefix:
        body |= dialect.going_on
    if again:
        body |= dialect.again
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _messages(request: Request, uris: Mapping[str, str]) -> list[dict[str, Any]]:
    messages = [{"role": turn.role, "content": _content(turn, uris)} for turn in request.turns]
    if request.prefix:
        messages.append({"role": "assistant", "content": request.prefix})
    return messages


def _content(turn: Turn, uris: Mapping[str, str]) -> str | list[dict[str, Any]]:
    """Plain words where there are no pictures, which every server takes; else a list of parts in order."""
    words = "".join(part.text for part in turn.parts if not isinstance(part, Picture))
    if not any(isinstance(part, Picture) for part in turn.parts):
        return words
    return [
        {"type": "image_url", "image_url": {"url": uris[part.image.digest]}}
        if isinstance(part, Picture)
        else {"type": "text", "text": part.text}
        for part in turn.parts
    ]


def _sampling(request: Request, dialect: Dialect) -> dict[str, Any]:
    sampling = request.sampling
    is_choice = isinstance(request.form, Choices)
    fields: dict[str, Any] = {
        dialect.max_tokens_field: _longest(request.form.labels)
        if isinstance(request.form, Choices)
        else sampling.max_tokens,
        "temperature": 0.0 if is_choice else sampling.temperature,
    }
    if sampling.top_p < 1:
        fields["top_p"] = sampling.top_p
    if sampling.seed is not None:
        fields["seed"] = sampling.seed
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    if sampling.dry_multiplier:
        fields |= {"dry_multiplier": sampling.dry_multiplier} if dialect.dry else {"frequency_penalty": 0.5}
    return fields


def _longest(labels: tuple[str, ...]) -> int:
    """No token is less than a byte."""
    return max(len(label.encode()) for label in labels) + _SPARE_TOKENS
