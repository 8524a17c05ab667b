"""The options about the form of an answer: one of some labels, JSON that fits a schema, or what matches a pattern."""

# No __future__ annotations: see options.py.
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmcli.errors import UsageError

if TYPE_CHECKING:
    from vlmcli.batch.sorting import Sorting
    from vlmcli.core import Form

_FORM = "Form of the answer"
_FROM_FILE, _FROM_STDIN = "@", "@-"


@dataclass(frozen=True, slots=True)
class Forms:
    """At most one of choices, schema and regex."""

    choices: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,…",
            help=r"The answer is one of these labels; @FILE (@-: standard input) has one a line; a comma within a label"
            r" is written \,",
            rich_help_panel=_FORM,
        ),
    ] = None
    probs: Annotated[
        bool, typer.Option("--probs", help="Print all choices with their probabilities.", rich_help_panel=_FORM)
    ] = False
    min_confidence: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="P",
            help="Print no choice that is less likely: exit code 6.",
            rich_help_panel=_FORM,
        ),
    ] = None
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Take away how likely each choice is without the picture.", rich_help_panel=_FORM
        ),
    ] = False
    schema: Annotated[
        str | None,
        typer.Option(
            metavar="SCHEMA",
            help="The answer is JSON that fits: FILE.json (JSON Schema), or [bold]'name, price float, items[]'[/].",
            rich_help_panel=_FORM,
        ),
    ] = None
    regex: Annotated[
        str | None,
        typer.Option(metavar="REGEX", help="The whole answer matches this.", rich_help_panel=_FORM),
    ] = None

    move_to: Annotated[
        str | None,
        typer.Option(
            metavar="DIR/{choice}/",
            help="When all is answered, move each picture there; --dry-run only says where.",
            rich_help_panel=_FORM,
        ),
    ] = None
    link_to: Annotated[
        str | None,
        typer.Option(metavar="DIR/{choice}/", help="Put a link to each picture there instead.", rich_help_panel=_FORM),
    ] = None

    def task_options(self, stdin_is_taken: bool = False) -> dict[str, Any]:
        """What of it a task takes. `stdin_is_taken`: the choices cannot come from there.

        Raises UsageError for what makes no sense together.
        """
        from vlmcli.grammar import form_of

        if self.choices == _FROM_STDIN and stdin_is_taken:
            raise UsageError(
                "Standard input names the pictures or is one, so it cannot have the choices.", "--choices @FILE"
            )
        if self.choices is None:
            given: dict[str, Any] = {
                "--probs": self.probs,
                "--min-confidence": self.min_confidence,
                "--calibrate": self.calibrate,
            }
            given |= {"--move-to": self.move_to, "--link-to": self.link_to}
            if vain := first_given(given):
                raise UsageError(f"{vain} is about choices, and there are none.", "--choices yes,no")
        form = form_of(None if self.choices is None else _labels(self.choices), self.schema, self.regex)
        return {"form": form, "calibrate": self.calibrate, "min_confidence": self.min_confidence or 0.0}

    def shape(self, form: "Form | None") -> "Shape":
        return Shape(self.probs, columns_of(form), plain=form is not None, sorting=self._sorting())

    def _sorting(self) -> "Sorting | None":
        from vlmcli.batch.sorting import Sorting

        if self.move_to is not None and self.link_to is not None:
            raise UsageError("Pictures are moved or linked, and not both.", "Leave out --move-to or --link-to")
        place = self.link_to if self.move_to is None else self.move_to
        return None if place is None else Sorting(place, moves=self.move_to is not None)


def first_given(options: Mapping[str, object]) -> str | None:
    """The name of the first option that has a value."""
    return next((name for name, value in options.items() if value not in (False, None)), None)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a form asks of the output. `columns`: those that a table has for it; `plain`: it is no Markdown."""

    probs: bool = False
    columns: tuple[str, ...] = ()
    plain: bool = False
    sorting: "Sorting | None" = None
    """Where the pictures go when all is answered."""


def columns_of(form: "Form | None") -> tuple[str, ...]:
    """The fields of a record that stand in columns of their own: each label's probability, an object's properties."""
    from vlmcli.core import Choices, Schema

    if isinstance(form, Choices):
        return ("choice", *(f"probabilities.{label}" for label in form.labels))
    if not isinstance(form, Schema):
        return ()
    schema = json.loads(form.json)
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return tuple(f"data.{name}" for name in properties or ())


def _labels(text: str) -> list[str]:
    from vlmcli.grammar import split_labels

    if not text.startswith(_FROM_FILE):
        return split_labels(text)
    path = text.removeprefix(_FROM_FILE)
    try:
        data = sys.stdin.buffer.read() if text == _FROM_STDIN and sys.stdin else Path(path).read_bytes()
        lines = data.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"The choices in {path} cannot be read: {reason}.", "--choices yes,no") from None
    return [line for line in lines if line.strip()]
