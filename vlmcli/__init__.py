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

_HOMES = {"Vlm": "vlmcli.api", "pull": "vlmcli.models.fetching", "Reply": "vlmcli.reply"}


def __getattr__(name: str) -> Any:
    """They are imported when they are first asked for (PEP 562): importing vlmcli costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
