"""Every output that is not a ledger itself is made from the hidden ledger beside it, whole, and moved into place."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

from vlmcli.batch.ledger import Key, Ledger
from vlmcli.core import JobDone, Record
from vlmcli.output import OutputSettings, open_writer


def render(ledger: Ledger, settings: OutputSettings, order: Callable[[Key], int]) -> None:
    """Write all of the ledger's records to `settings.path`, or to stdout, in this order. Raises OutputError.

    Where they answer several questions, asked at once or one after the other, each heading says which.
    """
    keys = sorted(ledger.entries, key=order)
    if not keys:
        return
    with_questions = len({question for _, question in keys}) > 1
    heading = ""
    jobs = len(keys) if settings.path is None else None
    settings = replace(settings, jobs=jobs, heading=lambda number: heading, all_or_none=True)
    settings = replace(settings, quiet=True, stats=False, stream=False)
    # What is wrong with single pictures was said when it happened.
    with open_writer(settings, stderr=io.StringIO()) as writer:
        for number, record in enumerate(ledger.records(keys)):
            heading = _heading(record, with_questions)
            writer.emit(JobDone(number, record))


def _heading(record: Record, with_question: bool) -> str:
    return f"{record.name}: {record.question}" if with_question else record.name
