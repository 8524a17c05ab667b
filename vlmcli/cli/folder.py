"""Many pictures into a file: a job that goes on where it was, whatever ended it before."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from vlmcli.batch.flight import AHEAD
from vlmcli.batch.job import FolderJob
from vlmcli.batch.ledger import Key, Ledger
from vlmcli.batch.lock import locked
from vlmcli.batch.messages import Start
from vlmcli.batch.planning import Complaint, Planner, Todo, Wanted
from vlmcli.batch.rendering import render
from vlmcli.cli.cluster import as_on_workers, check_ray_options, fetching, is_on_ray, open_aside
from vlmcli.cli.decide import ledger_path
from vlmcli.cli.delivering import delivery_of, sidecar_names
from vlmcli.cli.forms import Shape
from vlmcli.cli.interrupts import handed_to
from vlmcli.cli.job_settings import settings_of
from vlmcli.cli.ledgers import file_of, lock_of, spare_own_ledger, target_of
from vlmcli.cli.options import Common, Folder
from vlmcli.cli.pictures import Sources, resolve_name
from vlmcli.cli.summary import exit_code, how_to_go_on, summarize
from vlmcli.cli.work import NO_SHAPE, open_model, opener, output_settings
from vlmcli.errors import EXIT_OK, OutputError, PictureError, VlmError
from vlmcli.images import read
from vlmcli.images.expanding import Named
from vlmcli.images.sources import check_stdin
from vlmcli.images.sources.memory import MemoryRef
from vlmcli.images.sources.promise import FailedRef
from vlmcli.output import check_format, clean_text, is_terminal, open_writer, show_name
from vlmcli.output.progress import Progress
from vlmcli.output.streams import say
from vlmcli.tasks import TaskOptions

if TYPE_CHECKING:
    from vlmcli.core import ImageRef
    from vlmcli.images.wishes import Wish


@dataclass(frozen=True, slots=True)
class Work:
    """What a command wants of many pictures. `names` can be gone through again; `count` is None where it cannot."""

    task: str
    options: tuple[TaskOptions, ...]
    """One for each question."""
    wanted: Callable[[], Iterator[Wanted | Complaint]]
    count: Callable[[], int] | None
    sources: Sources
    markdown: bool = True
    shape: Shape = NO_SHAPE

    @property
    def asks_several(self) -> bool:
        return len(self.options) > 1


def wanted_pictures(named: Iterable[Named], wish: Wish, questions: int) -> Iterator[Wanted | Complaint]:
    """Each picture with each question, as they are found."""
    from_stdin: list[ImageRef] = []
    for each in named:
        if isinstance(each.name, FailedRef):
            yield Complaint(each.name.error)
            continue
        wanted = with_content(resolve_name(each.name, wish))
        if wanted.ref.kind == "stdin":
            from_stdin.append(wanted.ref)
            check_stdin(from_stdin)
        yield from (Wanted(wanted.ref, number, wanted.content) for number in range(questions))


def with_content(ref: ImageRef) -> Wanted:
    """The picture, with its bytes where only this process can get at them."""
    try:
        if isinstance(ref, MemoryRef):
            return Wanted(ref, content=_bytes_of(ref))
        if ref.kind == "stdin" or (ref.kind == "file" and ref.name.startswith(("/dev/", "/proc/"))):
            return Wanted(ref, content=read(ref))
    except PictureError as error:
        return Wanted(FailedRef(ref.name, ref.kind, error=error))
    return Wanted(ref)


def _bytes_of(ref: MemoryRef) -> bytes:
    if isinstance(ref.content, bytes):
        return ref.content
    from io import BytesIO

    file = BytesIO()
    ref.content.save(file, "PNG")
    return file.getvalue()


# --- the job ------------------------------------------------------------------------------------------------


def run_folder_job(work: Work, common: Common, folder: Folder) -> int:
    """Do what is not done yet. Returns the exit code."""
    check_format(output_settings(common), work.task)
    check_ray_options(common, folder)
    open_engine, ahead = open_aside(common, folder)
    common = as_on_workers(common) if is_on_ray(common) else common
    vlm = open_model(common, work.task)
    jobs = [vlm.job(work.task, (), options) for options in work.options]
    questions = tuple(job.task.question(job.brief, 1) for job in jobs)
    asked = work.options[0] if work.options else TaskOptions()
    advised = jobs[0].brief.family.sampling if jobs else {}
    settings = settings_of(vlm, work.task, asked, work.sources.frame, advised)
    ledger = Ledger(ledger_path(common), settings, vlm.model, work.sources.parsed_shard())
    if folder.dry_run and work.shape.sorting is None:
        return _show_plan(work, ledger, Planner(ledger, questions, folder.retry_failed), common, folder)
    delivery = delivery_of(common, folder, ledger, sorts=work.shape.sorting is not None)
    progress = Progress(sys.stderr, common.quiet)
    with ExitStack() as stack:
        _take_place(ledger, common, stack)
        if not folder.overwrite:
            spare_own_ledger(output_settings(common))
        ledger.begin_anew() if folder.overwrite else ledger.load()
        planner = Planner(ledger, questions, folder.retry_failed)
        opening = partial(fetching, opener(common)) if folder.ray_pull else opener(common)
        start = Start(opening, work.task, work.options, work.sources.wish, vlm.model, vlm.fingerprint)
        job = FolderJob(
            work.wanted(), start, planner, ledger, progress, delivery, common.verbose, open_engine, ahead or AHEAD
        )
        _count_meanwhile(work, progress)
        try:
            with handed_to(job.interrupt):
                tally = job.run()
        except (OutputError, KeyboardInterrupt):
            raise
        except Exception as error:
            _finish(ledger, common, work, planner.place, compact=False)
            if isinstance(error, VlmError) and (answered := job.tally.answered + job.tally.done_before):
                progress.hide()
                progress.say(f"vlm: {answered:,} answered: {how_to_go_on(job.tally, common, folder)}")
            raise
        finally:
            progress.hide()
        _finish(ledger, common, work, planner.place, compact=not tally.interrupted)
        if work.shape.sorting is not None and common.output is None and not (folder.sidecar or folder.dry_run):
            render(ledger, output_settings(common, shape=work.shape), planner.place)
        sorted_code = EXIT_OK if tally.interrupted else _sort(work, ledger, planner, folder, common)
    summarize(tally, common, folder)
    return exit_code(tally) or sorted_code


def _sort(work: Work, ledger: Ledger, planner: Planner, folder: Folder, common: Common) -> int:
    """Each picture of this plan to the folder of its choice, where that was asked for. Returns an exit code."""
    if work.shape.sorting is None or not ledger.entries:
        return EXIT_OK
    from vlmcli.batch.sorting import Sorter
    from vlmcli.cli.sorting import sort_pictures

    records = ledger.records(planner.in_order())
    sorter = Sorter(work.shape.sorting, folder.dry_run, sidecar_names(folder))
    return sort_pictures(records, sorter, common.quiet)


class _Proven(Exception):
    """Leaves a writer without a file."""


def _take_place(ledger: Ledger, common: Common, stack: ExitStack) -> None:
    """The output is proven to be writable, before any model runs, and is ours alone. Raises OutputError."""
    place = file_of(common.output)
    if place is None:  # sidecars remember by being there: this ledger is for the job alone
        ledger.path = Path(stack.enter_context(TemporaryDirectory(prefix="vlm-"))) / "sidecars.jsonl"
    else:
        with suppress(_Proven), open_writer(output_settings(common)):
            raise _Proven
        stack.enter_context(locked(place, lock_of(ledger.path)))
    stack.callback(ledger.close)


def _finish(ledger: Ledger, common: Common, work: Work, order: Callable[[Key], int], compact: bool) -> None:
    if compact:
        ledger.compact(order)
        ledger.prove_there()
    if common.output is not None and ledger.path != target_of(common.output):
        render(ledger, output_settings(common, work.markdown, work.sources.wish, work.shape), order)


def _count_meanwhile(work: Work, progress: Progress) -> None:
    """How many there are is found out beside the work, which does not wait for it, and says what is wrong itself."""

    def count() -> None:
        assert work.count is not None
        with suppress(VlmError):
            total = work.count()
            progress.total = progress.total or total

    if work.count is not None:
        threading.Thread(target=count, name="count", daemon=True).start()


def _show_plan(work: Work, ledger: Ledger, planner: Planner, common: Common, folder: Folder) -> int:
    """--dry-run: the names of what is to do on stdout, the numbers on stderr."""
    delivery = delivery_of(common, folder, ledger, sorts=work.shape.sorting is not None)
    if not folder.overwrite:
        ledger.load()
    counts = {"to do": 0, "done": 0, "failed": 0, "repeated": 0}
    show = show_name if is_terminal(sys.stdout) else str
    for wanted in work.wanted():
        if isinstance(wanted, Complaint):
            say(f"vlm: {show_name(wanted.error.sentence)}")
            continue
        verdict = delivery.looked_at(planner.judge(wanted), planner.key_of(wanted))
        if isinstance(verdict, Todo) and isinstance(ref := verdict.wanted.ref, FailedRef):
            say(f"vlm: {show_name(ref.error.sentence)}")
            verdict = "failed"
        counts["to do" if isinstance(verdict, Todo) else verdict] += 1
        if isinstance(verdict, Todo):
            question = f": {work.options[wanted.question].question}" if work.asks_several else ""
            sys.stdout.buffer.write(os.fsencode(show(verdict.name) + clean_text(question)) + b"\n")
    say(f"vlm: {counts['to do']:,} to do, {counts['done']:,} done, {counts['failed']:,} failed")
    return EXIT_OK
