"""Pictures on their way to a server: each is encoded once, whoever asks about it at the same time."""

from __future__ import annotations

import asyncio
import threading

from vlmcli.core import LoadedImage, Picture, Request, Turn
from vlmcli.engine.server.engine import _Pictures

PATIENCE_S = 60
IMAGE = LoadedImage("a.png", 1024, 1024, bytes(3 * 1024 * 1024), "digest")
REQUEST = Request(0, (Turn("user", (Picture(IMAGE),)),))


def test_the_same_picture_in_many_requests_is_encoded_once() -> None:
    """Also where the first who wanted it is given up in the middle."""
    may_end, encoded = threading.Event(), 0

    def encode(image: LoadedImage, limit_bytes: int) -> tuple[str, bytes]:
        nonlocal encoded
        encoded += 1
        assert may_end.wait(PATIENCE_S)
        return "image/png", b"png"

    async def ask() -> list[str]:
        first, *others = [asyncio.ensure_future(pictures.uris_of(REQUEST)) for _ in range(4)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        may_end.set()
        uris = [await other for other in others]
        return [each["digest"] for each in (*uris, await pictures.uris_of(REQUEST))]

    pictures = _Pictures(encode, 1000)
    assert asyncio.run(ask()) == ["data:image/png;base64,cG5n"] * 4
    assert encoded == 1
    pictures.close()
