"""A record out of its JSON again: what a ledger holds, as the writers take it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vlmcli.core import Box, Confidence, PictureInfo, Record, TextBlock, TextLine, Timings
from vlmcli.errors import VlmError


def record_from_dict(value: dict[str, Any]) -> Record:
    """The inverse of `record_to_dict`. Raises KeyError, TypeError or ValueError for what is no record."""
    tokens, timings = value["tokens"], value["timings_ms"]
    return Record(
        pictures=tuple(_picture(each) for each in value["pictures"]),
        task=value["task"],
        question=value["question"],
        model=value["model"],
        text=value["text"],
        thinking=value.get("thinking", ""),  # a ledger of an earlier version has none
        stop_reason=value["stop_reason"],
        cut_short=value["cut_short"],
        prompt_tokens=tokens["prompt"],
        image_tokens=tokens["image"],
        answer_tokens=tokens["answer"],
        timings=Timings(
            load_ms=timings["load"],
            encode_ms=timings["encode"],
            prefill_ms=timings["prefill"],
            first_token_ms=timings["first_token"],
            decode_ms=timings["decode"],
            tokens_per_second=value["tokens_per_second"],
        ),
        cached=value["cached"],
        choice=value.get("choice"),
        probabilities=tuple((value.get("probabilities") or {}).items()),
        data=value.get("data"),
        confidence=Confidence(**value["confidence"]) if value.get("confidence") else None,
        blocks=tuple(_block(each) for each in value.get("blocks", ())),  # older records have none
        error=error_of(value["error"]) if value["error"] else None,
    )


def _picture(value: dict[str, Any]) -> PictureInfo:
    return PictureInfo(value["name"], value["width"] or 0, value["height"] or 0, value["sha256"] or "")


def _block(value: dict[str, Any]) -> TextBlock:
    lines = tuple(TextLine(each["text"], _box(each["box"]), _confidence(each["confidence"])) for each in value["lines"])
    return TextBlock(value["kind"], value["text"], _box(value["box"]), lines)


def _box(value: list[int]) -> Box:
    left, top, right, bottom = value
    return left, top, right, bottom


def _confidence(value: dict[str, float] | None) -> Confidence | None:
    return Confidence(value["mean"], value["lowest"]) if value else None


def error_of(value: dict[str, str]) -> VlmError:
    """An error of the class that calls itself so: its exit code is known again."""
    kind = next((each for each in _kinds(VlmError) if each.kind == value["kind"]), VlmError)
    error = kind(value["message"], value["hint"])
    error.kind = value["kind"]  # also where its class is not loaded, or is of another version
    return error


def error_of_kind(kind: str) -> VlmError:
    """The same without its words, where only the exit code is wanted."""
    return error_of({"kind": kind, "message": "", "hint": ""})


def _kinds(kind: type[VlmError]) -> Iterator[type[VlmError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)


def copy_of(record: Record, name: str) -> Record:
    """The record of an identical picture under this name: nothing was computed for it."""
    if isinstance(record.error, VlmError):
        error = type(record.error)(record.error.sentence.replace(record.name, name), record.error.hint)
        error.kind = record.error.kind  # see error_of
        return replace(record, pictures=named(record, name), error=error)
    return replace(record, pictures=named(record, name), timings=Timings(), cached=True)


def named(record: Record, name: str) -> tuple[PictureInfo, ...]:
    """The picture of a record of one, by the name that it has here."""
    return (replace(record.pictures[0], name=name),)
