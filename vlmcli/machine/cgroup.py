"""The share of a machine that a container, or a service, may use: Linux's control groups, versions 1 and 2.

A process is in a group, that in another one, and so on: each of them may set a limit. In a container only the
innermost ones can be seen, at the top of the file system of groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vlmcli.machine.system_files import number_in, read

_NO_LIMIT = 1 << 60
"""Version 1 says this much, or more, where there is no limit."""


@dataclass(frozen=True, slots=True)
class MemoryShare:
    """`limit_bytes`: of a group. `used_bytes`: of that, without files that are kept in memory and can be dropped."""

    limit_bytes: int
    used_bytes: int


def memory_shares(root: Path) -> Iterator[MemoryShare]:
    """Of each group that this process is in and that has a limit. `root`: where / is."""
    for folder in _folders(root, "memory"):
        limit = number_in(folder / "memory.max") or number_in(folder / "memory.limit_in_bytes")
        if 0 < limit < _NO_LIMIT:
            used = number_in(folder / "memory.current") or number_in(folder / "memory.usage_in_bytes")
            yield MemoryShare(limit, max(used - _droppable_bytes(folder / "memory.stat"), 0))


def processor_share(root: Path) -> float | None:
    """How many processors' time this process may use: 1.5 of four, say. None: there is no limit."""
    shares = [share for folder in _folders(root, "cpu") if (share := _quota(folder)) is not None]
    return min(shares, default=None)


def _quota(folder: Path) -> float | None:
    said = read(folder / "cpu.max").split()  # "150000 100000", or "max 100000"
    quota, period = (said[0], said[1]) if len(said) == 2 else ("", "")
    if not quota:
        quota, period = read(folder / "cpu.cfs_quota_us"), read(folder / "cpu.cfs_period_us")
    if not quota.isdecimal() or not period.isdecimal() or not int(quota) or not int(period):
        return None  # version 1 says -1 where there is no limit
    return int(quota) / int(period)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Of the group that this process is in, and of those round it. Version 1 has a tree for each controller."""
    top = root / "sys/fs/cgroup"
    for line in read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers or controller in controllers.split(","):
            yield from _upwards(top / controllers if controllers else top, path)
    yield from (top, top / controller)  # a container names its group as the machine round it does


def _upwards(top: Path, path: str) -> Iterator[Path]:
    inner = PurePosixPath(path)
    if ".." in inner.parts:
        return
    for group in (inner, *inner.parents):
        yield top / str(group).lstrip("/")


def _droppable_bytes(stat: Path) -> int:
    """Of memory.stat: what was read from files and is only kept in case. Mapped weights count there too."""
    said = dict(line.split(" ", 1) for line in read(stat).splitlines() if " " in line)
    names = ("total_inactive_file", "total_active_file") if "total_inactive_file" in said else _OF_VERSION_2
    return sum(int(said[name]) for name in names if said.get(name, "").isdecimal())


_OF_VERSION_2 = ("inactive_file", "active_file")
