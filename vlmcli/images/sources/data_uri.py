"""A picture written out in its own name: `data:image/png;base64,…`."""

from __future__ import annotations

import binascii
from base64 import b64decode

from vlmcli.errors import NotAPicture
from vlmcli.images.sources.memory import SOURCE as MEMORY
from vlmcli.images.sources.memory import MemoryRef
from vlmcli.images.sources.source import Source
from vlmcli.images.wishes import Wish
from vlmcli.images.words import printable

_LONGEST_NAME = 60
"""Characters: the whole URI would fill every heading and every record."""


def _matches(argument: object) -> bool:
    return isinstance(argument, str) and argument[:5].lower() == "data:"


def _resolve(argument: str, wish: Wish) -> MemoryRef:
    name = argument if len(argument) <= _LONGEST_NAME else argument[:_LONGEST_NAME] + "…"
    return MemoryRef(name, "memory", content=_decoded(name, argument))


def _decoded(name: str, uri: str) -> bytes:
    from urllib.parse import unquote_to_bytes

    head, comma, body = uri.partition(",")
    if not comma:
        raise NotAPicture(f"{printable(name)} is not a data: URI: it has no comma.", "data:image/png;base64,iVBOR…")
    data = unquote_to_bytes(body)
    if not head.rstrip().lower().endswith(";base64"):
        return data
    letters = b"".join(data.split()).replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    try:
        return b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error as error:
        raise NotAPicture(f"{printable(name)} is not valid base64.", "Was it copied whole?") from error


SOURCE = Source("data", _matches, _resolve, MEMORY.read)
