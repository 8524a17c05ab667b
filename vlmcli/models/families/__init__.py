"""How models of each kind were trained to be spoken to: by a family's name, or by what two headers tell.

Nineteen files are a few milliseconds, which a question to the model in the box does without (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vlmcli.late import import_late

if TYPE_CHECKING:
    from vlmcli.models.families.recognising import family_for
    from vlmcli.models.families.table import FAMILIES

__all__ = ["FAMILIES", "family_for"]

_LATE = {"FAMILIES": "table", "family_for": "recognising"}


def __getattr__(name: str) -> Any:
    return import_late(__name__, _LATE, name)
