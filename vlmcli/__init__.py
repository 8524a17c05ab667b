"""vlm: ask vision-language models about pictures, on this machine, through llama.cpp.

from vlmcli import Vlm
print(Vlm("demo").ask("a.png", "How many shapes?"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Reply", "Vlm", "__version__", "pull"]

if TYPE_CHECKING:
    from vlmcli.api import Vlm
    from vlmcli.models.fetching import pull
    from vlmcli.reply import Reply

_HOMES = {"Vlm": "api", "pull": "models.fetching", "Reply": "reply"}


def __getattr__(name: str) -> Any:
    """They are imported when they are first asked for (PEP 562): importing vlmcli costs nothing."""
    from vlmcli.late import import_late

    return import_late(__name__, _HOMES, name)
