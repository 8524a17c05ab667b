"""A standard output that was closed from the start (`>&-`). Python has None in its place, which no command expects."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import NoReturn

from vlmcli.errors import OutputError
from vlmcli.output.streams import silence_stdout


class ClosedStdout(io.TextIOBase):
    """Whoever writes to it says that it is closed; whoever has nothing to print never notices."""

    @property
    def closed(self) -> bool:
        return True

    @property
    def buffer(self) -> NoReturn:
        raise is_closed()

    def write(self, text: str) -> NoReturn:
        raise is_closed()

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def is_closed(hint: str = "Send it somewhere: vlm … > FILE") -> OutputError:
    return OutputError("Cannot write to standard output: it is closed.", hint)


@contextlib.contextmanager
def closed_stdout() -> Iterator[None]:
    """Stands in for it meanwhile. Descriptor 1 is taken: the next file to be opened would get what libraries print."""
    try:
        os.fstat(1)
    except OSError:
        silence_stdout()
    sys.stdout = ClosedStdout()
    try:
        yield
    finally:
        sys.stdout = None  # as it was
