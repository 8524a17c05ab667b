"""Where the store is, how large, and whether it is used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vlmcli.cache import LIMITS_BYTES, digest_of, find_cache_dir, find_limits, fingerprint, is_off, open_store, turn
from vlmcli.errors import OutputError, UsageError


def test_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VLM_CACHE_DIR", str(tmp_path / "here"))
    assert find_cache_dir() == tmp_path / "here"
    monkeypatch.setenv("VLM_CACHE_DIR", "~/there")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert find_cache_dir() == tmp_path / "there"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VLM_CACHE_DIR", "relative")
    assert find_cache_dir() == tmp_path / "relative"


@pytest.mark.skipif(os.name == "nt", reason="XDG is not Windows'")
def test_the_platform_s_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from platformdirs import user_cache_path

    found = find_cache_dir()
    assert found == user_cache_path("vlm", appauthor=False)
    assert found
    assert found.is_relative_to(os.environ["HOME"])


@pytest.mark.skipif(os.name == "nt", reason="the user database is POSIX'")
def test_no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import pwd

    def nobody(_uid: int) -> None:
        raise KeyError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "VLM_CACHE"):
        monkeypatch.delenv(name, raising=False)
    assert find_cache_dir() is None
    assert open_store() is None
    assert not is_off()
    with pytest.raises(OutputError, match="no home"):
        turn(False)
    assert list(tmp_path.iterdir()) == [], "a folder named ~"
    monkeypatch.setenv("VLM_CACHE_DIR", str(tmp_path / "cache"))
    assert open_store() is not None


def test_on_and_off(cache_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert open_store()
    monkeypatch.delenv("VLM_CACHE")
    assert open_store()
    turn(False)
    turn(False)
    assert open_store() is None
    monkeypatch.setenv("VLM_CACHE", "on")
    assert open_store()
    monkeypatch.setenv("VLM_CACHE", "off")
    turn(True)
    turn(True)
    assert open_store() is None
    monkeypatch.delenv("VLM_CACHE")
    assert open_store()
    monkeypatch.setenv("VLM_CACHE", "perhaps")
    with pytest.raises(UsageError, match="'perhaps'"):
        open_store()


@pytest.mark.parametrize(
    ("limit", "total"),
    [("", 8_256e6), ("2G", 2e9), ("2gb", 2e9), (" 1.5 GB ", 1.5e9), ("500M", 5e8), ("0", 0), ("1000000", 1e6)],
)
def test_limits(limit: str, total: float) -> None:
    limits = find_limits({"VLM_CACHE_LIMIT": limit})
    assert limits.keys() == LIMITS_BYTES.keys()
    assert total - 3 <= sum(limits.values()) <= total


@pytest.mark.parametrize("limit", ["much", "-1G", "1X", "G", "1e400", "nan", "inf"])
def test_limits_that_are_none(limit: str) -> None:
    with pytest.raises(UsageError, match="VLM_CACHE_LIMIT"):
        open_store({"VLM_CACHE_LIMIT": limit, "VLM_CACHE_DIR": "x"})


# --- digests ------------------------------------------------------------------------------------------------


def test_digests_are_of_the_parts_and_not_of_their_sum() -> None:
    different = [
        digest_of(*parts)
        for parts in (
            (),
            ("",),
            ("a", "b"),
            ("ab",),
            ("ab", ""),
            ("b", "a"),
            ("asb",),
            (b"ab",),
            ("1",),
            (1,),
            (b"1",),
            ("1:a",),
        )
    ]
    assert len(set(different)) == len(different)
    assert digest_of("a", 1, b"x") == digest_of("a", 1, b"x")
    assert len(digest_of("\ud800")) == 64  # a name that is not UTF-8


@pytest.mark.parametrize("size", [10, 3_000_000, 9_000_000])
def test_fingerprints(tmp_path: Path, size: int) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(bytes(size))
    seen = {fingerprint(path)}
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(bytes(size))
    assert {fingerprint(copy)} == seen, "it goes by what is in the file"
    for number, at in enumerate((0, size // 3, size - 1)):
        with path.open("r+b") as file:
            file.seek(at)
            file.write(
                b"abc"[number : number + 1] * min(200_000, size - at)
            )  # blocks of a big file are looked at, not every byte
        os.utime(path, (number, number))
        seen.add(fingerprint(path))
    path.write_bytes(bytes(size + 1))
    assert len({*seen, fingerprint(path)}) == 5


def test_fingerprints_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(bytes(9_000_000))
    first = fingerprint(path)
    monkeypatch.setattr("builtins.open", None)
    assert fingerprint(path) == first


def test_no_file_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        fingerprint(tmp_path / "nothing")
