"""Options of how a model is opened, as they are typed: for a process that opens it likewise."""

from __future__ import annotations

import inspect

from vlmcli.cli.options import Common
from vlmcli.cli.signatures import parameters_of


def opening_arguments(common: Common) -> list[str]:
    """Those that were given."""
    return [word for parameter in parameters_of(Common, of_opening=True) for word in _typed(parameter, common)]


def _typed(parameter: inspect.Parameter, common: Common) -> list[str]:
    value = getattr(common, parameter.name)
    name = f"--{parameter.name.replace('_', '-')}"
    if value is None or value == parameter.default:
        return []
    if isinstance(value, bool):
        return [name if value else name.replace("--", "--no-", 1)]
    return [name, str(value)]
