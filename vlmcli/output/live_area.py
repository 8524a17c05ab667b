"""The last lines on a terminal, rewritten in place: from the first line that differs, in one write."""

from __future__ import annotations

from collections.abc import Callable

from vlmcli.output.widths import goes_on, rows_taken


class LiveArea:
    """Between calls the cursor stands at the end of the area's last line, as if someone were typing there."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lines: list[str] = []
        self._columns = 0

    def draw(self, lines: list[str], columns: int) -> None:
        """Show `lines` in place of what the area held. They must be fewer than the screen's rows."""
        old, self._lines = self._lines, lines
        change = _change(old, lines) if columns == self._columns else _redraw(old, lines, columns)
        self._columns = columns
        if change:
            self._write(change)

    def commit(self, lines: list[str], columns: int) -> None:
        """Show `lines`, any number, for good: the area goes on, empty, below them."""
        self.draw(lines, columns)
        self._lines = []
        self._write("\n")


def _change(old: list[str], new: list[str]) -> str:
    """What to write to turn `old` into `new`."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    if same == len(old):
        return "".join("\n" + line for line in new[same:]) if old else "\n".join(new)
    if same == len(old) - 1 and same < len(new) and new[same].startswith(old[same]):
        more = new[same][len(old[same]) :]
        if not goes_on(old[same], more):  # some terminals (tmux) do not join what came apart
            return "\n".join([more, *new[same + 1 :]])
    same = min(same, max(len(new) - 1, 0))
    return _from_row(len(old) - 1 - same, new[same:])


def _redraw(old: list[str], new: list[str], columns: int) -> str:
    """The same after the window was made wider or narrower, which has wrapped the old lines anew."""
    rows = sum(rows_taken(line, columns) for line in old)
    return _from_row(rows - 1, new) if old else "\n".join(new)


def _from_row(up: int, lines: list[str]) -> str:
    return (f"\x1b[{up}A" if up else "") + "\r\x1b[J" + "\n".join(lines)
