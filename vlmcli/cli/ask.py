"""`vlm ask`: one list of arguments, the last of which is the question."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmcli.cli.forms import Forms, Shape, first_given
from vlmcli.cli.options import Common, Folder
from vlmcli.cli.pictures import PICTURES_HELP, Sources, find_pictures
from vlmcli.errors import UsageError

if TYPE_CHECKING:
    from vlmcli.tasks import TaskOptions

_LONGEST_QUESTION_BYTES = 1 << 20


def ask(
    sources: Sources,
    common: Common,
    folder: Folder,
    forms: Forms,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="PICTURE… [QUESTION]", help=f"{PICTURES_HELP} Then the question.")
    ] = None,
    questions: Annotated[
        list[str] | None,
        typer.Option("--question", "-q", help="Ask this of each picture. Can be given several times."),
    ] = None,
    together: Annotated[bool, typer.Option("--together", help="Put all pictures into one question.")] = False,
    from_jsonl: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='A picture and its question a line: {"picture": …, "question": …}.'),
    ] = None,
) -> int:
    """Ask a question about pictures.

    Without a question on the command line it is read from standard input, when that is a pipe or a file; on a
    terminal a conversation begins.
    """
    from vlmcli.cli.decide import takes_folders
    from vlmcli.cli.many import answer_each
    from vlmcli.images.listing import STDIN, can_be_read_again

    form = forms.task_options(STDIN in (*(arguments or ()), str(sources.from_file), str(from_jsonl)))
    shape = forms.shape(form["form"])
    if from_jsonl is not None:
        if arguments or questions or together or sources.from_file:
            hint = f"vlm ask --from-jsonl {from_jsonl}"
            raise UsageError("--from-jsonl names the pictures and the questions itself.", hint)
        return _ask_list(from_jsonl, sources, common, folder, form, shape)
    names, asked = split_arguments(arguments or [], questions or [], more_pictures=sources.from_file is not None)
    if not asked and not common.prompt:
        converses = form["form"] is None and _is_conversation(common)
        if converses or sources.from_file is None or can_be_read_again(sources.from_file):
            folders = takes_folders(common, folder, shape.sorting is not None)
            refs = find_pictures(names, sources, True, folders)  # a mistyped name before a missing question
        if converses:
            from vlmcli.cli.conversation import converse

            return converse(refs, common, sources)
        asked = [_question_from_stdin(names, sources)]
    _refuse_prompt(common, asked)
    options = [common.task_options(question=question, **form) for question in asked or [""]]
    if together:
        return _ask_together(names, options, sources, common, folder, shape)
    return answer_each("ask", names, options, sources, common, folder, shape=shape)


def _ask_list(
    from_jsonl: Path, sources: Sources, common: Common, folder: Folder, form: Mapping[str, Any], shape: Shape
) -> int:
    from vlmcli.cli.many import answer_list
    from vlmcli.images.listing import read_questions

    _refuse_options_of_names(sources)
    lines = read_questions(str(from_jsonl))
    _refuse_prompt(common, {line.question for line in lines})
    return answer_list(lines, sources, common, folder, form, shape)


def _refuse_prompt(common: Common, questions: Collection[str]) -> None:
    if common.prompt and len(questions) > 1:
        raise UsageError("--prompt takes the place of the question, and here are several.", "Leave out --prompt")


def _refuse_options_of_names(sources: Sources) -> None:
    vain = first_given({"--recursive": sources.recursive, "--null": sources.null, "--pages": sources.pages})
    if vain:
        raise UsageError(f"--from-jsonl has a picture and its question a line: no {vain}.", f"Leave out {vain}")


def _refuse_options_of_many(folder: Folder, shape: Shape) -> None:
    """What is about an answer for each picture, where all have one."""
    if shape.sorting is not None:
        raise UsageError("Pictures of one question cannot be sorted by its answer.", "Leave out --together")
    options = ("dry_run", "retry_failed", "sidecar", "sidecar_dir", "prefix", "suffix")
    vain = first_given({f"--{name.replace('_', '-')}": getattr(folder, name) for name in options})
    if vain:
        raise UsageError(f"{vain} is about an answer for each picture, and --together makes one.", f"Leave out {vain}")


def _ask_together(
    names: Sequence[str],
    options: Sequence[TaskOptions],
    sources: Sources,
    common: Common,
    folder: Folder,
    shape: Shape,
) -> int:
    from vlmcli.cli.work import Plan, answer

    _refuse_options_of_many(folder, shape)
    refs = find_pictures(names, sources)
    name = ", ".join(ref.name for ref in refs)
    plans = [Plan(refs, each, f"{name}: {each.question}" if len(options) > 1 else name) for each in options]
    return answer("ask", plans, common, shape=shape)


def _is_conversation(common: Common) -> bool:
    """A person at both ends, and no format that is for scripts."""
    if common.output or common.format not in (None, "text"):
        return False
    return bool(sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty())


def split_arguments(
    arguments: Sequence[str], questions: Sequence[str], more_pictures: bool = False
) -> tuple[list[str], list[str]]:
    """(pictures, questions). With -q all arguments are pictures; else the last is the question unless it is one.

    A word without white space that has an extension or a slash is a picture even if there is no such file: a
    mistyped name is an error and never silently a question. `more_pictures`: a list names some, too.
    """
    from vlmcli.images import looks_like_picture

    if any(not question.strip() for question in questions):
        raise UsageError("The question is empty.", 'vlm ask PICTURE -q "What is this?"')
    if questions or not arguments or looks_like_picture(arguments[-1]):
        return list(arguments), list(questions)
    *names, question = arguments
    if not names and not more_pictures:
        raise UsageError("There is a question but no picture.", f'vlm ask PICTURE "{question}"')
    if not question.strip():
        raise UsageError("The question is empty.", f'vlm ask {names[0] if names else "PICTURE"} "What is this?"')
    return names, [question]


def _question_from_stdin(names: Sequence[str], sources: Sources) -> str:
    from vlmcli.images.listing import is_stdin

    example = f'vlm ask {names[0] if names else "PICTURE"} "What is this?"'
    if is_stdin(sources.from_file):
        raise UsageError("The list comes from standard input, so the question cannot.", 'Add: -q "What is this?"')
    if "-" in names:
        raise UsageError(
            "The picture comes from standard input, so the question cannot.", 'vlm ask - "What is this?" < PICTURE'
        )
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("There is no question.", example)
    question = sys.stdin.buffer.read(_LONGEST_QUESTION_BYTES).decode("utf-8", "replace").strip()
    if not question:
        raise UsageError("There is no question: standard input is empty.", example)
    return question
