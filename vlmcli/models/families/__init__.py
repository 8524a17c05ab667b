"""How models of each kind were trained to be spoken to: by a family's name, or by what two headers tell.

Nineteen files are a few milliseconds, which a question to the model in the box does without (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlmcli.models.families.recognising import family_for
    from vlmcli.models.families.table import FAMILIES

__all__ = ["FAMILIES", "family_for"]


def __getattr__(name: str) -> Any:
    if name == "FAMILIES":
        from vlmcli.models.families.table import FAMILIES

        return FAMILIES
    if name == "family_for":
        from vlmcli.models.families.recognising import family_for

        return family_for
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
