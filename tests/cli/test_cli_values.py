"""What was typed becomes what typer itself would make of it, or is left to typer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from typer._adapters import try_build_adapter
from typer.models import OptionInfo

from vlmcli.cli import values
from vlmcli.cli.values import plain_value

KINDS = [str, int, float, bool, Path, Literal["f16", "q8_0"], list[str]]
TYPED = st.one_of(
    st.sampled_from(["4", "004", "4.5", ".5", "5.", ".", "", " 4", "4 ", "-4", "+4", "1e3", "1_0", "٤", "inf", "nan"]),
    st.sampled_from(["f16", "F16", "true", "no", "a/b", "-", "~/x"]),
    st.text(max_size=4),
    st.integers(-9, 9).map(str),
    st.floats().map(str),
)
OF_THE_FILE = st.one_of(st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.lists(st.text(max_size=3)))


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(value=st.one_of(TYPED, OF_THE_FILE, st.lists(st.text(max_size=3)).map(tuple)))
def test_a_plain_value_is_what_typer_makes_of_it(kind: Any, value: Any) -> None:
    plain = plain_value(kind, value)
    if plain is values._NOT_PLAIN:
        return
    adapter = try_build_adapter(kind, OptionInfo())
    assert adapter is not None
    try:
        expected = adapter.validate_python(value)
    except ValidationError:
        pytest.fail(f"typer would have refused {value!r}")
    assert (type(plain), plain) == (type(expected), expected)


@pytest.mark.parametrize(
    ("kind", "value", "plain"),
    [
        (str, "4", "4"),
        (int, "4", 4),
        (float, "4", 4.0),
        (float, "0.25", 0.25),
        (Path, "a/b.gguf", Path("a/b.gguf")),
        (Literal["f16", "q8_0"], "f16", "f16"),
        (list[str], ("a", "b"), ["a", "b"]),
        (int, 4, 4),
        (bool, True, True),
    ],
)
def test_what_is_plain(kind: Any, value: Any, plain: Any) -> None:
    assert plain_value(kind, value) == plain


@pytest.mark.parametrize(
    ("kind", "value"),
    [(int, "-4"), (int, "four"), (float, "1e3"), (float, "nan"), (Literal["f16"], "F16"), (int, True), (str, 4)],
)
def test_what_is_left_to_typer(kind: Any, value: Any) -> None:
    assert plain_value(kind, value) is values._NOT_PLAIN


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--max-tokens", "0"], "'--max-tokens'"),
        (["--max-tokens", "four"], "'--max-tokens'"),
        (["--temperature", "-1"], "'--temperature'"),
        (["--top-p", "7"], "'--top-p'"),
        (["--kv-type", "f8"], "'--kv-type'"),
    ],
)
def test_what_is_wrong_is_said_as_typer_says_it(vlm: Any, picture: str, typed: list[str], said: str) -> None:
    result = vlm("describe", picture, "--model", "demo", *typed)
    assert result.code == 2
    assert said in result.stderr
    assert result.stdout == ""
