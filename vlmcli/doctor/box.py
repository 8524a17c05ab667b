"""The last proof: the model in the box answers what is known about its pictures, on each device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vlmcli.doctor.findings import Finding
from vlmcli.doctor.patient import ChildFailed, Patient
from vlmcli.machine.llama_package import REINSTALL


def answers(patient: Patient) -> Iterator[Finding]:
    """A finding for each device. What llama.cpp cannot even begin is said by the check of llama.cpp."""
    try:
        devices = patient.build()["devices"]
    except ChildFailed:
        return
    for device in devices:
        name, is_gpu = device["name"], device["is_gpu"]
        what = f"model in the box on {name}"
        fix = "Until that is mended, leave it out: --gpu off" if is_gpu else REINSTALL
        try:
            report = patient.ask("box", name)
        except ChildFailed as failure:
            yield Finding("problem", what, failure.sentence, failure.hint or fix)
            continue
        yield _of_report(what, report, fix)


def _of_report(what: str, report: dict[str, Any], fix: str) -> Finding:
    right, wrong = report["asked"] - len(report["wrong"]), report["wrong"]
    if wrong:
        return Finding("problem", what, f"{len(wrong)} of {report['asked']} answers are wrong: {'; '.join(wrong)}", fix)
    speeds = f"{report['tokens_per_second']:,.0f} tokens/s, a picture encoded in {report['encode_ms']:.0f} ms"
    return Finding("ok", what, f"{right} of {report['asked']} answers right, {speeds}")
