"""Runs checks side by side and hands out what they find in their order; none can stop or delay the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from queue import Empty, SimpleQueue

from vlmcli.doctor.findings import Check, Finding, Found
from vlmcli.doctor.patient import Patient
from vlmcli.errors import VlmError

_POLL_S = 0.2
"""A wait without end cannot be interrupted on Windows."""

_REPORT_IT = "Please report it, with what this prints: vlm doctor --json"
_TRY_AGAIN = "Perhaps a disk or a network does not answer: try again"

_Outbox = SimpleQueue[Finding | None]
"""None: the check is done."""


def examine(checks: Sequence[Check], patient: Patient) -> Iterator[Found]:
    """Findings of all checks. Closing it early, or Ctrl-C, ends the child processes."""
    outboxes: list[tuple[Check, _Outbox]] = [(check, SimpleQueue()) for check in checks]
    try:
        for check, outbox in outboxes:
            threading.Thread(target=_run, args=(check, patient, outbox), name=check.name, daemon=True).start()
        for check, outbox in outboxes:
            for finding in _hear(check, patient, outbox):
                yield Found(check.name, finding)
    finally:
        patient.close()


def _run(check: Check, patient: Patient, outbox: _Outbox) -> None:
    """A check's thread. What it raises becomes a finding: an error of ours with its hint, any other as what it is."""
    try:
        for finding in check.run(patient):
            outbox.put(finding)
    except VlmError as error:
        outbox.put(Finding("problem", _title(check), error.sentence, error.hint))
    except Exception as error:
        said = (str(error).splitlines() or [""])[0]
        detail = f"this check itself failed: {type(error).__name__}{f': {said}' if said else ''}"
        outbox.put(Finding("problem", _title(check), detail, _REPORT_IT))
    finally:
        outbox.put(None)


def _hear(check: Check, patient: Patient, outbox: _Outbox) -> Iterator[Finding]:
    """What a check says, until it is done or its time is over. What has come by then is handed out in any case."""
    while True:
        try:
            finding = outbox.get(timeout=min(patient.left_s(), _POLL_S) if check.hurried else _POLL_S)
        except Empty:
            if check.hurried and patient.left_s() <= 0:
                detail = f"this check did not end within {patient.limit_s:.0f} s"
                yield Finding("problem", _title(check), detail, _TRY_AGAIN)
                return
            continue
        if finding is None:
            return
        yield finding


def _title(check: Check) -> str:
    return check.name.replace("_", " ")
