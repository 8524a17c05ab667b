"""What every command does once it knows its jobs: open the model, answer, write, and tell how it went."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vlmcli.api import Vlm
from vlmcli.cli.interrupts import handed_to
from vlmcli.cli.options import Common
from vlmcli.core import ImageRef, JobDone, Record
from vlmcli.errors import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_PICTURE,
    EXIT_SOME_FAILED,
    ModelNotHere,
    PictureError,
    VlmError,
)
from vlmcli.output import OutputSettings, open_writer, show_name
from vlmcli.tasks import TaskOptions


@dataclass(frozen=True, slots=True)
class Plan:
    """One record to be, as a command wants it. `heading` is its title where several are printed."""

    pictures: tuple[ImageRef, ...]
    options: TaskOptions
    heading: str


def open_model(common: Common) -> Vlm:
    """The model that the options name, with what is to be said about it and about options without effect.

    One that is not here yet is offered to a person.
    """
    try:
        vlm = _open(common)
    except ModelNotHere as error:
        from vlmcli.cli.pulling import offer

        if not offer(error, common.quiet):
            raise
        vlm = _open(common)
    _warn(vlm, common)
    return vlm


def _open(common: Common) -> Vlm:
    return Vlm(
        common.model,
        mmproj=common.mmproj,
        family=common.family,
        chat_template=common.chat_template,
        threads=common.threads,
        parallel=common.parallel,
        verbose=common.verbose,
        cache=not common.no_cache,
    )


def answer(task: str, plans: Sequence[Plan], common: Common, markdown: bool = True) -> int:
    """Run the plans as jobs and write what comes. Returns the exit code."""
    vlm = open_model(common)
    settings = OutputSettings(
        format=common.format,
        template=common.template,
        path=common.output,
        jobs=len(plans),
        heading=lambda number: plans[number].heading,
        markdown=markdown and not common.no_markdown,
        stream=not common.no_stream,
        quiet=common.quiet,
        stats=common.stats,
    )
    records: list[Record] = []
    try:
        with open_writer(settings) as writer, handed_to(vlm.interrupt):
            for event in vlm.run(vlm.job(task, plan.pictures, plan.options) for plan in plans):
                if isinstance(event, JobDone):
                    if _never_begun(event.record):
                        continue
                    records.append(event.record)
                writer.emit(event)
    finally:
        leave(vlm.close)
    return exit_code(records)


def exit_code(records: Sequence[Record]) -> int:
    """0 when all were answered, 1 when some; when none was, the code of what went wrong, 3 for pictures."""
    errors = [record.error for record in records if record.error]
    if not errors:
        return EXIT_OK
    if len(errors) < len(records):
        return EXIT_SOME_FAILED
    if all(isinstance(error, PictureError) for error in errors):
        return EXIT_PICTURE
    first = next(error for error in errors if not isinstance(error, PictureError))
    return first.exit_code if isinstance(first, VlmError) else EXIT_SOME_FAILED


def _never_begun(record: Record) -> bool:
    """Ctrl-C came before its first word: there is nothing to keep and nothing to say."""
    return record.stop_reason == "interrupted" and not record.text


def _warn(vlm: Vlm, common: Common) -> None:
    if common.quiet:
        return
    for warning in vlm.warnings:
        print(f"vlm: {show_name(warning)}", file=sys.stderr)
    if common.without_effect:
        names = " and ".join(common.without_effect)
        print(f"vlm: {names}: no effect without --temperature above 0", file=sys.stderr)


def leave(close: Callable[[], bool]) -> None:
    """Free the model; when llama.cpp cannot be stopped (Ctrl-C on a GPU), end the process without waiting for it."""
    if close():
        return
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(EXIT_INTERRUPTED)
