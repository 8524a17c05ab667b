"""Processes that share the store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cache.conftest import key
from tests.conftest import PATIENCE_S, ROOT
from vlmcli.cache import Store

_SCRIPT = """
import random, sys, time
from pathlib import Path
from vlmcli.cache import Store, digest_of
role, root = sys.argv[1:]
store = Store(Path(root), {"rows": 400_000})
dice, hits, end = random.Random(role), 0, time.monotonic() + 0.8
while time.monotonic() < end:
    number = dice.randrange(12)
    data = bytes([number]) * (1000 + 7000 * number)
    if role == "clear":
        store.clear(older_than_s=dice.choice([None, 0.01]))
        store.usage()
        time.sleep(0.02)
    elif dice.random() < 0.4:
        store.put("rows", digest_of("test", number), data, label="demo")
    else:
        found = store.get("rows", digest_of("test", number))
        assert found in (None, data), (number, found and len(found))
        hits += found is not None
print(hits)
"""


def test_two_put_and_get_while_a_third_clears(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, role, str(tmp_path / "cache")],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for role in ("one", "two", "clear")
    ]
    results = [process.communicate(timeout=PATIENCE_S) for process in processes]
    assert [(process.returncode, error) for process, (_out, error) in zip(processes, results, strict=True)] == [
        (0, "")
    ] * 3
    assert all(int(out) > 10 for out, _error in results[:2]), "they found next to nothing of each other"
    store = Store(tmp_path / "cache", {"rows": 400_000})
    assert sum(usage.size_bytes for usage in store.usage()) <= 2 * 400_000
    assert list((tmp_path / "cache").glob("rows/*/.*")) == []


def test_what_one_process_put_another_gets(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from vlmcli.cache import Store, digest_of
Store(Path(sys.argv[1]), {"rows": 10**6}).put("rows", digest_of("test", "a"), b"from another process")
"""
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )
    assert Store(tmp_path, {"rows": 10**6}).get("rows", key("a")) == b"from another process"
