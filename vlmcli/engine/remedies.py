"""What to say of a build of llama.cpp that fails, and the command that mends it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from vlmcli.engine.libraries import library_folder
from vlmcli.engine.modes import TypeVerdict
from vlmcli.machine.llama_package import FOR_THIS_PROCESSOR, NEWEST, WITH_CLANG

_CLANG = b"clang version"


def sentence_about(types: Sequence[TypeVerdict]) -> str:
    """One sentence about all that fails. `types`: those of which something is not as it should be."""
    names = _listed(verdict.type for verdict in types)
    if untried := next((verdict.untried for verdict in types if verdict.untried), ""):
        doubt = f"It could not be tried whether llama.cpp computes right with {names} weights ({untried})"
        return f"{doubt}: the safest and slowest way is taken."
    if any(verdict.mode is None for verdict in types):
        return f"This build of llama.cpp cannot compute with {names} weights on this processor: {_how(types)}."
    if any(verdict.failures for verdict in types):
        what = f"This build of llama.cpp fails with {names} weights at full speed on this processor ({_how(types)})"
        return f"{what}: a slower way is taken."
    return f"This build of llama.cpp fails with {names} weights on the GPU ({_how(types)}): the processor is used."


def way_out(types: Sequence[TypeVerdict]) -> str:
    """`At full speed: COMMAND`, or "" where no command helps."""
    if any(verdict.untried for verdict in types):
        return ""
    return f"To have it at full speed: {_command(types)}"


def _command(types: Sequence[TypeVerdict]) -> str:
    ways = {how for verdict in types for how in verdict.failures.values()}  # on the processor
    if "SIGILL" in ways:
        return FOR_THIS_PROCESSOR
    if not ways or sys.platform == "win32" or _is_made_by_clang():
        return NEWEST
    return WITH_CLANG


def ways_of_failing(types: Iterable[TypeVerdict]) -> set[str]:
    """`SIGSEGV`, `wrong answers`, …: of all modes and devices that were tried."""
    return {how for v in types for how in [*v.failures.values(), v.gpu_failure, v.untried] if how}


def _how(types: Sequence[TypeVerdict]) -> str:
    return _listed(ways_of_failing(types))


def _listed(names: Iterable[str]) -> str:
    first = sorted(names)
    return " and ".join([", ".join(first[:-1]), first[-1]] if len(first) > 1 else first)


def _is_made_by_clang() -> bool:
    """As a compiler signs its work in the library that computes."""
    try:
        for path in sorted(library_folder().iterdir()):
            if "ggml-cpu" in path.name and path.is_file():
                return _CLANG in path.read_bytes()
    except OSError:
        pass
    return False
