"""Whether this build of llama.cpp computes right with quantized weights, which most models have."""

from __future__ import annotations

from collections.abc import Iterator

from vlmcli.doctor.findings import Finding
from vlmcli.doctor.patient import ChildFailed, Patient
from vlmcli.errors import VlmError

_USUAL = frozenset({"Q4_K", "Q6_K"})
"""Of Q4_K_M, as `vlm pull` fetches it where nobody says otherwise."""
_ENOUGH_S = 1.0
"""A trial that is not over so long before the end is given up."""


def trials(patient: Patient) -> Iterator[Finding]:
    """In child processes the first time, some seconds; from then on it is known."""
    from vlmcli.config import load_settings
    from vlmcli.engine import EngineSettings
    from vlmcli.engine.modes import Mode
    from vlmcli.engine.safety import check_build

    what = "quantized weights"
    try:
        patient.build()
    except ChildFailed:
        return  # said by the check of llama.cpp
    forced = load_settings().extra_buffers
    try:
        settings = EngineSettings(mode=Mode(forced) if forced else None)
        verdict = check_build(_USUAL | _types_here(), settings, lambda: patient.left_s() < _ENOUGH_S)
    except KeyboardInterrupt:
        yield Finding("warning", what, "there was no time to try them on this build of llama.cpp", "vlm doctor, again")
        return
    if verdict.sentence:
        yield Finding("warning", what, verdict.sentence, verdict.remedy)
    elif forced:
        yield Finding("ok", what, f"not tried: VLM_EXTRA_BUFFERS says how ({forced})")
    else:
        yield Finding("ok", what, f"computed right, at full speed ({', '.join(t.type for t in verdict.types)})")


def _types_here() -> frozenset[str]:
    """Of all models that are here; damaged ones are told of elsewhere."""
    from vlmcli.gguf import read_header, read_parts
    from vlmcli.models.installed import list_installed

    found: set[str] = set()
    for model in list_installed():
        try:
            for part in read_parts(read_header(model.weights[0])):
                found |= part.weight_types
        except VlmError:
            continue
    return frozenset(found)
