"""Server-sent events out of bytes, however these are cut: the `data` of each, as text."""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"
_LONGEST_LINE = 1 << 24


class EventReader:
    """Lines end in LF, CRLF or CR; comments and other fields are passed over. Bytes that are no UTF-8 become U+FFFD."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._begun = False

    def feed(self, piece: bytes) -> list[str]:
        """The events that are whole now."""
        buffer = self._rest + piece
        if not self._begun:
            if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
                self._rest = buffer
                return []
            self._begun, buffer = True, buffer.removeprefix(_BOM)
        lines, self._rest = _split(buffer)
        if len(self._rest) > _LONGEST_LINE:
            raise ValueError("a line without end")
        return [event for line in lines if (event := self._take(line)) is not None]

    def finish(self) -> list[str]:
        """At the end of the stream: a last event may lack its empty line."""
        lines = [self._rest.removesuffix(b"\r"), b""]
        self._rest = b""
        return [event for line in lines if (event := self._take(line)) is not None]

    def _take(self, line: bytes) -> str | None:
        if line:
            field, _, value = line.partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" "))
            return None
        if not self._data:
            return None
        event = b"\n".join(self._data).decode("utf-8", "replace")
        self._data.clear()
        return event


def _split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """Whole lines, and the rest. A CR at the very end may be half of a CRLF, so it waits."""
    held = b"\r" if buffer.endswith(b"\r") else b""
    text = buffer[: len(buffer) - len(held)]
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    *lines, rest = text.split(b"\n")
    return lines, rest + held
