"""One question, or several, about each of many pictures: as a stream of answers, or as a job with a memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from vlmcli.cli import work
from vlmcli.cli.decide import is_folder_job, is_imagefolder, is_many, takes_folders
from vlmcli.cli.forms import Shape
from vlmcli.cli.options import Common, Folder
from vlmcli.cli.pictures import (
    Sources,
    chosen_questions,
    find_pictures,
    first_and_all,
    iter_names,
    iter_refs,
    resolve_names,
)
from vlmcli.cli.work import NO_SHAPE, Plan
from vlmcli.errors import UsageError
from vlmcli.images.listing import STDIN, can_be_read_again
from vlmcli.output.as_imagefolder import METADATA_NAME

if TYPE_CHECKING:
    from vlmcli.batch.planning import Complaint, Wanted
    from vlmcli.cli.folder import Work
    from vlmcli.core import ImageRef
    from vlmcli.images.expanding import Named
    from vlmcli.images.listing import Question
    from vlmcli.tasks import TaskOptions


def answer_each(
    task: str,
    arguments: Sequence[str] | None,
    options: Sequence[TaskOptions],
    sources: Sources,
    common: Common,
    folder: Folder,
    markdown: bool = True,
    shape: Shape = NO_SHAPE,
) -> int:
    """Each picture that `arguments` and `sources` name, with each of `options`. Returns the exit code."""
    if len(options) > 1:
        _refuse_several(common, folder, shape)
    if shape.sorting is not None and STDIN in (arguments or ()):
        raise UsageError("Standard input is no file that can be moved or linked.", "Name the picture as a file.")
    folders = takes_folders(common, folder, shape.sorting is not None)
    many = is_many(arguments, sources, folders)
    if is_folder_job(common, folder, many, shape.sorting is not None):
        from vlmcli.cli.folder import run_folder_job

        if not many:
            find_pictures(arguments, sources)  # one that is missing is an error and no record
        named = partial(iter_names, arguments, sources, folders)
        return run_folder_job(_work(task, named, options, sources, markdown, shape), common, folder)
    names = (each.name for each in iter_names(arguments, sources))
    if not many:
        refs: Iterator[ImageRef] | Sequence[ImageRef] = resolve_names(list(names), sources)
    else:
        _, refs = first_and_all(iter_refs(names, sources.wish))
        if all(not is_many([name], sources) for name in arguments or ()) and sources.from_file is None:
            refs = list(refs)  # so that the spinner can say of how many
    plans = (Plan((ref,), each, heading(ref, each if len(options) > 1 else None)) for ref in refs for each in options)
    return work.answer(
        task,
        list(plans) if isinstance(refs, Sequence) else plans,
        common,
        markdown=markdown,
        wish=sources.wish,
        shape=shape,
    )


def _refuse_several(common: Common, folder: Folder, shape: Shape) -> None:
    """Several questions, where each picture has room for one answer."""
    if shape.sorting is not None:
        raise UsageError("A picture goes where one answer says, and here are several questions.", "Ask one.")
    if folder.sidecar is not None:
        raise UsageError("A sidecar holds the answer to one question.", "Ask one, and the next into +.other.txt")
    if is_imagefolder(common):
        raise UsageError(
            f"A picture has one line in {METADATA_NAME}, and here are several questions.",
            "Ask one, or take another file: -o answers.jsonl",
        )


def heading(ref: ImageRef, options: TaskOptions | None = None) -> str:
    return f"{ref.name}: {options.question}" if options else ref.name


def _work(
    task: str,
    named: Callable[[], Iterator[Named]],
    options: Sequence[TaskOptions],
    sources: Sources,
    markdown: bool,
    shape: Shape,
) -> Work:
    from vlmcli.cli.folder import Work, wanted_pictures

    def wanted() -> Iterator[Wanted | Complaint]:
        return wanted_pictures(named(), sources.wish, len(options))

    def count() -> int:
        return len(options) * sum(1 for _ in named())

    can_count = sources.from_file is None or can_be_read_again(sources.from_file)
    return Work(task, tuple(options), wanted, count if can_count else None, sources, markdown, shape)


def answer_list(
    questions: Sequence[Question],
    sources: Sources,
    common: Common,
    folder: Folder,
    form: Mapping[str, Any],
    shape: Shape,
) -> int:
    """Each picture of a list with its own question, all answers in one form. Returns the exit code."""
    chosen = chosen_questions(questions, sources)
    if len({line.picture for line in chosen}) < len({(line.picture, line.question) for line in chosen}):
        _refuse_several(common, folder, shape)
    words = list(dict.fromkeys(line.question for line in questions))
    options = [common.task_options(question=each, **form) for each in words]
    numbers = {each: number for number, each in enumerate(words)}
    if is_folder_job(common, folder, len(questions) > 1, shape.sorting is not None):
        from vlmcli.cli.folder import Work, run_folder_job, with_content

        def wanted() -> Iterator[Wanted | Complaint]:
            for line, ref in zip(chosen, iter_refs((q.picture for q in chosen), sources.wish), strict=True):
                yield replace(with_content(ref), question=numbers[line.question])

        work_of_list = Work("ask", tuple(options), wanted, lambda: len(chosen), sources, shape=shape)
        return run_folder_job(work_of_list, common, folder)
    refs = resolve_names([line.picture for line in chosen], sources)
    asked = [(ref, options[numbers[line.question]]) for ref, line in zip(refs, chosen, strict=True)]
    plans = [Plan((ref,), each, heading(ref, each)) for ref, each in asked]
    return work.answer("ask", plans, common, wish=sources.wish, shape=shape)
