"""The form of an answer -> a grammar in llama.cpp's notation (GBNF). Pure Python: no model, no llama.cpp.

    JSON Schema --schema.py--.
    'name, price float' --forms.py--> JSON Schema
    regular expression --regex.py--> nodes --writing.py--> GBNF

What a grammar generates always fits, though it may be less than all that would: what cannot be held to is refused by
its name. Few answers have a form, so what makes grammars is imported when one is first asked for (PEP 562).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from vlmcli.core import Choices, Form, Pattern, Schema
from vlmcli.errors import UsageError
from vlmcli.late import import_late

if TYPE_CHECKING:
    from vlmcli.grammar.fitting import seems_to_fit
    from vlmcli.grammar.forms import choices_of, form_of, join_labels, schema_of, split_labels

__all__ = ["check_form", "choices_of", "form_of", "grammar_of"]
__all__ += ["join_labels", "schema_of", "seems_to_fit", "split_labels"]

_LATE = {
    "seems_to_fit": "fitting",
    **dict.fromkeys(("choices_of", "form_of", "join_labels", "schema_of", "split_labels"), "forms"),
}


def __getattr__(name: str) -> Any:
    return import_late(__name__, _LATE, name)


@cache
def grammar_of(form: Form) -> str:
    """GBNF whose root is the whole answer. Raises UsageError for what cannot be enforced."""
    if isinstance(form, Schema):
        from vlmcli.grammar.schema import schema_grammar

        return schema_grammar(form.json)
    if isinstance(form, Pattern):
        return _pattern_grammar(form.regex)
    raise UsageError("Choices are scored and not written.")


def _pattern_grammar(regex: str) -> str:
    from vlmcli.grammar.regex import parse_regex
    from vlmcli.grammar.writing import write_text

    try:
        return f"root ::= {write_text(parse_regex(regex, whole=True))}\n"
    except RecursionError as error:
        raise UsageError("The pattern has groups in groups, more deeply than can be followed.") from error


def check_form(form: Form | None) -> None:
    """Raises UsageError for a form that no answer can be held to."""
    if form is not None and not isinstance(form, Choices):
        grammar_of(form)
