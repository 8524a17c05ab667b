"""The quickest way of computing that this build of llama.cpp was proven to do right on this machine.

Some builds die in the kernels that they choose (GCC 12's with AMX, one made for another processor), or compute
nonsense. So at the first use of a quantized model the model in the box is quantized likewise and looks at pictures
whose answer is known, in a child process. What was found is kept for the build, the processor and the driver.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vlmcli.engine import EngineSettings
from vlmcli.engine.modes import Mode, TypeVerdict, Verdict
from vlmcli.errors import EngineError

if TYPE_CHECKING:  # late: a model that needs no trial does not wait for what they import
    from vlmcli.engine.verdicts import Build

_NOT_QUANTIZED = frozenset({"F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64"})
_STAND_INS = {
    **dict.fromkeys(("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS"), "IQ3_S"),
    **dict.fromkeys(("Q1_0", "Q2_0", "TQ1_0", "TQ2_0"), "Q4_0"),
    "NVFP4": "MXFP4",
}
"""Types that llama.cpp does not quantize without more than a model, or that leave nothing of so small a one: a type of
their kind is tried in their place."""
_TRIABLE = frozenset("Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS IQ3_S MXFP4".split())

_unkept: dict[tuple[str, str], TypeVerdict] = {}
"""By build and type: what this process need not try again, and the next one shall."""


def _never() -> bool:
    return False


def check_build(weight_types: frozenset[str], settings: EngineSettings, stop: Callable[[], bool] = _never) -> Verdict:
    """How to run a model of these weights (names as ggml's: Q4_K). Tried once for a build: then some milliseconds.

    A mode that `settings` names is not doubted. Raises EngineError when no way of computing is right, and
    KeyboardInterrupt when `stop()` becomes true during a trial, of which then nothing is kept.
    """
    if settings.mode is not None:
        return Verdict(settings.mode)
    types = types_to_try(weight_types)
    if not types:
        return Verdict()
    from vlmcli.engine.libraries import libraries
    from vlmcli.engine.verdicts import identify_build

    try:
        build = identify_build(libraries(), with_gpu=settings.offload.may_use_gpu)
    except OSError:
        return Verdict()  # there is no llama.cpp: who opens it says so
    found = {type: build.load(type) or _unkept.get((build.key, type)) for type in types}
    if new := [type for type, verdict in found.items() if verdict is None]:
        folder = os.fspath(settings.store.models) if settings.store else ""
        found |= _try(build, new, folder, stop)
    return _verdict(build, [verdict for verdict in found.values() if verdict])


def types_to_try(weight_types: frozenset[str]) -> tuple[str, ...]:
    """The quantized ones, each by the type that is tried in its place where it cannot be itself.

    One that is newer than this table is left to llama.cpp.
    """
    quantized = {_STAND_INS.get(type, type) for type in weight_types - _NOT_QUANTIZED}
    return tuple(sorted(quantized & _TRIABLE))


def tell_once(verdict: Verdict, to_person: bool) -> str:
    """What is to be said of the build, the first time that it is asked for; "" later, and when all is on.

    `to_person`: somebody reads it now. What went into a log before was not read by a person.
    """
    if not verdict.sentence:
        return ""
    from vlmcli.engine.remedies import ways_of_failing
    from vlmcli.engine.verdicts import Build

    build = Build(verdict.build)
    what = "\n".join([str(to_person), verdict.mode, str(verdict.gpu), *sorted(ways_of_failing(verdict.types))])
    if build.was_told(what):  # whichever types it was about: of other models the same would be said again
        return ""
    build.note_told(what)
    return f"{verdict.sentence} {verdict.remedy}".strip()


# --- trials -------------------------------------------------------------------------------------------------


def _try(build: Build, types: Sequence[str], folder: str, stop: Callable[[], bool]) -> dict[str, TypeVerdict]:
    """Try the types, and keep what was found; the models that it takes are kept in `folder`, if it is one."""
    from vlmcli.engine.trial import Untried

    try:
        found = _find_modes(types, build.with_gpu, folder, stop)
    except Untried as reason:
        found = {type: TypeVerdict(type, Mode.PLAIN, untried=str(reason)) for type in types}
    for type, verdict in found.items():
        if verdict.mode is None or verdict.untried:
            _unkept[build.key, type] = verdict
        else:
            build.keep(verdict)
    return found


def _find_modes(types: Sequence[str], gpu: bool, folder: str, stop: Callable[[], bool]) -> dict[str, TypeVerdict]:
    """From the quickest mode on, each type until one is right; and those then on the GPU."""
    from vlmcli.engine.trial import Order, try_types

    failures: dict[str, dict[Mode, str]] = {type: {} for type in types}
    modes: dict[str, Mode] = {}
    for mode in Mode:
        rest = [type for type in types if type not in modes]
        for type, failure in try_types(Order(mode, False, folder), rest, stop).items():
            if failure:
                failures[type][mode] = failure
            else:
                modes[type] = mode
    right = list(modes)
    on_gpu = try_types(Order(Mode.FULL, True, folder), right, stop) if gpu else {}
    return {type: TypeVerdict(type, modes.get(type), failures[type], on_gpu.get(type, "")) for type in types}


def _verdict(build: Build, types: Sequence[TypeVerdict]) -> Verdict:
    """The mildest mode that does for all types. Raises EngineError when there is none for one of them."""
    from vlmcli.engine.remedies import sentence_about, way_out

    for verdict in types:
        if verdict.mode is None:
            raise EngineError(sentence_about([verdict]), way_out([verdict]))
    mode = max((verdict.mode for verdict in types if verdict.mode), key=list(Mode).index)
    gpu = not any(verdict.gpu_failure for verdict in types)
    doubted = [verdict for verdict in types if verdict.failures or verdict.gpu_failure or verdict.untried]
    sentence, remedy = (sentence_about(doubted), way_out(doubted)) if doubted else ("", "")
    return Verdict(mode, gpu, tuple(types), build.key, sentence, remedy)
