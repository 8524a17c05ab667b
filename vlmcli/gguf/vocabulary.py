"""Is each word in a vocabulary once? llama.cpp ends the process over one that is there twice (src/llama-vocab.cpp).

Read before a model is opened and not with every header: the words are half of the time that a header takes.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path

from vlmcli.errors import ModelNotFound
from vlmcli.gguf.header import Header
from vlmcli.gguf.reader import Reader

_WORDS = "tokenizer.ggml.tokens"


def check_vocabulary(header: Header) -> None:
    """A tenth of a second for a large one, once for each file of a process. Raises ModelDamaged, ModelNotFound."""
    if header.lengths.get(_WORDS):
        try:
            _check(header.path, header.size_bytes, header.path.stat().st_mtime_ns)
        except OSError as error:
            raise ModelNotFound(f"{header.path} cannot be read: {error.strerror or error}.") from None


@lru_cache(maxsize=32)
def _check(path: Path, size_bytes: int, mtime_ns: int) -> None:
    with path.open("rb") as file:
        _VocabularyReader(path, file, size_bytes).header()


class _VocabularyReader(Reader):
    def _words_of(self, key: str, count: int) -> tuple[str, ...]:
        at = self._at
        kept = super()._words_of(key, count)
        if key == _WORDS:
            data, length_at = bytes(self._data[at : self._at]), struct.Struct("<Q").unpack_from
            words: set[bytes | int] = set()
            at = 0
            for number in range(count):
                end = at + 8 + length_at(data, at)[0]
                words.add(data[at + 8 : end].partition(b"\0")[0] or number)  # as C reads it; empty ones get a name
                at = end
            self._hold_to("a word of its vocabulary is there twice" if len(words) < count else None)
        return kept
