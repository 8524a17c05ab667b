"""Stores of files that are reached by URL, through fsspec: which, and what they say of a file. The only door to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

from vlmcli.errors import PictureError, PictureIsFolder, PictureNotFound, PictureUnreadable
from vlmcli.images.words import printable, quoted

PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
    "hf": "huggingface_hub",
    "hdfs": "pyarrow",
    **dict.fromkeys(("memory", "zip", "tar"), ""),
}
"""Protocol -> the package that fsspec needs for it. Not those that reach into this machine or the network beside it."""

_ARCHIVES = {"zip", "tar"}
_OF_THE_EXTRA = {"s3fs", "gcsfs", "huggingface_hub"}
_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^/@]*:[^/@]*@")


class Facts(NamedTuple):
    """What a store says of a file without giving its bytes. `tag` is another one when the bytes are."""

    path: str
    is_folder: bool
    size_bytes: int | None
    mtime_ns: int | None
    tag: str


def scheme_of(url: str) -> str | None:
    """`s3` of `s3://bucket/a.png`; None of what is no URL."""
    match = _SCHEME.match(url)
    return match["scheme"].lower() if match else None


def check(url: str) -> None:
    """Raises PictureUnreadable for what no store that we know has, without asking any."""
    inner, _, outer = url.partition("::")
    scheme = scheme_of(inner)
    if scheme not in PACKAGES:
        known = ", ".join(f"{name}://" for name in ("s3", "gs", "hf"))
        raise PictureUnreadable(
            f"{printable(url)} is not read: of URLs only http, https, data: and those of stores ({known}, …) are.",
            "Save the picture as a file and name that.",
        )
    if outer and (scheme not in _ARCHIVES or scheme_of(outer) not in PACKAGES.keys() | {None} or "::" in outer):
        raise PictureUnreadable(
            f"{printable(url)} is not read: only an archive can stand in another file.", "zip://a.png::photos.zip"
        )
    if scheme in _ARCHIVES and not outer:
        raise PictureUnreadable(
            f"{printable(url)} does not say in which archive.", f"{scheme}://a.png::photos.{scheme}"
        )
    if _PASSWORD.search(url):
        raise PictureUnreadable("A URL with a password in it is not read.", "Keep it in a file of its own program.")
    if outer and scheme_of(outer):
        check(outer)
    _check_package(url, PACKAGES[scheme])


def _check_package(url: str, package: str) -> None:
    missing = next((each for each in ("fsspec", package) if each and find_spec(each) is None), None)
    if missing:
        name = "'vlmcli[remote]'" if missing in _OF_THE_EXTRA | {"fsspec"} else missing
        raise PictureUnreadable(
            f"{printable(url)} cannot be read without {missing}, which is not installed.", f"pip install {name}"
        )


def open_store(url: str) -> tuple[Any, str]:
    """The file system of `url`, and its path there. Raises PictureUnreadable as `check`, and what the store raises."""
    check(url)
    inner, _, outer = url.partition("::")
    if outer:
        store = _archive(str(scheme_of(inner)), outer)
        return store, inner.partition("://")[2].lstrip("/")
    from fsspec.core import url_to_fs

    store, path = url_to_fs(url)
    return store, path


@lru_cache(maxsize=4)
def _archive(scheme: str, outer: str) -> Any:
    """Kept open: its table of contents is read once."""
    from fsspec.core import url_to_fs

    return url_to_fs(f"{scheme}://::{outer}")[0]


def facts_of(url: str) -> Facts:
    """Raises PictureErrors: it is not there, or the store does not tell."""
    with explained(url):
        store, path = open_store(url)
        return facts_from(store.info(path))


def list_folder(url: str) -> list[Facts]:
    """What is right in this folder, in no order. Raises PictureErrors."""
    with explained(url):
        store, path = open_store(url)
        listed = [facts_from(each) for each in store.ls(path, detail=True)]
    return [each for each in listed if each.path.strip("/") != path.strip("/")]  # some list the folder itself


def matching(url: str) -> list[str]:
    """URLs of what matches a pattern, in no order. Raises PictureErrors."""
    inner, separator, outer = url.partition("::")
    with explained(url):
        store, path = open_store(url)
        found: list[str] = store.glob(path)
    start = inner[: len(inner) - len(path.lstrip("/"))] if inner.endswith(path.lstrip("/")) else f"{scheme_of(url)}://"
    return [f"{start}{name.lstrip('/')}{separator}{outer}" for name in found]


def read(url: str, most_bytes: int) -> bytes:
    """The bytes; one more than `most_bytes` of a larger file. Raises PictureErrors."""
    with explained(url):
        store, path = open_store(url)
        facts = facts_from(store.info(path))
        if facts.is_folder:
            raise PictureIsFolder(
                f"{printable(url)} is a folder, not a picture.", f"Take the pictures in it: -r {quoted(url)}", url
            )
        if facts.size_bytes is not None and facts.size_bytes <= most_bytes:
            data: bytes = store.cat_file(path)
            return data
        with store.open(path, "rb") as file:
            head: bytes = file.read(most_bytes + 1)
            return head


def facts_from(info: dict[str, Any]) -> Facts:
    """What the stores call by many names."""
    times = (info.get(key) for key in ("LastModified", "updated", "last_modified", "mtime", "created", "date_time"))
    lfs = info.get("lfs") or {}
    tags = (lfs.get("sha256"), *(info.get(key) for key in ("ETag", "etag", "md5Hash", "blob_id", "CRC")))
    size = info.get("size")
    return Facts(
        str(info["name"]),
        info.get("type") == "directory",
        int(size) if isinstance(size, int | float) else None,
        next((ns for ns in map(_nanoseconds, times) if ns is not None), None),
        next((str(tag).strip('"') for tag in tags if tag), ""),
    )


def _nanoseconds(time: Any) -> int | None:
    try:
        if isinstance(time, str):
            time = datetime.fromisoformat(time)
        elif isinstance(time, tuple):
            time = datetime(*time[:6]).replace(tzinfo=UTC)
        seconds = time.timestamp() if isinstance(time, datetime) else time
        return round(seconds * 10**6) * 1000
    except (TypeError, ValueError, OverflowError, OSError):
        return None


# --- what can go wrong --------------------------------------------------------------------------------------

_SIGN_IN = {
    "s3": "Sign in: aws configure, or export AWS_PROFILE=…",
    "gs": "Sign in: gcloud auth application-default login",
    "az": "export AZURE_STORAGE_ACCOUNT_NAME=… and its key",
    "hf": "Sign in: hf auth login",
}
_SIGN_IN |= {"s3a": _SIGN_IN["s3"], "gcs": _SIGN_IN["gs"], "abfs": _SIGN_IN["az"], "abfss": _SIGN_IN["az"]}
_NO_CREDENTIALS = re.compile("Credential|Unauthorized|TokenRetrieval|LocalTokenNotFound|ProfileNotFound")
_NO_BUCKET = re.compile("NoSuchBucket|bucket (does not exist|not found)", re.IGNORECASE)
_LONGEST_REASON = 160


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Whatever a store raises as a PictureError about `url`."""
    try:
        yield
    except PictureError:
        raise
    except Exception as error:  # of packages that we do not know
        raise _as_ours(url, error) from error


def _as_ours(url: str, error: Exception) -> PictureError:
    name, scheme = printable(url), scheme_of(url) or ""
    sign_in = _SIGN_IN.get(scheme, "Check the address, and that you may read there.")
    kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
    if _NO_CREDENTIALS.search(kinds):
        return PictureUnreadable(f"{name} cannot be read: there are no credentials for {scheme}:// here.", sign_in)
    if isinstance(error, FileNotFoundError) and _NO_BUCKET.search(str(error)):
        return PictureNotFound(f"{name} is not there: there is no such bucket.", "Check its name.")
    if isinstance(error, FileNotFoundError | NotADirectoryError | KeyError):
        return PictureNotFound(f"{name} is not there.", "Check the address, and that you may see it.")
    if isinstance(error, PermissionError):
        return PictureUnreadable(f"{name} may not be read: the store refuses.", sign_in)
    if isinstance(error, IsADirectoryError):
        return PictureIsFolder(f"{name} is a folder, not a picture.", f"Take the pictures in it: -r {quoted(url)}", url)
    if isinstance(error, ImportError):
        missing = (error.name or "a package").partition(".")[0]
        return PictureUnreadable(f"{name} cannot be read without {missing}.", f"pip install {quoted(missing)}")
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    reason = printable(said[:_LONGEST_REASON]).rstrip(".")
    return PictureUnreadable(f"{name} cannot be read: {reason}.", "Check the address and the connection.")
