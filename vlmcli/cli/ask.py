"""`vlm ask`: one list of arguments, the last of which is the question."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from vlmcli.cli.options import Common
from vlmcli.errors import UsageError

if TYPE_CHECKING:
    from vlmcli.core import ImageRef

_LONGEST_QUESTION_BYTES = 1 << 20


def ask(
    arguments: Annotated[
        list[str], typer.Argument(metavar="PICTURE… [QUESTION]", help="Files (- is standard input), then the question.")
    ],
    common: Common,
    questions: Annotated[
        list[str] | None,
        typer.Option("--question", "-q", help="Ask this of each picture. Can be given several times."),
    ] = None,
    together: Annotated[bool, typer.Option("--together", help="Put all pictures into one question.")] = False,
) -> int:
    """Ask a question about pictures.

    Without a question on the command line it is read from standard input, when that is a pipe or a file; on a
    terminal a conversation begins.
    """
    from vlmcli.cli.pictures import find_pictures
    from vlmcli.cli.work import Plan, answer

    names, asked = split_arguments(arguments, questions or [])
    from_stdin = not asked and not common.prompt
    refs = find_pictures(names, all_or_none=from_stdin)  # a mistyped name before a missing question
    if from_stdin and _is_conversation(common):
        from vlmcli.cli.conversation import converse

        return converse(refs, common)
    if from_stdin:
        asked = [_question_from_stdin(names)]
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


def split_arguments(arguments: Sequence[str], questions: Sequence[str]) -> tuple[list[str], list[str]]:
    """(pictures, questions). With -q all arguments are pictures; else the last is the question unless it is one.

    A word without white space that has an extension or a slash is a picture even if there is no such file: a
    mistyped name is an error and never silently a question.
    """
    from vlmcli.images import looks_like_picture

    if any(not question.strip() for question in questions):
        raise UsageError("The question is empty.", 'vlm ask PICTURE -q "What is this?"')
    if questions or looks_like_picture(arguments[-1]):
        return list(arguments), list(questions)
    *names, question = arguments
    if not names:
        raise UsageError("There is a question but no picture.", f'vlm ask PICTURE "{question}"')
    if not question.strip():
        raise UsageError("The question is empty.", f'vlm ask {names[0]} "What is this?"')
    return names, [question]


def _question_from_stdin(names: Sequence[str]) -> str:
    example = f'vlm ask {names[0]} "What is this?"'
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
