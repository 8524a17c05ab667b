"""--move-to and --link-to: when all is answered, each picture goes to the folder of its choice."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from vlmcli.batch.sorting import Sorter
from vlmcli.core import Record
from vlmcli.errors import EXIT_OUTPUT, OutputError
from vlmcli.output import is_terminal, print_error, show_name
from vlmcli.output.streams import say


def sort_pictures(records: Iterable[Record], sorter: Sorter, quiet: bool) -> int:
    """Put those that have a choice in their places; a dry run prints them. Returns 0, or 7 when some stay behind."""
    done, code = 0, 0
    for name, choice in sorter.in_order((one.name, one.choice) for one in records if one.choice is not None):
        try:
            place = sorter.put(name, choice)
        except OutputError as error:
            print_error(error)
            code = EXIT_OUTPUT
            continue
        if place is not None:
            done += 1
            if sorter.dry:
                _print_move(name, str(place))
    if not quiet:
        say(f"vlm: {done:,} {'to be ' if sorter.dry else ''}{sorter.verb}")
    return code


def _print_move(name: str, place: str) -> None:
    show = show_name if is_terminal(sys.stdout) else str
    sys.stdout.buffer.write(os.fsencode(f"{show(name)} -> {show(place)}\n"))
