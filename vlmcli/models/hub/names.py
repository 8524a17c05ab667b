"""Names from the network, or from a user, before they become paths: what is not plainly harmless is refused."""

from __future__ import annotations

import re

from vlmcli.errors import ModelDamaged
from vlmcli.models.repository import RepoFile, Repository

# `\Z`, not `$`, which lets a newline pass.
_REPO_ID = re.compile(r"(?:[A-Za-z0-9](?:[\w.-]*\w)?/)?[A-Za-z0-9](?:[\w.-]*\w)?\Z", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_ETAG = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')
"""A backslash parts folders on Windows, a colon names a drive or a stream; no file system has all of these."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|\Z)", re.IGNORECASE)
"""Devices of Windows, whatever follows the first dot."""
_LONGEST_NAME_BYTES = 255


def is_repo_id(text: str) -> bool:
    """`OWNER/NAME`, or the bare name that a few old repositories have. By the Hub's own rules."""
    return bool(_REPO_ID.match(text)) and len(text) <= 96 and "--" not in text and ".." not in text


def is_commit(text: str) -> bool:
    return bool(_COMMIT.match(text))


def is_etag(text: str) -> bool:
    """A SHA-256 or a SHA-1: nothing else names a blob of ours."""
    return bool(_ETAG.match(text))


def is_revision(text: str) -> bool:
    """A branch, a tag (`refs/pr/1` too) or a commit: it becomes a path below `refs`."""
    return is_inside(text)


def is_inside(path: str) -> bool:
    """Whether a path, joined to a folder, is a file in it, on every system."""
    return all(
        part not in ("", ".", "..")
        and not part.endswith((".", " "))
        and not _FORBIDDEN.search(part)
        and not _RESERVED.match(part)
        and len(part.encode(errors="replace")) <= _LONGEST_NAME_BYTES
        for part in path.split("/")
    )


def check_names(repository: Repository, files: tuple[RepoFile, ...]) -> None:
    """Raises ModelDamaged unless all that becomes a path is harmless, and all that is pulled can be checked."""
    if not is_repo_id(repository.id) or not is_commit(repository.commit) or not is_revision(repository.revision):
        raise ModelDamaged(
            f"The Hub's answer for {repository.id!r} names a commit or a revision that cannot be one.", _ELSEWHERE
        )
    for file in files:
        if not is_inside(file.path):
            raise ModelDamaged(f"{repository.id} has a file named {file.path!r}, which is not pulled.", _ELSEWHERE)
        if not is_etag(file.etag) or file.size_bytes < 0:
            raise ModelDamaged(
                f"The Hub gives no checksum for {file.path} of {repository.id}, so it is not pulled.", _ELSEWHERE
            )


_ELSEWHERE = "Check HF_ENDPOINT, if it is set, or name another repository."
