"""A Python process of our own beside this one: how it is started, and in words how it ended."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence

_BEGIN = "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from {module} import main; sys.exit(main())"
_OF_WINDOWS = {0xC0000005: "SIGSEGV", 0xC000001D: "SIGILL", 0xC000013A: "SIGINT"}
"""How a process ends there, by the names that the same has elsewhere."""


def python_command(module: str, arguments: Sequence[str]) -> list[str]:
    """Runs `main()` of a module of this package, with `arguments` in sys.argv[1:].

    With our own search path, and with nothing of the current folder: there may be a random.py among the pictures.
    """
    return [sys.executable, "-P", "-c", _BEGIN.format(module=module), json.dumps(sys.path), *arguments]


def how_it_ended(exit_status: int) -> str:
    """`SIGILL` or `exit code 3`, of what subprocess calls the return code."""
    if exit_status >= 0:
        return _OF_WINDOWS.get(exit_status, f"exit code {exit_status}")
    try:
        return signal.Signals(-exit_status).name
    except ValueError:
        return f"signal {-exit_status}"
