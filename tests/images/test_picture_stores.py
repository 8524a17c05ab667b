"""Pictures in stores with a URL: memory:// and zip:// for what all of them do, hf:// against the test Hub."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub.fixtures import hub
from tests.hub.server import HubServer
from vlmcli.core import ImageRef
from vlmcli.errors import NotAPicture, PictureError, PictureIsFolder, PictureNotFound, PictureUnreadable
from vlmcli.images import load, read, resolve
from vlmcli.images.choosing import choose
from vlmcli.images.expanding import expand_list, expand_named
from vlmcli.images.sources import remote, stores
from vlmcli.images.sources.promise import FailedRef

__all__ = ["hub"]

PLAIN = (
    "b.JPG",
    "a.png",
    "notes.txt",
    ".hidden.png",
    ".thumbs/x.png",
    "sub/page-10.tif",
    "sub/page-2.tif",
    "sub/d/z.gif",
)
WALKED = ["a.png", "b.JPG", "sub/page-2.tif", "sub/page-10.tif", "sub/d/z.gif"]
RED = b"P6 1 1 255 \xff\0\0"


@pytest.fixture
def memory() -> Iterator[Any]:
    """An empty memory:// of this process."""
    import fsspec

    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    yield store
    store.store.clear()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`archive({"a.png": b"…"})`: the name of a zip in the current folder with these files."""
    monkeypatch.chdir(tmp_path)

    def make(files: dict[str, bytes], name: str = "photos.zip", day: int = 1) -> str:
        stores._archive.cache_clear()
        with zipfile.ZipFile(name, "w") as file:
            for path, data in files.items():
                file.writestr(zipfile.ZipInfo(path, (2025, 1, day, 0, 0, 0)), data)
        return name

    yield make
    stores._archive.cache_clear()


def expand(*arguments: str, recursive: bool = True) -> list[str]:
    return [_shown(each.name) for each in expand_named(arguments, recursive)]


def _shown(name: str | FailedRef) -> str:
    return name if isinstance(name, str) else name.error.sentence


def fails(kind: type[PictureError], url: str) -> tuple[str, str]:
    with pytest.raises(kind) as caught:
        read(resolve(url))
    return caught.value.sentence, caught.value.hint


# --- one picture --------------------------------------------------------------------------------------------


def test_a_picture_is_read_when_it_is_its_turn(memory: Any) -> None:
    ref = resolve("memory://album/red.ppm")
    memory.pipe("/album/red.ppm", RED)
    image = load(ref)
    assert (image.name, image.rgb) == ("memory://album/red.ppm", b"\xff\0\0")


def test_what_is_wrong_is_said_in_a_sentence(memory: Any) -> None:
    memory.pipe("/album/empty.png", b"")
    assert fails(PictureNotFound, "memory://album/gone.png")[0] == "memory://album/gone.png is not there."
    assert fails(NotAPicture, "memory://album/empty.png")[0].startswith("memory://album/empty.png is empty")
    sentence, hint = fails(PictureIsFolder, "memory://album")
    assert (sentence, hint) == (
        "memory://album is a folder, not a picture.",
        "Take the pictures in it: -r memory://album",
    )


def test_reading_is_bounded(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MAX_BYTES", 2 * 10**6)
    memory.pipe("/large.png", b"x" * (2 * 10**6 + 5))
    assert fails(PictureError, "memory://large.png")[0] == "memory://large.png is too large: more than 2 MB."
    assert len(stores.read("memory://large.png", 2 * 10**6)) == 2 * 10**6 + 1


@pytest.mark.parametrize("missing", ["fsspec", "s3fs"])
def test_a_missing_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(stores, "find_spec", lambda name: None if name == missing else object())
    with pytest.raises(PictureUnreadable) as caught:
        resolve("s3://bucket/a.png")
    assert missing in caught.value.sentence
    assert caught.value.hint == "pip install 'vlmcli[remote]'"


@pytest.mark.parametrize(
    "url",
    [
        "zip://a.png",
        "zip://a.png::http://169.254.169.254/x.zip",
        "zip://a.png::file:///etc/x.zip",
        "zip://a.png::zip://b.zip::c.zip",
        "simplecache::http://localhost/a.png",
        "memory://a.png::x.zip",
        "local:///etc/passwd",
        "reference://a",
    ],
)
def test_no_way_round_leads_to_the_network_beside_us(url: str) -> None:
    with pytest.raises(PictureError):
        read(resolve(url))


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(PictureUnreadable) as caught:
        resolve("sftp://me:secret@host/a.png")
    assert "secret" not in caught.value.sentence + caught.value.hint


class NoCredentialsError(Exception):
    """Called as botocore's."""


@pytest.mark.parametrize(
    ("error", "kind", "sentence", "hint"),
    [
        (NoCredentialsError("Unable"), PictureUnreadable, "there are no credentials for s3://", "aws configure"),
        (FileNotFoundError("The specified bucket does not exist"), PictureNotFound, "no such bucket", "name"),
        (FileNotFoundError("mybucket/a.png"), PictureNotFound, "s3://b/a.png is not there.", "see it"),
        (FileNotFoundError("x"), PictureNotFound, "is not there", ""),
        (PermissionError("Forbidden"), PictureUnreadable, "the store refuses", "aws configure"),
        (ImportError("no", name="aiobotocore.x"), PictureUnreadable, "without aiobotocore", "pip install aiobotocore"),
        (OSError("\n\x1b[31mslow\nmore"), PictureUnreadable, r"cannot be read: \x1b[31mslow.", "connection"),
        (RuntimeError(), PictureUnreadable, "cannot be read: RuntimeError.", ""),
    ],
)
def test_errors_of_stores(error: Exception, kind: type[PictureError], sentence: str, hint: str) -> None:
    with pytest.raises(kind) as caught, stores.explained("s3://b/a.png"):
        raise error
    assert sentence in caught.value.sentence
    assert hint in caught.value.hint
    assert caught.value.sentence.startswith("s3://b/a.png ")


# --- folders ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["memory://album", "memory://album/"])
def test_a_walk_is_as_on_a_disk(memory: Any, tmp_path: Path, folder: str) -> None:
    for name in PLAIN:
        memory.pipe(f"/album/{name}", b"x")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    here = list(expand_named([str(tmp_path)], True))
    there = list(expand_named([folder], True))
    assert [each.relative for each in there] == [each.relative for each in here] == WALKED
    assert [each.name for each in there] == [f"memory://album/{name}" for name in WALKED]
    for shard in ((1, 3), (2, 3), (3, 3)):  # machines that see the folder in different ways agree
        assert [each.relative for each in choose(there, shard=shard)] == [
            each.relative for each in choose(here, shard=shard)
        ]
    assert [each.relative for each in choose(there, exclude=["sub"])] == WALKED[:2]
    assert [each.name for each in expand_list([folder], True)] == [each.name for each in there]


def test_without_recursive_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "open_store", lambda url: pytest.fail("asked"))
    assert expand("memory://album", recursive=False) == ["memory://album"]


def test_an_archive_is_a_folder(archive: Callable[..., str]) -> None:
    archive(dict.fromkeys(PLAIN, b"x"))
    assert expand("zip://::photos.zip") == [f"zip://{name}::photos.zip" for name in WALKED]
    assert expand("zip://sub::photos.zip") == [
        f"zip://sub/{name}::photos.zip" for name in ("page-2.tif", "page-10.tif", "d/z.gif")
    ]
    assert expand("zip://sub/page-*::photos.zip") == [
        "zip://sub/page-2.tif::photos.zip",
        "zip://sub/page-10.tif::photos.zip",
    ]


def test_patterns_and_folders_with_nothing(memory: Any) -> None:
    for name in PLAIN:
        memory.pipe(f"/album/{name}", b"x")
    memory.pipe("/words/a.txt", b"x")
    assert expand("memory://album/*.png") == ["memory://album/a.png"]
    assert expand("memory://album/sub/*") == ["memory://album/sub/page-2.tif", "memory://album/sub/page-10.tif"]
    assert expand("memory://album/*.bmp") == ["Nothing matches memory://album/*.bmp."]
    assert expand("memory://words") == ["There are no pictures in memory://words."]
    assert expand("memory://gone") == ["memory://gone is not there."]


# --- jobs ---------------------------------------------------------------------------------------------------

JOB = ("--model", "demo", "-r", "-o", "x.jsonl")


def ppm(red: int) -> bytes:
    return b"P6 1 1 255 %c\0\0" % red


def records() -> dict[str, Any]:
    lines = [json.loads(line) for line in Path("x.jsonl").read_text().splitlines()]
    assert len(lines) == len({line["picture"] for line in lines})
    return {line["picture"]: line for line in lines}


def test_a_job_goes_on_and_does_what_has_changed(vlm: Callable[..., Any], archive: Callable[..., str]) -> None:
    archive({"1.ppm": ppm(1), "2.ppm": ppm(2)})
    assert vlm("describe", "zip://::photos.zip", *JOB).code == 0
    assert all(each["text"] and each["job"]["tag"] and each["job"]["mtime_ns"] for each in records().values())
    archive({"1.ppm": ppm(1), "2.ppm": ppm(9), "3.ppm": ppm(3)})
    result = vlm("describe", "zip://::photos.zip", *JOB)
    assert (result.code, result.stderr) == (0, "vlm: 2 answered, 1 done before\n")
    assert set(records()) == {f"zip://{n}.ppm::photos.zip" for n in (1, 2, 3)}


def test_what_was_answered_outlives_its_store(vlm: Callable[..., Any], archive: Callable[..., str]) -> None:
    archive({"1.ppm": ppm(1), "2.ppm": ppm(2)})
    names = [f"zip://{n}.ppm::photos.zip" for n in (1, 2)]
    assert vlm("describe", *names, *JOB).code == 0
    os.remove("photos.zip")
    stores._archive.cache_clear()
    assert vlm("describe", *names, *JOB).stderr == "vlm: 0 answered, 2 done before\n"
    assert all(each["text"] for each in records().values())


def test_a_hub_is_a_store(vlm: Callable[..., Any], hub: HubServer, tmp_path: Path, monkeypatch: Any) -> None:
    """The real HfFileSystem over HTTP, in this process and in the engine's."""
    from huggingface_hub import HfFileSystem

    monkeypatch.chdir(tmp_path)
    HfFileSystem.clear_instance_cache()
    hub.add("someone/photos", {"a.ppm": ppm(1), "b.ppm": ppm(2), "notes.txt": b"x"})
    result = vlm("describe", "hf://someone/photos", *JOB)
    assert (result.code, result.stderr) == (0, "")
    assert set(records()) == {"hf://someone/photos/a.ppm", "hf://someone/photos/b.ppm"}
    assert all(each["job"]["tag"] for each in records().values())
    assert vlm("describe", "hf://someone/photos", *JOB).stderr == "vlm: 0 answered, 2 done before\n"
    assert vlm("describe", "hf://someone/none", *JOB).code == 3
    HfFileSystem.clear_instance_cache()


def test_facts_have_one_name() -> None:
    s3 = {"name": "b/a", "type": "file", "size": 3, "ETag": '"abc"', "LastModified": "2025-01-01T00:00:00+00:00"}
    assert stores.facts_from(s3) == ("b/a", False, 3, 1735689600 * 10**9, "abc")
    assert stores.facts_from({"name": "b/x", "type": "directory", "size": 0}) == ("b/x", True, 0, None, "")
    assert stores.facts_from({"name": "a", "lfs": {"sha256": "f0"}, "blob_id": "b1"}).tag == "f0"
    assert remote.find_facts(ImageRef("a.png")) is None
