"""`vlm doctor`: what this machine, this installation and its models are like, and what to type where that is not well.

Every check is a plain function in the table CHECKS, a file for each group of them. All run side by side, each on a
thread of its own; whatever loads llama.cpp does so in a child process. So a check that crashes or hangs costs a line.
"""

from __future__ import annotations

from collections.abc import Iterator

from vlmcli.doctor import box, build, caches, installed, network, programs, settings, trials
from vlmcli.doctor.examining import examine
from vlmcli.doctor.findings import Check, Finding, Found, Level
from vlmcli.doctor.patient import Patient
from vlmcli.doctor.privacy import without_private

__all__ = ["CHECKS", "CHECKSUMS", "Check", "Finding", "Found", "Level", "find_all", "without_private"]

CHECKS: tuple[Check, ...] = (
    Check("vlm", programs.vlm_itself),
    Check("pictures", programs.pictures),
    Check("hub_library", programs.hub_library),
    Check("llama_cpp", build.loads),
    Check("processor", build.processor),
    Check("devices", build.devices),
    Check("settings", settings.settings),
    Check("server", settings.server),
    Check("cache", caches.cache),
    Check("model_folder", caches.model_folder),
    Check("models", installed.models),
    Check("hub", network.hub),
    Check("box", box.answers),
    Check("trials", trials.trials),
)
CHECKSUMS = Check("checksums", installed.checksums, hurried=False)
"""Reads every byte of every model: only on request."""


def find_all(checksums: bool = False) -> Iterator[Found]:
    """All findings in the order of CHECKS, each as soon as it is there: in ten seconds, without the checksums."""
    yield from examine((*CHECKS, CHECKSUMS) if checksums else CHECKS, Patient())
