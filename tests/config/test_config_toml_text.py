"""One key of a TOML file changed, and not one other character."""

from __future__ import annotations

import tomllib

import pytest

from vlmcli.toml_text import NotByLine, line_of, with_value, without_value

FILE = """\
# my settings
model = "demo"   # the # toy
system = '''
[describe]
style = "not this one"
'''

# how I like it
[describe]
style = "caption"
"quoted.key" = [
  1, # one
  2,
]

[tasks]
product.prompt = "x"
table = { prompt = "y", help = "z" }
"""


@pytest.mark.parametrize(
    ("keys", "value", "old", "new"),
    [
        (("model",), "a\\b.gguf", 'model = "demo"   # the # toy', 'model = "a\\\\b.gguf"   # the # toy'),
        (("model",), 'say "é"\n', 'model = "demo"   # the # toy', 'model = "say \\"é\\"\\n"   # the # toy'),
        (("describe", "style"), "alt", 'style = "caption"', 'style = "alt"'),
        (("tasks", "product", "prompt"), "new", 'product.prompt = "x"', 'product.prompt = "new"'),
        (("describe", "quoted.key"), 3, '"quoted.key" = [\n  1, # one\n  2,\n]', '"quoted.key" = 3'),
        (("describe", "stats"), True, "  2,\n]\n", "  2,\n]\nstats = true\n"),
        (("threads",), 4, "'''\n\n# how", "'''\nthreads = 4\n\n# how"),
        (("top_p",), 0.5, "'''\n\n# how", "'''\ntop_p = 0.5\n\n# how"),
        (("ocr", "max_tokens"), 9, 'help = "z" }\n', 'help = "z" }\n\n[ocr]\nmax_tokens = 9\n'),
    ],
)
def test_only_this_key_changes(keys: tuple[str, ...], value: str | int, old: str, new: str) -> None:
    assert FILE.count(old) == 1
    assert with_value(FILE, keys, value) == FILE.replace(old, new)


def test_a_text_of_several_lines_is_replaced_whole() -> None:
    changed = with_value(FILE, ("system",), "short")
    assert 'system = "short"\n\n# how I like it' in changed
    assert tomllib.loads(changed) == tomllib.loads(FILE) | {"system": "short"}


def test_what_one_line_cannot_do_is_refused() -> None:
    with pytest.raises(NotByLine):
        with_value(FILE, ("tasks", "table", "lang"), "German")
    with pytest.raises(NotByLine):
        with_value(FILE, ("model", "name"), "x")
    with pytest.raises(NotByLine):
        without_value(FILE, ("tasks", "table", "help"))


@pytest.mark.parametrize(
    "before", ["", "# only a comment", "[a]\nb = 1", "\r\n[a]\r\nb = 1\r\n", "# about a\n[a]\nb = 1\n"]
)
def test_a_key_of_the_top_level_stays_above_the_tables(before: str) -> None:
    changed = with_value(before, ("model",), "demo")
    assert tomllib.loads(changed) == tomllib.loads(before) | {"model": "demo"}
    assert changed.replace("\r\n", "").count("\n") == (0 if "\r\n" in before else changed.count("\n"))
    assert "# about a\n[a]" in changed or "about" not in before


def test_taking_out() -> None:
    assert without_value(FILE, ("describe", "style")) == FILE.replace('style = "caption"\n', "")
    assert without_value(FILE, ("model",)) == FILE.replace('model = "demo"   # the # toy\n', "")
    assert "describe" not in tomllib.loads(without_value(FILE, ("describe",)))
    assert list(tomllib.loads(without_value(FILE, ("tasks", "product")))["tasks"]) == ["table"]


def test_lines_are_those_that_an_editor_shows() -> None:
    lines = FILE.splitlines()
    assert line_of(FILE, ("model",)) == 2
    assert line_of(FILE, ("describe", "style")) == lines.index('style = "caption"') + 1
    assert line_of(FILE, ("describe",)) == lines.index("[describe]", 6) + 1
    assert line_of(FILE, ("tasks", "product", "prompt")) == lines.index('product.prompt = "x"') + 1
    assert line_of(FILE, ("tasks", "table", "help")) == len(lines)
    assert line_of(FILE, ("nothing",)) is None
