"""One content-addressed store of bytes on disk: encoded rows, KV states and whole answers.

What goes wrong with it costs time and never an answer: a store that cannot be read is empty, one that cannot be
written keeps nothing.
"""

from vlmcli.cache.digests import digest_of, fingerprint
from vlmcli.cache.place import find_cache_dir, find_limits, is_off, open_store, turn
from vlmcli.cache.store import LIMITS_BYTES, Store, Usage

__all__ = [
    "LIMITS_BYTES",
    "Store",
    "Usage",
    "digest_of",
    "find_cache_dir",
    "find_limits",
    "fingerprint",
    "is_off",
    "open_store",
    "turn",
]
