"""Which of the pictures that were named are wanted: by patterns on their paths, and by a share of them.

A path is the one within the folder that was named, with `/` between its parts. A pattern without a slash is held
against each part of it (`thumbs` leaves out a folder of that name, `*.png` takes files), one with a slash against the
path and the folders on it. `*` and `?` stay within a part, `**/` is any number of folders.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

from vlmcli.errors import UsageError
from vlmcli.images.expanding import Named
from vlmcli.images.sources.promise import FailedRef

_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]")


def choose(
    named: Iterable[Named],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    shard: tuple[int, int] | None = None,
) -> Iterator[Named]:
    """Those whose path is chosen. What was found wrong with a folder or a list stays: somebody must hear of it."""
    takes = chooser(include, exclude, shard)
    return (each for each in named if isinstance(each.name, FailedRef) or takes(each.relative))


def first_pictures(named: Iterable[Named], limit: int | None) -> Iterator[Named]:
    """As many as `limit` says, and what is found wrong before the last of them."""
    taken = 0
    for each in named:
        yield each
        taken += not isinstance(each.name, FailedRef)
        if taken == limit:
            return


def chooser(
    include: Sequence[str] = (), exclude: Sequence[str] = (), shard: tuple[int, int] | None = None
) -> Callable[[str], bool]:
    """Whether a path is one that a pattern includes (all, without one), none excludes, and that is of this shard.

    `shard`: (K, N), K from 1.
    """
    included, excluded = [_matcher(p) for p in include], [_matcher(p) for p in exclude]

    def takes(path: str) -> bool:
        path = path.replace(os.sep, "/")
        if included and not any(matches(path) for matches in included):
            return False
        if any(matches(path) for matches in excluded):
            return False
        return shard is None or shard_of(path, shard[1]) == shard[0]

    return takes


def shard_of(path: str, shards: int) -> int:
    """The shard, from 1, of a picture: by its path alone, so that machines that do not talk agree.

    Systems differ in how they spell an accented letter; here all spellings are one.
    """
    path = path if path.isascii() else unicodedata.normalize("NFC", path)
    digest = hashlib.blake2b(path.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards + 1


class _matcher:
    """Whether a path, a part of it, or a folder on it is as the pattern says."""

    def __init__(self, pattern: str) -> None:
        pattern = pattern.replace(os.sep, "/").removeprefix("./").rstrip("/")
        self._whole = "/" in pattern
        try:
            self._pattern = re.compile(_as_expression(pattern.lstrip("/")), re.DOTALL)
        except re.error:
            raise UsageError(
                f"The pattern {pattern!r} makes no sense.", "--include '*.png' --exclude 'thumbs'"
            ) from None

    def __call__(self, path: str) -> bool:
        parts = path.split("/")
        candidates = accumulate(parts, lambda folder, name: f"{folder}/{name}") if self._whole else iter(parts)
        return any(self._pattern.fullmatch(each) for each in candidates)


def _as_expression(pattern: str) -> str:
    """A pattern of a shell as a regular expression."""
    pieces, at = [], 0
    for token in _TOKENS.finditer(pattern):
        pieces += [re.escape(pattern[at : token.start()]), _as_token(token[0])]
        at = token.end()
    return "".join([*pieces, re.escape(pattern[at:])])


def _as_token(token: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in known:
        return known[token]
    negated, within = token.startswith("[!"), token[2 if token.startswith("[!") else 1 : -1]
    within = within.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace("^", "\\^")
    return f"[{'^/' if negated else ''}{within}]"
