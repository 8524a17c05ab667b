"""What every command does once it knows its jobs: open the model, answer, write, and tell how it went."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from vlmcli.api import Vlm
from vlmcli.batch.ahead import as_they_come
from vlmcli.cli.exit_code import ExitCode
from vlmcli.cli.forms import Shape
from vlmcli.cli.gpu_hint import say_unused_gpu
from vlmcli.cli.interrupts import handed_to
from vlmcli.cli.ledgers import spare_ledgers
from vlmcli.cli.options import Common
from vlmcli.config import LOCAL
from vlmcli.core import ImageRef, JobDone, Record
from vlmcli.errors import EXIT_INTERRUPTED, ModelNotHere
from vlmcli.output import OutputSettings, check_format, open_writer, show_name
from vlmcli.output.streams import is_terminal, say
from vlmcli.tasks import TaskOptions

if TYPE_CHECKING:
    from vlmcli.images.wishes import Wish


INSPECTING = "inspect"
"""A command that opens a model without computing with it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One record to be, as a command wants it. `heading` is its title where several are printed."""

    pictures: tuple[ImageRef, ...]
    options: TaskOptions
    heading: str


def open_model(common: Common, task: str = "") -> Vlm:
    """The model that the options name, with what is to be said about it and about options without effect.

    One that is not here yet is offered to a person.
    """
    open_it = partial(opener(common), say=lambda what: None if common.quiet else say(f"vlm: {show_name(what)}"))
    try:
        vlm = open_it()
    except ModelNotHere as error:
        from vlmcli.cli.pulling import offer

        if not offer(error, common.quiet):
            raise
        vlm = open_it()
    _warn(vlm, common, task)
    return vlm


def opener(common: Common) -> partial[Vlm]:
    """How to open that model, here or in another process."""
    return partial(
        Vlm,
        common.model,
        engine=common.engine,
        mmproj=common.mmproj,
        family=common.family,
        chat_template=common.chat_template,
        threads=common.threads,
        threads_batch=common.threads_batch,
        gpu=common.gpu,
        device=common.device,
        main_gpu=common.main_gpu,
        tensor_split=common.tensor_split,
        projector_gpu=common.projector_gpu,
        kv_type=common.kv_type,
        check_memory=not common.no_memory_check,
        parallel=common.parallel,
        verbose=common.verbose,
        cache=not common.no_cache,
    )


NO_SHAPE = Shape()


def output_settings(
    common: Common, markdown: bool = True, wish: Wish | None = None, shape: Shape = NO_SHAPE
) -> OutputSettings:
    """What the options say about output. `wish`: how pictures are read, for thumbnails."""

    def thumbnail(name: str) -> bytes | None:
        from vlmcli.images.thumbnail import find_thumbnail  # only a page asks for them
        from vlmcli.images.wishes import NONE

        return find_thumbnail(name, wish or NONE)

    return OutputSettings(
        format=common.format,
        template=common.template,
        path=common.output,
        markdown=markdown and not (common.no_markdown or shape.plain),
        stream=not common.no_stream,
        quiet=common.quiet,
        stats=common.stats,
        thinking=common.think,
        thumbnail=thumbnail,
        probs=shape.probs,
        columns=shape.columns,
        explain=common.explain,
    )


def answer(
    task: str,
    plans: Iterable[Plan],
    common: Common,
    markdown: bool = True,
    wish: Wish | None = None,
    shape: Shape = NO_SHAPE,
) -> int:
    """Run the plans as jobs, as they come, and write what is answered. Returns the exit code."""
    settings = output_settings(common, markdown, wish, shape)
    check_format(settings, task)
    spare_ledgers(common.output)
    vlm = open_model(common, task)
    headings = _Headings(plans)
    settings = replace(settings, jobs=headings.jobs, heading=headings.of)
    tally = ExitCode()
    try:
        with open_writer(settings) as writer, handed_to(vlm.interrupt):
            jobs = (vlm.job(task, plan.pictures, plan.options) for plan in headings)
            unknown = headings.jobs is None  # how many there are: more are found while the first are answered
            for event in vlm.run(as_they_come(jobs) if unknown else jobs, many=unknown or None):
                if isinstance(event, JobDone):
                    if _never_begun(event.record):
                        continue
                    tally.count(event.record)
                writer.emit(event)
                if isinstance(event, JobDone):
                    headings.forget(event.job)
    finally:
        leave(vlm.close)
    return tally.code


class _Headings:
    """The plans as they go by, and the titles of those that are in work."""

    def __init__(self, plans: Iterable[Plan]) -> None:
        known = len(plans) if isinstance(plans, Sequence) else None
        first = list(islice(iter(plans), 2)) if known is None else []
        self._plans: Iterator[Plan] = iter(plans) if known is not None else chain(first, plans)
        self.jobs = known if known is not None else 1 if len(first) == 1 else None
        self._titles: dict[int, str] = {}
        self._done: list[int] = []

    def __iter__(self) -> Iterator[Plan]:
        for number, plan in enumerate(self._plans):
            self._titles[number] = plan.heading
            yield plan

    def of(self, number: int) -> str:
        return self._titles[number]

    def forget(self, number: int) -> None:
        """What was shown needs no title; in order, an answer may wait for a few before it."""
        self._done.append(number)
        if len(self._done) > _TITLES_KEPT:
            self._titles.pop(self._done.pop(0), None)


_TITLES_KEPT = 1000


def _never_begun(record: Record) -> bool:
    """Ctrl-C came before its first word: there is nothing to keep and nothing to say."""
    return record.stop_reason == "interrupted" and not record.text


def _warn(vlm: Vlm, common: Common, task: str) -> None:
    if common.quiet:
        return
    if task != INSPECTING and common.gpu is None and common.device is None and common.engine in (None, LOCAL):
        say_unused_gpu()
    of_build = "" if task == INSPECTING else vlm.prove_build(is_terminal(sys.stderr))
    for warning in (*vlm.warnings, *filter(None, [of_build])):
        say(f"vlm: {show_name(warning)}")
    if common.explain and not is_terminal(sys.stdout):
        say("vlm: --explain: no effect but on a terminal (JSON has the confidence)")
    if common.without_effect:
        names = " and ".join(common.without_effect)
        say(f"vlm: {names}: no effect without --temperature above 0")
    if vlm.opened_with is None and common.of_this_machine:
        say(f"vlm: {', '.join(common.of_this_machine)}: no effect with a server, which has its own")
    vain = set(vlm.in_vain(task, common.task_options()))
    if "think" in vain:
        say(f"vlm: --think: no effect with {task}, for {show_name(vlm.model)} does not think by itself")
    if "detail" in vain:
        say(f"vlm: --detail {common.detail}: no effect with {show_name(vlm.model)}, which looks in one way only")


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
