"""What the store keeps, for how long, and what it says about it."""

from __future__ import annotations

import ctypes
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cache.conftest import ENTRY, LIMIT_BYTES, key
from vlmcli.cache import Store
from vlmcli.cache.shelf import Cleared, Shelf


def test_gives_back_what_was_put(store: Store) -> None:
    assert store.get("rows", key("a")) is None
    assert store.put("rows", key("a"), ENTRY, label="demo")
    assert store.get("rows", key("a")) == ENTRY
    assert store.get("rows", key("b")) is None
    assert store.get("kv", key("a")) is None


def test_parts_lie_one_after_the_other(store: Store) -> None:
    floats = (ctypes.c_float * 3)(1, 2, 3)
    assert store.put("kv", key("a"), b"head", bytearray(b"body"), memoryview(b"tail"), memoryview(floats))
    assert store.get("kv", key("a")) == b"headbodytail" + bytes(floats)
    assert store.put("kv", key("nothing"))
    assert store.get("kv", key("nothing")) == b""


def test_the_last_put_counts(store: Store) -> None:
    store.put("rows", key("a"), b"one")
    store.put("rows", key("a"), b"two, and longer")
    assert store.get("rows", key("a")) == b"two, and longer"
    assert [usage.entries for usage in store.usage()] == [1]


def test_opening_touches_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache", {"rows": 10})
    assert store.get("rows", key("a")) is None
    assert store.usage() == []
    assert store.clear().entries == 0
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_only_the_user_may_read(store: Store) -> None:
    before = os.umask(0)
    try:
        store.put("rows", key("a"), ENTRY)
    finally:
        os.umask(before)
    modes = {path.relative_to(store.root): stat.S_IMODE(path.stat().st_mode) for path in store.root.rglob("*")}
    assert all(mode == (0o700 if (store.root / path).is_dir() else 0o600) for path, mode in modes.items()), modes
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700


# --- room ---------------------------------------------------------------------------------------------------


def test_least_recently_used_goes_first(store: Store, file_of: Callable[[str], Path]) -> None:
    for number in range(10):
        store.put("rows", key(number), ENTRY)
        os.utime(file_of(key(number)), (1000 + number, 1000 + number))
    assert store.get("rows", key(0)) == ENTRY  # used just now
    assert store.put("rows", key("new"), ENTRY)
    left = {number for number in range(10) if store.get("rows", key(number))}
    assert 0 in left
    assert left == {0, *range(10 - len(left) + 1, 10)}, "not the oldest ones went"
    assert 1 not in left
    assert store.get("rows", key("new")) == ENTRY


def test_never_more_than_the_limit(store: Store) -> None:
    for number in range(100):
        assert store.put("rows", key(number), ENTRY if number % 3 else b"small")
        assert _size_on_disk(store.root / "rows") <= LIMIT_BYTES
    assert _size_on_disk(store.root / "rows") > LIMIT_BYTES // 2, "it throws away too much"


def test_kinds_have_limits_of_their_own(store: Store) -> None:
    store.put("kv", key("kept"), ENTRY)
    for number in range(50):
        store.put("rows", key(number), ENTRY)
    assert store.get("kv", key("kept")) == ENTRY


def test_larger_than_the_limit_is_not_kept_and_costs_nothing(store: Store) -> None:
    store.put("rows", key("a"), ENTRY)
    assert not store.put("rows", key("huge"), b"x" * LIMIT_BYTES)
    assert store.get("rows", key("a")) == ENTRY
    assert not store.put("of no such kind", key("a"), b"x")
    assert store.get("of no such kind", key("a")) is None


def test_a_smaller_limit_is_kept_also_where_the_new_is_too_large_for_it(store: Store) -> None:
    for number in range(8):
        store.put("rows", key(number), ENTRY)
    smaller = Store(store.root, {"rows": LIMIT_BYTES // 2})
    assert not smaller.put("rows", key("huge"), b"x" * LIMIT_BYTES)
    assert 0 < _size_on_disk(store.root / "rows") <= LIMIT_BYTES // 2
    assert smaller.get("rows", key(7)) == ENTRY


def test_a_smaller_limit_is_kept_where_nothing_new_comes(store: Store) -> None:
    for number in range(8):
        store.put("rows", key(number), ENTRY)
    smaller = Store(store.root, {"rows": LIMIT_BYTES // 2})
    assert smaller.get("rows", key(0)) == ENTRY
    assert 0 < _size_on_disk(store.root / "rows") <= LIMIT_BYTES // 2
    assert smaller.get("rows", key(0)) == ENTRY, "it was just used"


def test_as_large_as_the_limit_is_kept_alone(store: Store) -> None:
    store.put("rows", key("a"), ENTRY)
    assert store.put("rows", key("huge"), b"x" * (LIMIT_BYTES - 4096))
    assert store.get("rows", key("huge")) == b"x" * (LIMIT_BYTES - 4096)
    assert store.get("rows", key("a")) is None


def test_putting_does_not_look_at_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    entries = Shelf.entries
    monkeypatch.setattr(Shelf, "entries", lambda shelf: looks.append(1) or entries(shelf))
    for number in range(200):
        store = Store(tmp_path, {"rows": 10**9})  # as if each were a process of its own
        assert store.put("rows", key(number), b"x")
    assert len(looks) <= 2


@pytest.mark.parametrize("tally", [b"", b"garbage", b"x" * 8, bytes(8), b"\xff" * 80_000], ids=len)
def test_a_broken_tally_is_made_anew(store: Store, tally: bytes) -> None:
    for number in range(30):
        store.put("rows", key(number), ENTRY)
        if number == 5:
            (store.root / "rows" / "tally").write_bytes(tally)
    assert _size_on_disk(store.root / "rows") <= 2 * LIMIT_BYTES
    assert store.get("rows", key(29)) == ENTRY


def _size_on_disk(folder: Path) -> int:
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.glob("*/*"))


# --- what is there ------------------------------------------------------------------------------------------


def test_usage_by_kind_and_model(store: Store) -> None:
    before = time.time()
    store.put("rows", key("a"), ENTRY, label="demo")
    store.put("rows", key("b"), ENTRY, label="demo")
    store.put("rows", key("c"), b"x", label="llava 1.6 \N{SNOWMAN}")
    store.put("kv", key("a"), b"x", label="x" * 1000)
    for _ in range(3):
        store.get("rows", key("a"))
    store.get("rows", key("b"))
    demo, other, kv = store.usage()
    assert (demo.kind, demo.label, demo.entries, demo.hits) == ("rows", "demo", 2, 4)
    assert demo.size_bytes == 2 * 4 * 4096
    assert before - 2 <= demo.oldest <= demo.newest <= time.time() + 2
    assert (other.label, other.entries, other.size_bytes, other.hits) == ("llava 1.6 \N{SNOWMAN}", 1, 4096, 0)
    assert (kv.kind, len(kv.label)) == ("kv", 400)


def test_clear(store: Store) -> None:
    for number in range(4):
        store.put("rows", key(number), ENTRY)
        store.put("kv", key(number), b"x")
    assert store.clear("kv") == Cleared(4, 4 * 4096)
    assert store.get("kv", key(0)) is None
    assert store.get("rows", key(0)) == ENTRY
    assert store.clear() == Cleared(4, 16 * 4096)
    assert store.usage() == []
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_clear_what_is_old(store: Store, file_of: Callable[[str], Path]) -> None:
    for number in range(4):
        store.put("rows", key(number), ENTRY)
        then = time.time() - 86400 * number - 60
        os.utime(file_of(key(number)), (then, then))
    assert store.get("rows", key(3)) == ENTRY  # old, and used just now
    assert store.clear(older_than_s=86400).entries == 2
    assert [store.get("rows", key(number)) is not None for number in range(4)] == [True, False, False, True]


def test_foreign_files_stay(store: Store) -> None:
    store.put("rows", key("a"), ENTRY)
    foreign = [store.root / "notes.txt", store.root / "rows" / "notes.txt", store.root / "rows" / key("a")[:2] / "x"]
    for path in foreign:
        path.write_text("mine")
    (store.root / "rows" / "folder").mkdir()
    store.clear()
    assert (store.root / "rows" / "folder").exists()
    assert all(path.read_text() == "mine" for path in foreign)
