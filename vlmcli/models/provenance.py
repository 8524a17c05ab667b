"""Where a file on disk came from, as far as its place in the Hub's cache tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from vlmcli.models.hub.layout import blob_of

_SNAPSHOT = re.compile(r"models--(?P<repo>[^/]+)/snapshots/(?P<commit>[0-9a-f]{40})/")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Origin:
    """`sha256`: of the content, which the cache has in the blob's name; "" where it does not say."""

    repo_id: str
    commit: str
    sha256: str


def origin_of(path: Path) -> Origin | None:
    """None for a file that is not in a cache of Hugging Face."""
    found = _SNAPSHOT.search(path.absolute().as_posix())
    if found is None:
        return None
    blob = blob_of(path).name
    return Origin(found["repo"].replace("--", "/"), found["commit"], blob if _SHA256.match(blob) else "")


def are_of_one_pull(decoder: Path, projector: Path) -> bool:
    """Whether both lie in the same snapshot of one repository: then they belong together."""
    one, other = origin_of(decoder), origin_of(projector)
    return one is not None and other is not None and (one.repo_id, one.commit) == (other.repo_id, other.commit)
