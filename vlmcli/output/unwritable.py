"""The sentence for an output that cannot be written."""

from __future__ import annotations

from pathlib import Path

from vlmcli.errors import OutputError
from vlmcli.output.sanitize import show_name


def cannot_write(path: str | Path, error: OSError, hint: str) -> OutputError:
    """The sentence for it: `Cannot write out.csv: no space left on device.`"""
    reason = (error.strerror or type(error).__name__).lower()
    place = path if path == "standard output" else show_name(str(path))
    return OutputError(f"Cannot write {'to ' if path == 'standard output' else ''}{place}: {reason}.", hint)
