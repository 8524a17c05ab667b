"""vlm: ask vision-language models about pictures, on this machine, through llama.cpp.

from vlmcli import Vlm
print(Vlm("demo").ask("a.png", "How many shapes?"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Reply", "Vlm", "__version__"]

if TYPE_CHECKING:
    from vlmcli.api import Vlm
    from vlmcli.reply import Reply


def __getattr__(name: str) -> Any:
    """`Vlm` and `Reply` are imported when they are first asked for (PEP 562): importing vlmcli costs nothing."""
    if name == "Vlm":
        from vlmcli.api import Vlm

        return Vlm
    if name == "Reply":
        from vlmcli.reply import Reply

        return Reply
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
