"""A Ctrl-C that Python would drop in a destructor is heard all the same."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LOSES_ONE = """
import os, signal, sys, time
from vlmcli.cli.interrupts import never_lost

class Trap:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(10**6):
            pass

with never_lost():
    try:
        Trap()
        {waiting}
        print("lost")
    except KeyboardInterrupt:
        print("heard")
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("waiting", ["time.sleep(20)", "__import__('queue').SimpleQueue().get(timeout=20)"])
def test_interrupt_in_a_destructor_is_heard(waiting: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", LOSES_ONE.replace("{waiting}", waiting)], capture_output=True, text=True, timeout=60
    )
    assert (found.stdout.strip(), found.stderr) == ("heard", "")


def test_other_ignored_exceptions_are_told_as_usual() -> None:
    code = "from vlmcli.cli.interrupts import never_lost\nclass T:\n def __del__(self): 1 / 0\nwith never_lost(): T()"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "ZeroDivisionError" in found.stderr
