"""Facts about stdout and stderr, and writing to them without surprises."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from typing import TextIO

from vlmcli.output.console import enable_escapes, is_windows, understands_escapes, usable_columns

_PLAINER = str.maketrans({"·": "-", "…": "...", "•": "*", "─": "-", "━": "-", "▌": "|", "’": "'", "–": "-", "—": "-"})


def is_terminal(stream: TextIO | None) -> bool:
    """A person is looking, on a terminal that understands escape codes."""
    try:
        looking = stream is not None and stream.isatty()
    except ValueError:  # closed
        return False
    if stream is None or not looking:
        return False
    return understands_escapes(os.environ, is_windows(), lambda: enable_escapes(stream))


def is_regular_file(stream: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def is_unicode(stream: TextIO) -> bool:
    return can_show(stream, "⠋·…é漢")


def can_show(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True


def fit(stream: TextIO, text: str) -> str:
    """`text` as far as the stream's encoding can show it: plainer signs, then `?`, never an error."""
    if can_show(stream, text):
        return text
    encoding = stream.encoding or "ascii"
    return text.translate(_PLAINER).encode(encoding, "replace").decode(encoding)


def terminal_size(stream: TextIO) -> os.terminal_size:
    """Columns (those that may be filled) and rows of this stream's terminal.

    Of $COLUMNS, or 80 by 24, where it is none or does not say.
    """
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns = os.environ.get("COLUMNS", "")
        return os.terminal_size((int(columns) if columns.isdecimal() and int(columns) else 80, 24))
    return os.terminal_size((usable_columns(size.columns or 80, is_windows()), size.lines or 24))


def silence_stdout() -> None:
    """Point file descriptor 1 at nothing: the flush at interpreter exit has nobody left to complain about."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != 1:
            os.dup2(nowhere, 1)
            os.close(nowhere)


def say(line: str, stderr: TextIO | None = None) -> None:
    """One line on stderr. If nobody can hear it, the work goes on."""
    stream = sys.stderr if stderr is None else stderr
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):
        stream.write(fit(stream, line) + "\n")
        stream.flush()
