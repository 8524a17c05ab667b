"""Threads by what the system says of its processors: made-up machines, each a folder that stands for /."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmcli.machine.processors import count_threads, physical_cores


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return root


def cores(*siblings: str, **of_each: list[int]) -> dict[str, str]:
    """Files of /sys of a machine whose logical processors have these siblings. `of_each`: a number for each of them."""
    files = {}
    for number, together in enumerate(siblings):
        folder = f"sys/devices/system/cpu/cpu{number}"
        files[f"{folder}/topology/thread_siblings_list"] = together
        for name, values in of_each.items():
            files[f"{folder}/{name.replace('__', '/')}"] = str(values[number])
    return files


SMT_OFF = cores("0", "1", "2", "3")
SMT_ON = cores("0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7")
NEIGHBOURS = cores("0-1", "0-1", "2-3", "2-3")
# Core i5-1240P: 4 fast cores of two threads, 8 slow ones.
HYBRID = cores(*[f"{n // 2 * 2}-{n // 2 * 2 + 1}" for n in range(8)], *map(str, range(8, 16)))
HYBRID_LISTED = {**HYBRID, "sys/devices/cpu_core/cpus": "0-7", "sys/devices/cpu_atom/cpus": "8-15"}
HYBRID_BY_CLOCK = cores(
    *[f"{n // 2 * 2}-{n // 2 * 2 + 1}" for n in range(8)],
    *map(str, range(8, 16)),
    cpufreq__cpuinfo_max_freq=[4_400_000] * 8 + [3_300_000] * 8,
)
PICKED_CORES = cores("0", "1", "2", "3", cpufreq__cpuinfo_max_freq=[5_200_000, 5_200_000, 5_000_000, 4_900_000])
# A telephone's eight: one large, three middle, four small.
BIG_LITTLE = cores(*map(str, range(8)), cpu_capacity=[250] * 4 + [870] * 3 + [1024])


@pytest.mark.parametrize(
    ("machine", "logical", "threads"),
    [
        (SMT_OFF, 4, 4),
        (SMT_ON, 8, 4),
        (NEIGHBOURS, 4, 2),
        (HYBRID, 16, 12),
        (HYBRID_LISTED, 16, 4),
        (HYBRID_BY_CLOCK, 16, 4),
        (PICKED_CORES, 4, 4),
        (BIG_LITTLE, 8, 4),
        (cores("0", "1"), 2, 2),
        (cores("0-1", "0-1"), 2, 2),
        (cores("0"), 1, 1),
        ({}, 4, 4),
        ({}, 16, 8),
        ({}, 1, 1),
    ],
)
def test_one_thread_for_each_fast_core(tmp_path: Path, machine: dict[str, str], logical: int, threads: int) -> None:
    assert count_threads(write(tmp_path, machine), range(logical)) == threads


def test_only_what_this_process_may_use_counts(tmp_path: Path) -> None:
    root = write(tmp_path, HYBRID_LISTED)
    assert count_threads(root, {0, 1, 2, 3}) == 2
    assert count_threads(root, {0, 2, 4}) == 3
    assert count_threads(root, range(8, 16)) == 8, "slow cores are better than none"
    assert count_threads(root, {1}) == 1
    assert physical_cores(root, {1, 2, 3}) == [(1,), (2, 3)]


@pytest.mark.parametrize(
    ("files", "threads"),
    [
        ({"sys/fs/cgroup/cpu.max": "max 100000"}, 4),
        ({"sys/fs/cgroup/cpu.max": "150000 100000"}, 2),
        ({"sys/fs/cgroup/cpu.max": "100000 100000"}, 1),
        ({"sys/fs/cgroup/cpu.max": "20000 100000"}, 1),
        ({"sys/fs/cgroup/cpu.max": "900000 100000"}, 4),
        ({"sys/fs/cgroup/cpu.max": "nonsense"}, 4),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, 4),
        ({"proc/self/cgroup": "0::/a.slice/b", "sys/fs/cgroup/a.slice/cpu.max": "200000 100000"}, 2),
        (
            {
                "proc/self/cgroup": "5:cpu,cpuacct:/jobs/one\n1:name=systemd:/x",
                "sys/fs/cgroup/cpu,cpuacct/jobs/one/cpu.cfs_quota_us": "100000",
                "sys/fs/cgroup/cpu,cpuacct/jobs/one/cpu.cfs_period_us": "100000",
            },
            1,
        ),
        ({"proc/self/cgroup": "0::/../../elsewhere"}, 4),
    ],
)
def test_a_share_of_the_processors(tmp_path: Path, files: dict[str, str], threads: int) -> None:
    assert count_threads(write(tmp_path, {**SMT_OFF, **files}), range(4)) == threads


def test_this_machine() -> None:
    assert 1 <= count_threads() <= 1024
