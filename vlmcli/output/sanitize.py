"""Hostile text made harmless: what a model says or a file is called never steers a terminal.

In text, escape sequences and control characters are taken out; newline and tab stay. In names they are shown
(`\\n`, `\\x1b`), so that two different names never look the same because something was dropped.
"""

from __future__ import annotations

import re

_BIDI = "\u202a-\u202e\u2066-\u2069"
_STRING_START = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])"  # OSC, DCS, SOS, PM, APC: run to BEL or ST
_STRING_BODY = r"[^\x07\x1b\x9c\n]{0,1024}"  # bounded, so that one that never ends cannot swallow the answer
_CSI = r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}"

_SEQUENCE = re.compile(rf"{_CSI}[@-~]|{_STRING_START}{_STRING_BODY}(?:\x07|\x1b\\|\x9c)|\x1b[ -/]{{0,8}}[0-~]")
_UNFINISHED = re.compile(rf"(?:{_CSI}|{_STRING_START}{_STRING_BODY}\x1b?|\x1b[ -/]{{0,8}})\Z")
_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNSHOWN = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029{_BIDI}\ud800-\udfff]")
_NOT_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # 3 ms to compile: only where it is wanted
_SHORT = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}


class Cleaner:
    """Cleans a stream of chunks: a sequence cut by the end of a chunk is held back until it is whole."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, chunk: str) -> str:
        text = self._held + chunk
        unfinished = _UNFINISHED.search(text)
        end = unfinished.start() if unfinished else len(text)
        self._held = text[end:]
        return _clean(text[:end])

    def flush(self) -> str:
        """What is left when no more comes."""
        text, self._held = self._held, ""
        return _clean(text)


def clean_text(text: str) -> str:
    """A whole text without control characters; newline and tab stay."""
    return _clean(text)


def xml_text(text: str) -> str:
    """Without the characters that XML cannot hold, escaped or not (section 2.2 of XML 1.0)."""
    return re.sub(_NOT_XML, "", text)


def show_name(name: str) -> str:
    """A name (or one sentence) on one line: control characters, newlines and undecodable bytes as escapes."""
    return _UNSHOWN.sub(lambda m: _SHORT.get(m[0]) or _escape(m[0]), name)


def show_surrogates(text: str) -> str:
    """Bytes that were no UTF-8 (surrogates in Python) as `\\xff`, so that the text can be encoded."""
    return _SURROGATE.sub(lambda m: _escape(m[0]), text)


def _clean(text: str) -> str:
    return show_surrogates(_CONTROL.sub("", _SEQUENCE.sub("", text)))


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # Python's surrogateescape: an undecodable byte
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
