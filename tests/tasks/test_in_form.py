"""An answer in a form, as it is printed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from vlmcli.tasks.in_form import spaced

LEAVES = some.none() | some.booleans() | some.integers() | some.text()
VALUES = some.recursive(LEAVES, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner))


@given(VALUES, some.sampled_from([None, 0, 1, "\t"]), some.sampled_from([(",", ":"), (" , ", " : "), (", ", ": ")]))
def test_spaces_are_where_people_put_them_and_nothing_else_changes(
    value: object, indent: int | str | None, separators: tuple[str, str]
) -> None:
    written = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False)
    assert spaced(written) == json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("number", ["1.0", "1e400", "12345678901234567890.123", "-0"])
def test_numbers_stay_as_they_were_written(number: str) -> None:
    assert spaced(f"[ {number},{number} ]") == f"[{number}, {number}]"
