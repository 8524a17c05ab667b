"""What tells one model on one build of llama.cpp from another, for the keys of the cache."""

from __future__ import annotations

from dataclasses import dataclass

from vlmcli.cache import digest_of, fingerprint
from vlmcli.core import ModelFiles
from vlmcli.engine.identity import rows_identity
from vlmcli.engine.llama.bindings import llama, system_info
from vlmcli.engine.modes import Mode
from vlmcli.engine.placement import ALL_ON_PROCESSOR, OffloadPlan


@dataclass(frozen=True, slots=True)
class Identity:
    """`rows`: of the projector, its settings and the build; `decoder`: of the decoder and the build.

    `label`: the model's name.
    """

    rows: str
    decoder: str
    label: str


def identify(files: ModelFiles, mode: Mode, plan: OffloadPlan = ALL_ON_PROCESSOR) -> Identity:
    """Numbers differ in their last bits between builds, devices and ways of storing weights: so do the keys."""
    build = digest_of(llama.llama_version(), system_info())
    where = [f"{count} on {name}" for name, count in zip(plan.devices, plan.counts, strict=True) if count]
    return Identity(
        digest_of(build, rows_identity(files), plan.projector),
        digest_of(build, fingerprint(files.decoder), mode, *where),
        files.name,
    )
