"""Memory of a machine, and of a container in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.test_machine_processors import write
from vlmcli.machine import free_memory_bytes, total_memory_bytes

MEMINFO = {"proc/meminfo": "MemTotal:       8388608 kB\nMemFree: 1 kB\nMemAvailable:   4194304 kB"}
GIB = 1 << 30


def test_what_can_be_had_without_swapping(tmp_path: Path) -> None:
    assert free_memory_bytes(write(tmp_path, MEMINFO)) == 4 * GIB
    assert free_memory_bytes(tmp_path / "no such system") == 0


@pytest.mark.parametrize(
    "group",
    [
        {
            "sys/fs/cgroup/memory.max": str(2 * GIB),
            "sys/fs/cgroup/memory.current": str(GIB),
            "sys/fs/cgroup/memory.stat": f"anon 7\ninactive_file {GIB // 4}\nactive_file {GIB // 4}",
        },
        {
            "sys/fs/cgroup/memory/memory.limit_in_bytes": str(2 * GIB),
            "sys/fs/cgroup/memory/memory.usage_in_bytes": str(GIB),
            "sys/fs/cgroup/memory/memory.stat": (
                f"inactive_file 1\ntotal_inactive_file {GIB // 4}\ntotal_active_file {GIB // 4}"
            ),
        },
        {
            "proc/self/cgroup": "0::/user.slice/run-1.scope",
            "sys/fs/cgroup/user.slice/memory.max": str(2 * GIB),
            "sys/fs/cgroup/user.slice/memory.current": str(GIB),
            "sys/fs/cgroup/user.slice/memory.stat": f"inactive_file {GIB // 2}",
            "sys/fs/cgroup/user.slice/run-1.scope/memory.max": "max",
        },
    ],
)
def test_in_a_container(tmp_path: Path, group: dict[str, str]) -> None:
    """Files that are kept in memory count as free there too: mapped weights are among them."""
    root = write(tmp_path, {**MEMINFO, **group})
    assert free_memory_bytes(root) == 3 * GIB // 2
    assert total_memory_bytes(root) == 2 * GIB


def test_no_limit_is_none(tmp_path: Path) -> None:
    limits = {
        "sys/fs/cgroup/memory.max": "max",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
    }
    root = write(tmp_path, {**MEMINFO, **limits})
    assert free_memory_bytes(root) == 4 * GIB
    assert total_memory_bytes(root) == total_memory_bytes()


def test_a_container_that_is_full_has_nothing_left(tmp_path: Path) -> None:
    group = {"sys/fs/cgroup/memory.max": str(GIB), "sys/fs/cgroup/memory.current": str(GIB + 1)}
    assert free_memory_bytes(write(tmp_path, {**MEMINFO, **group})) == 0


def test_this_machine() -> None:
    assert 0 < free_memory_bytes() <= total_memory_bytes()
