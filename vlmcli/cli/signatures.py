"""Options declared as the fields of a dataclass, given to a command's signature, from which typer reads them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints

from vlmcli.cli.forms import Forms
from vlmcli.cli.options import ANSWER, OUTPUT, Common, Folder
from vlmcli.cli.pictures import Sources


def with_common(command: Callable[..., int]) -> Callable[..., int]:
    """`command(…, common, sources)` as typer wants it: with the fields of these as parameters of its own.

    `opening` is a Common with those options alone that say how a model is opened.
    """
    parameters = list(inspect.signature(command, eval_str=True).parameters.values())
    groups = {p.name: _SHARED[p.name] for p in parameters if p.name in _SHARED}
    own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters if p.name not in groups]
    shared = {name: parameters_of(group, of_opening=name == "opening") for name, group in groups.items()}
    more = [parameter for parameters in shared.values() for parameter in parameters]

    @functools.wraps(command)
    def entry(**arguments: Any) -> int:
        given = {
            name: group(**{parameter.name: arguments.pop(parameter.name) for parameter in shared[name]})
            for name, group in groups.items()
        }
        return command(**arguments, **given)

    vars(entry)["__signature__"] = inspect.Signature(own + more)
    entry.__annotations__ = {p.name: p.annotation for p in own + more}
    del vars(entry)["__wrapped__"]  # typer would read the signature beneath
    return entry


@functools.cache
def parameters_of(group: type[Any], of_opening: bool = False) -> list[inspect.Parameter]:
    """Its fields; `of_opening`: those that say how a model is opened."""
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(group)
        if not of_opening or _is_of_opening(field.name, hints[field.name])
    ]


def _is_of_opening(name: str, hint: Any) -> bool:
    return name not in _NOT_OF_OPENING and hint.__metadata__[0].rich_help_panel not in (ANSWER, OUTPUT)


_SHARED: dict[str, Any] = {
    "sources": Sources,
    "common": Common,
    "folder": Folder,
    "forms": Forms,
    "opening": Common,
}
_NOT_OF_OPENING = ("model", "engine", "no_cache")
"""`vlm bench` takes the model as its argument, opens it here, and keeps nothing of pictures."""
