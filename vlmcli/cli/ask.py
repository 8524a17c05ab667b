"""`vlm ask`: one list of arguments, the last of which is the question."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vlmcli.cli.options import Common
from vlmcli.cli.pictures import PICTURES_HELP, Sources, find_pictures, resolve_names
from vlmcli.errors import UsageError

if TYPE_CHECKING:
    from vlmcli.cli.work import Plan
    from vlmcli.core import ImageRef

_LONGEST_QUESTION_BYTES = 1 << 20


def ask(
    sources: Sources,
    common: Common,
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
    from vlmcli.cli.work import Plan, answer

    if from_jsonl is not None:
        if arguments or questions or together or sources.from_file:
            raise UsageError(
                "--from-jsonl names the pictures and the questions itself.", f"vlm ask --from-jsonl {from_jsonl}"
            )
        return answer("ask", _plans_of_list(from_jsonl, common, sources), common)
    names, asked = split_arguments(arguments or [], questions or [], more_pictures=sources.from_file is not None)
    from_stdin = not asked and not common.prompt
    refs = find_pictures(names, sources, all_or_none=from_stdin)  # a mistyped name before a missing question
    if from_stdin and _is_conversation(common):
        from vlmcli.cli.conversation import converse

        return converse(refs, common, sources)
    if from_stdin:
        asked = [_question_from_stdin(names, sources)]
    groups = [refs] if together else [(ref,) for ref in refs]
    plans = [
        Plan(group, common.task_options(question=question), _heading(group, question if len(asked) > 1 else ""))
        for group in groups
        for question in asked or [""]
    ]
    return answer("ask", plans, common)


def _is_conversation(common: Common) -> bool:
    """A person at both ends, and no format that is for scripts."""
    if common.output or common.format not in (None, "text"):
        return False
    return bool(sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty())


def _heading(refs: Sequence[ImageRef], question: str) -> str:
    name = ", ".join(ref.name for ref in refs)
    return f"{name}: {question}" if question else name


def _plans_of_list(path: Path, common: Common, sources: Sources) -> list[Plan]:
    from vlmcli.cli.work import Plan
    from vlmcli.images.listing import read_questions

    lines = read_questions(str(path))
    refs = resolve_names([line.picture for line in lines], sources)
    return [
        Plan((ref,), common.task_options(question=line.question), _heading([ref], line.question))
        for ref, line in zip(refs, lines, strict=True)
    ]


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
    example = f'vlm ask {names[0] if names else "PICTURE"} "What is this?"'
    if str(sources.from_file) == "-":
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
