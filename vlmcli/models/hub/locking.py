"""The lock on one file of a repository: the library's own, in the library's own place, so `hf download` keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

AT_ONCE_S = 0.1


class Busy(Exception):
    """Another process (or thread) holds the lock."""


@contextmanager
def locked(path: Path, patience_s: float = AT_ONCE_S) -> Iterator[None]:
    """Holds the lock at `path`. Raises Busy after `patience_s`, OSError where there can be no lock.

    The system frees it when its holder ends, however that comes.
    """
    from filelock import Timeout
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(WeakFileLock(path, timeout=patience_s))
        except Timeout:
            raise Busy from None
        yield
