"""Models at the Hugging Face Hub: what is there, what of it is here, and bringing it.

Where files lie (`layout`) is looked up for every question about a picture, so what only a pull needs is imported when
it is first asked for (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vlmcli.late import import_late
from vlmcli.models.hub.layout import cache_dir, cached_repositories, find_snapshot, is_offline, repo_folder

if TYPE_CHECKING:
    from vlmcli.models.hub.events import Begun, Checking, Progress, Pulled, PullEvent, Retrying, Waiting
    from vlmcli.models.hub.listing import list_repository, read_start
    from vlmcli.models.hub.pulling import pull
    from vlmcli.models.hub.removing import Leftover, delete_files, drop_partials, partials
    from vlmcli.models.hub.space import DiskFull

__all__ = [
    "Begun",
    "Checking",
    "DiskFull",
    "Leftover",
    "Progress",
    "PullEvent",
    "Pulled",
    "Retrying",
    "Waiting",
    "cache_dir",
    "cached_repositories",
    "delete_files",
    "drop_partials",
    "find_snapshot",
    "is_offline",
    "list_repository",
    "partials",
    "pull",
    "read_start",
    "repo_folder",
]

_LATE = {
    **dict.fromkeys(("Begun", "Checking", "Progress", "PullEvent", "Pulled", "Retrying", "Waiting"), "events"),
    "list_repository": "listing",
    "read_start": "listing",
    "pull": "pulling",
    "Leftover": "removing",
    "delete_files": "removing",
    "drop_partials": "removing",
    "partials": "removing",
    "DiskFull": "space",
}


def __getattr__(name: str) -> Any:
    return import_late(__name__, _LATE, name)
