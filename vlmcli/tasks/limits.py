"""What the values of options may be, whoever gives them: the command line, a settings file, or Python."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, get_args

from vlmcli.core import Detail
from vlmcli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Limit:
    """Numbers from `least` to `most`, both included; `above`: more than `least`; `endless`: infinity as well.

    `usual`: one that makes sense.
    """

    usual: str
    least: float
    most: float = math.inf
    whole: bool = False
    above: bool = False
    endless: bool = False

    def allows(self, value: Any) -> bool:
        is_number = isinstance(value, Integral if self.whole else Real) and not isinstance(value, bool)
        if not is_number or (math.isinf(value) and not self.endless):
            return False
        return self.least <= value <= self.most and not (self.above and value == self.least)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        to = "" if self.most == math.inf else f" to {self.most:g}"
        return f"{kind} {'above' if self.above else 'from'} {self.least:g}{to}"


LIMITS: Mapping[str, Limit] = {
    "max_tokens": Limit("256", 1, whole=True),
    "temperature": Limit("0.7", 0),
    "top_p": Limit("0.9", 0, 1),
    "seed": Limit("1", 0, whole=True),
    "timeout_s": Limit("60", 0, above=True, endless=True),
    "min_confidence": Limit("0.8", 0, 1),
}
_WORDS = ("question", "style", "lang", "prompt", "system", "strategy")


def check_values(options: Any) -> None:
    """Raises UsageError that names the first of the TaskOptions whose value makes no sense."""
    for name, limit in LIMITS.items():
        value = getattr(options, name)
        if value is not None and not limit.allows(value):
            raise UsageError(f"{_typed(name)} is {value!r}, and it takes {limit}.", f"{_typed(name)} {limit.usual}")
    for name in _WORDS:
        if not isinstance(getattr(options, name), str):
            raise UsageError(f"{_typed(name)} is {getattr(options, name)!r}, and it takes words.", "Put it in quotes.")
    if options.detail not in get_args(Detail):
        raise UsageError(f"{_typed('detail')} is {options.detail!r}.", f"One of: {', '.join(get_args(Detail))}")


def _typed(name: str) -> str:
    """The option as it is typed, which is what every other error calls it."""
    return f"--{name.removesuffix('_s').replace('_', '-')}"
