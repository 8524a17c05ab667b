"""A record as JSON: the schema that README documents. Keys are always all there, and in this order.

schema             1; grows when a field changes its meaning or goes
task               "describe", "ask", …
picture            name of the first picture, as the user typed it
pictures           [{name, width, height, sha256}]; null where the picture could not be read;
                   sha256 is of its size and upright pixels, whatever file they came in
question, model    as asked, and who answered
text               the answer; "" when it failed
thinking           what the model said on the way to it; "" where it said nothing
stop_reason        end, stop, length, context, timeout, repetition, interrupted, connection; null when it
                   failed
cut_short          true: the answer is not whole
tokens             {prompt, image, answer}; those of the pictures are among those of the prompt
timings_ms         {load, encode, prefill, first_token, decode}
tokens_per_second
choice             the label; null: there were no choices, or none was likely enough
probabilities      null, or {label: probability}, adding up to 1
data               null, or what the text is as JSON, where a schema was asked for
confidence         null, or {mean, lowest}: probabilities of the answer's tokens
cached             true: the answer was recalled, nothing was computed
blocks             [{kind, box, text, lines: [{box, text, confidence}]}] of a page that was read in parts, in reading
                   order; kind is text, heading or table; box is [left, top, right, bottom] in pixels of the upright
                   picture; confidence is null or {mean, lowest}; [] of a picture that was read in one look
regions            [[left, top, right, bottom]] in pixels, where two pictures differ, the largest first; null where
                   that was not looked for
error              null, or {kind, message, hint}
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from vlmcli.core import SCHEMA_VERSION, Confidence, PictureInfo, Record, TextBlock
from vlmcli.errors import VlmError
from vlmcli.output.sanitize import show_surrogates

# Legal in JSON as they are, but not to a terminal or to whoever splits lines.
_UNSAFE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def record_to_dict(record: Record) -> dict[str, Any]:
    """A value that `json.dumps` takes. Bytes of a name that are no UTF-8 are shown as `\\xff`."""
    t = record.timings
    return {
        "schema": SCHEMA_VERSION,
        "task": record.task,
        "picture": show_surrogates(record.pictures[0].name) if record.pictures else None,
        "pictures": [_picture_to_dict(picture) for picture in record.pictures],
        "question": show_surrogates(record.question),
        "model": show_surrogates(record.model),
        "text": show_surrogates(record.text),
        "thinking": show_surrogates(record.thinking),
        "stop_reason": record.stop_reason,
        "cut_short": record.cut_short,
        "tokens": {"prompt": record.prompt_tokens, "image": record.image_tokens, "answer": record.answer_tokens},
        "timings_ms": {
            "load": _number(t.load_ms, 1),
            "encode": _number(t.encode_ms, 1),
            "prefill": _number(t.prefill_ms, 1),
            "first_token": _number(t.first_token_ms, 1),
            "decode": _number(t.decode_ms, 1),
        },
        "tokens_per_second": _number(t.tokens_per_second, 2),
        "choice": None if record.choice is None else show_surrogates(record.choice),
        "probabilities": {show_surrogates(k): _number(p, 6) for k, p in record.probabilities} or None,
        "data": record.data,
        "confidence": _confidence(record.confidence),
        "cached": record.cached,
        "blocks": [_block_to_dict(block) for block in record.blocks],
        "regions": None if record.regions is None else [list(box.edges) for box in record.regions],
        "error": None if record.error is None else _error_to_dict(record.error),
    }


def dump_json(value: Any, ascii_only: bool = False, indent: int | None = None) -> str:
    """JSON that is safe to print: nothing in it steers a terminal or ends a line."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, allow_nan=False)
    return _UNSAFE.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def _number(value: float, digits: int) -> float:
    return round(value, digits) if math.isfinite(value) else 0.0  # JSON has no infinity


def _picture_to_dict(picture: PictureInfo) -> dict[str, Any]:
    return {
        "name": show_surrogates(picture.name),
        "width": picture.width or None,
        "height": picture.height or None,
        "sha256": picture.digest or None,
    }


def _block_to_dict(block: TextBlock) -> dict[str, Any]:
    return {
        "kind": block.kind,
        "box": list(block.box),
        "text": show_surrogates(block.text),
        "lines": [
            {"box": list(line.box), "text": show_surrogates(line.text), "confidence": _confidence(line.confidence)}
            for line in block.lines
        ],
    }


def _confidence(value: Confidence | None) -> dict[str, float] | None:
    return None if value is None else {"mean": _number(value.mean, 4), "lowest": _number(value.lowest, 4)}


def _error_to_dict(error: Exception) -> dict[str, str]:
    if isinstance(error, VlmError):
        kind, message, hint = error.kind, error.sentence, error.hint
    else:
        kind, message, hint = "internal", f"{type(error).__name__}: {error}", ""
    return {"kind": kind, "message": show_surrogates(message), "hint": show_surrogates(hint)}
