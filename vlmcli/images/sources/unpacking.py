"""What a server compressed on its way, though it was asked not to."""

from __future__ import annotations

import zlib


def unpacked(data: bytes, encoding: str, most_bytes: int) -> bytes | None:
    """`data` as it was before `encoding` (a Content-Encoding header); None where it is more than `most_bytes`.

    Encodings that are not known are left as they are: the bytes say for themselves what they are. ValueError for a
    damaged stream.
    """
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return data
    try:
        stream = zlib.decompressobj(zlib.MAX_WBITS | 32)  # either header
        plain = stream.decompress(data, most_bytes + 1)
    except zlib.error as error:
        raise ValueError("what it sends is not compressed as it says") from error
    if len(plain) > most_bytes:
        return None
    if not stream.eof:
        raise ValueError("what it sends ends too early")
    return plain
