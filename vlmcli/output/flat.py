"""A record as one flat row: what a line of CSV and the fields of a template are made of.

The names are those of the JSON, with a dot where it nests: `tokens.answer`, `timings_ms.encode`. Beside them:

picture, width, height, sha256   of the picture; of several, one after the other with `|` between them
probabilities.LABEL, data.NAME   of choices; of a schema's object
regions                          `left top right bottom` of each, with `|` between them
error                            the message, as `error.message`; all of `error` is None when it was answered

Words are clean: no control character in them but newline and tab, and in names and messages not even those.
"""

from __future__ import annotations

from typing import Any

from vlmcli.core import Confidence, PictureInfo, Record
from vlmcli.errors import NotAPicture
from vlmcli.output.record_json import dump_json, record_to_dict
from vlmcli.output.sanitize import clean_text, show_name

Value = str | int | float | bool | None

_WORDS = ("text", "thinking", "question")
_BETWEEN = "|"


def flatten(record: Record) -> dict[str, Value]:
    nested = record_to_dict(record)
    pictures = nested.pop("pictures")
    del nested["blocks"]  # no cell holds them
    regions = nested.pop("regions")
    error = nested.pop("error") or dict.fromkeys(("kind", "message", "hint"))
    nested["confidence"] = nested["confidence"] or dict.fromkeys(("mean", "lowest"))
    flat: dict[str, Value] = {}
    for name, value in nested.items():
        if value is None and name == "probabilities":
            continue
        if name == "data":
            flat |= _of_data(value)
        elif isinstance(value, dict):
            flat |= {f"{name}.{key}": _clean(name, part) for key, part in value.items()}
        else:
            flat[name] = _clean(name, value)
    flat["picture"] = _of_all(pictures, "name")
    flat |= {name: _of_all(pictures, name) for name in ("width", "height", "sha256")}
    flat["error"] = _clean("error", error["message"])
    flat["regions"] = None if regions is None else _BETWEEN.join(" ".join(map(str, box)) for box in regions)
    return flat | {f"error.{key}": _clean("error", part) for key, part in error.items()}


def _of_data(value: Any) -> dict[str, Value]:
    """An object's properties as `data.name`, what nests in them as JSON; and all of it as `data`, in JSON."""
    parts = {f"data.{key}": part for key, part in value.items()} if isinstance(value, dict) else {}
    return {name: _as_value(part) for name, part in {"data": value, **parts}.items()}


def _as_value(part: Any) -> Value:
    return _clean("text", dump_json(part) if isinstance(part, dict | list) else part)


def _clean(name: str, value: Any) -> Value:
    if not isinstance(value, str):
        clean: Value = value
        return clean
    return clean_text(value).strip() if name in _WORDS else show_name(value)


def _of_all(pictures: list[dict[str, Any]], key: str) -> Value:
    values = [_clean(key, picture[key]) for picture in pictures]
    if len(values) > 1:
        return _BETWEEN.join("" if value is None else str(value) for value in values)
    return values[0] if values else None


EXAMPLE = flatten(
    Record(
        (PictureInfo("a.png", 640, 480, "0" * 64),),
        "ask",
        "Who?",
        "demo",
        "A cat.",
        "end",
        choice="A cat.",
        confidence=Confidence(0.9, 0.5),
        error=NotAPicture("no"),
    )
)
"""A row with a value in every field."""
