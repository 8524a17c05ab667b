"""What tells two jobs apart: all that answers depend on beside picture and question, as far as it is not as usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from vlmcli.core import Choices, Form, Schema
from vlmcli.tasks import TaskOptions

if TYPE_CHECKING:
    from vlmcli.api import Vlm

_LONGEST_SETTING = 60
_NO_SETTING = frozenset({"question", "timeout_s", "form"})
"""A question is a part of what is asked, and a timeout of how long one waits for it: neither tells two jobs apart.
A form is told in words of its own."""


def settings_of(
    vlm: Vlm, task: str, options: TaskOptions, frame: int | None, advised: Mapping[str, float]
) -> dict[str, Any]:
    """`advised`: how the model's makers want it sampled where the user does not say."""
    usual, in_vain = TaskOptions(), _NO_SETTING | set(vlm.in_vain(task, options))
    options = _without_chance(options, advised)
    names = [field.name for field in fields(options) if field.name not in in_vain]
    given = {name: value for name in names if (value := getattr(options, name)) != getattr(usual, name)}
    if options.form is not None:
        given |= _in_words(options.form)
    if frame is not None:
        given["frame"] = frame
    if vlm.kv_type != "f16":
        given["kv_type"] = vlm.kv_type
    return {"task": task, "model": vlm.fingerprint, **{name: _short(value) for name, value in given.items()}}


def _without_chance(options: TaskOptions, advised: Mapping[str, float]) -> TaskOptions:
    """Where the likeliest word is always taken, nothing else about chance matters; and that is what is usual."""
    usual = advised.get("temperature", 0.0)
    if usual if options.temperature is None else options.temperature:
        return options
    return replace(options, top_p=None, seed=None, temperature=0.0 if usual else None)


def _in_words(form: Form) -> dict[str, str]:
    """Labels and JSON are never spelled alike; a regex can be spelled like both."""
    if isinstance(form, Choices):
        from vlmcli.grammar import join_labels

        return {"form": join_labels(form.labels)}
    return {"form": form.json} if isinstance(form, Schema) else {"regex": form.regex}


def _short(value: Any) -> Any:
    """A long prompt does not stand in each of 50,000 lines; its beginning and its digest do."""
    if not isinstance(value, str) or len(value) <= _LONGEST_SETTING:
        return value
    from vlmcli.cache import digest_of

    return f"{value[: _LONGEST_SETTING // 2]}… ({digest_of(value)[:12]})"
