"""--template: a line of the user's own for each answer, as in `'{picture}\\t{text}'`.

The names in braces are the fields of `flat.py`, looked up and nothing else: no attribute, no index, no call. A format
spec may follow (`{tokens_per_second:.1f}`, `{picture:<20}`). \\n, \\t, \\r, \\0 and \\\\ are understood. A record ends
with a newline unless the template ends with one, or with \\0. So that it stays one line, line breaks and tabs in a
value become spaces; `{text!s}` leaves them, `{text!j}` is a JSON string.

A failed picture has its line when the template speaks of errors, and is left out otherwise: stderr names it anyhow.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

from vlmcli.core import Record
from vlmcli.errors import UsageError
from vlmcli.output.flat import EXAMPLE, Value, flatten
from vlmcli.output.notes import cut_short_line
from vlmcli.output.record_json import dump_json
from vlmcli.output.sanitize import show_name
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink
from vlmcli.output.whole_records import WholeRecords

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\"}
_OF_THE_FORM = ("probabilities.", "data.")
"""Fields whose names are the user's own: labels, and what a schema names. One that is not there is empty."""
_BREAK = re.compile(r"\s*[\n\t\u2028\u2029]\s*")


@dataclass(frozen=True, slots=True)
class Field:
    """`{name!conversion:spec}`"""

    name: str
    conversion: str
    spec: str

    def show(self, value: Value) -> str:
        """Raises ValueError for a spec that does not suit the value."""
        if value is None or isinstance(value, bool):
            value = "" if value is None else str(value).lower()
        if self.conversion == "j":
            value = dump_json(value)
        elif isinstance(value, str) and not self.conversion:
            value = _BREAK.sub(" ", value)
        return format(value, self.spec)


class TemplateFormat(WholeRecords):
    def __init__(self, settings: OutputSettings, sink: Sink) -> None:
        """Raises UsageError for a template that cannot be filled in."""
        self._sink = sink
        self._parts = parse(settings.template or "")
        self._end = "" if str(self._parts[-1] if self._parts else "").endswith(("\n", "\0")) else "\n"
        self._with_errors = any(isinstance(part, Field) and part.name.startswith("error") for part in self._parts)

    def done(self, job: int, record: Record) -> list[str]:
        if record.undecided:
            return []
        if record.error is None or self._with_errors:
            self._sink.write(fill_in(self._parts, flatten(record)) + self._end)
        return [cut_short_line(record)] if record.cut_short else []

    def close(self, complete: bool) -> None:
        pass


def parse(template: str) -> list[str | Field]:
    """The template's literal text and its fields, in order. Raises UsageError."""
    parts: list[str | Field] = []
    try:
        for literal, name, spec, conversion in string.Formatter().parse(template):
            if literal:
                parts.append(_unescape(literal))
            if name is not None:
                parts.append(_field(name, conversion or "", spec or ""))
    except ValueError as error:
        raise _wrong(f"{str(error).rstrip('.')} in --template {template}") from error
    return parts


def fill_in(parts: list[str | Field], flat: dict[str, Value]) -> str:
    return "".join(part if isinstance(part, str) else _show(part, flat.get(part.name)) for part in parts)


def _field(name: str, conversion: str, spec: str) -> Field:
    if name not in EXAMPLE and not name.startswith(_OF_THE_FORM):
        raise _wrong(f"There is no field {{{name}}} for --template")
    if conversion not in ("", "s", "j"):
        raise _wrong(f"--template: {{{name}!{conversion}}} is not understood: there are !s (as it is) and !j (JSON)")
    field = Field(name, conversion, _unescape(spec))
    try:
        field.show(EXAMPLE.get(name, 1.0 if name.startswith(_OF_THE_FORM[0]) else ""))
    except ValueError as error:
        raise _wrong(f"--template: {{{name}:{spec}}}: {error}") from error
    return field


def _show(field: Field, value: Value) -> str:
    try:
        return field.show(value)
    except ValueError:  # a number's spec, and nothing there, or the numbers of several pictures
        return Field(field.name, field.conversion, "").show(value)


def _unescape(text: str) -> str:
    return re.sub(r"\\([ntr0\\])", lambda match: _ESCAPES[match[1]], text)


def _wrong(sentence: str) -> UsageError:
    return UsageError(f"{show_name(sentence)}.", f"Fields: {', '.join(EXAMPLE)}")
