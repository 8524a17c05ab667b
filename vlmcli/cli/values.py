"""What was typed, as values: "4" as 4.

Typer has pydantic do that, and loading it takes a fifth of the start of `vlm ask`. So what is plainly right is turned
here, and all else is left to typer, which finds the words for what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

_NOT_PLAIN = object()
Process = Callable[[Any, Any], Any]


def take_plain_values(command: Any, context: Any) -> None:
    """Of a command of typer's, before it parses what was typed."""
    for parameter in command.get_params(context):
        usual: Process = parameter.process_value
        if not isinstance(usual, partial):
            vars(parameter)["process_value"] = partial(_process, parameter, usual)


def _process(parameter: Any, usual: Process, context: Any, value: Any) -> Any:
    """In place of typer's own method of that name."""
    declared = parameter.type_descriptor
    if value is None and not parameter.required:
        plain: Any = () if parameter.multiple or parameter.nargs == -1 else None
    else:
        plain = plain_value(declared.annotation, value)
    if plain is _NOT_PLAIN or not _is_within(plain, declared.parameter_info):
        return usual(context, value)
    return parameter.callback(context, parameter, plain) if parameter.callback else plain


def plain_value(kind: Any, value: Any) -> Any:
    """`value`, typed or out of the settings file, as one of `kind`; `_NOT_PLAIN` where there is any doubt."""
    if kind == list[str]:
        is_plain = isinstance(value, list | tuple) and value and all(isinstance(part, str) for part in value)
        return list(value) if is_plain else _NOT_PLAIN
    if kind in (bool, int, float) and type(value) is kind:
        return value
    if not isinstance(value, str):
        return _NOT_PLAIN
    if kind is str or (get_origin(kind) is Literal and value in get_args(kind)):
        return value
    if kind is Path:
        return Path(value)
    if kind is int and value.isascii() and value.isdecimal():
        return int(value)
    if kind is float and value.isascii() and value.replace(".", "", 1).isdecimal():
        return float(value)
    return _NOT_PLAIN


def _is_within(value: Any, info: Any) -> bool:
    """Of a number, that it keeps to its limits."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    return isfinite(value) and (info.min is None or value >= info.min) and (info.max is None or value <= info.max)
