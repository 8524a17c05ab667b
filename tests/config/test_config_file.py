"""Flag over environment over the command's table over the top level over the default; and a sentence for nonsense."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmcli.config import config_path

Run = Callable[..., Any]
Write = Callable[[str], Path]


def test_each_place_wins_over_the_next(
    vlm: Run, write: Write, asked: Any, picture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tokens(*flags: str) -> int | None:
        assert vlm("describe", picture, *flags).code == 0
        found: int | None = asked.common.max_tokens
        return found

    assert tokens() is None
    write("max_tokens = 1\n[ocr]\nmax_tokens = 9\n")
    assert tokens() == 1
    write("max_tokens = 1\n[describe]\nmax_tokens = 2\n")
    assert tokens() == 2
    monkeypatch.setenv("VLM_MAX_TOKENS", "3")
    assert tokens() == 3
    assert tokens("--max-tokens", "4") == 4
    monkeypatch.setenv("VLM_MAX_TOKENS", "")
    assert tokens() == 2


def test_a_style_for_all_is_a_style_of_describe(
    vlm: Run, write: Write, asked: Any, picture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('style = "tags"\n')
    monkeypatch.setenv("VLM_STYLE", "alt")
    assert vlm("describe", picture).code == 0
    assert asked.options.style == "alt"
    monkeypatch.delenv("VLM_STYLE")
    assert vlm("describe", picture).code == 0
    assert asked.options.style == "tags"
    assert vlm("ocr", picture).code == 0, "whose styles are others"
    assert asked.options.style == ""
    write('style = "tags"\n[ocr]\nstyle = "table"\n')
    assert vlm("ocr", picture).code == 0
    assert asked.options.style == "table"


def test_values_of_every_kind_arrive(vlm: Run, write: Write, asked: Any, picture: str) -> None:
    write(
        'model = "m.gguf"\nmmproj = "p.gguf"\ntemperature = 1\ntop_p = 0.5\nseed = 7\ntimeout = 2.5\nquiet = true\n'
        'format = "jsonl"\nsystem = "Be brief."\n[describe]\nstyle = "tags"\nlang = "German"\n'
    )
    assert vlm("describe", picture).code == 0
    common, options = asked.common, asked.options
    assert (common.model, common.mmproj, common.quiet, common.format) == ("m.gguf", Path("p.gguf"), True, "jsonl")
    assert (options.temperature, options.top_p, options.seed, options.timeout_s) == (1.0, 0.5, 7, 2.5)
    assert (options.style, options.lang, options.system) == ("tags", "German", "Be brief.")
    assert vlm("ask", picture, "Who?").code == 0  # which has no style
    assert asked.options.question == "Who?"


def test_what_the_file_turns_on_a_flag_turns_off(vlm: Run, write: Write, asked: Any, picture: str) -> None:
    write("stats = true\nno_stream = true\n")
    vlm("describe", picture)
    assert (asked.common.stats, asked.common.no_stream) == (True, True)
    assert vlm("describe", picture, "--no-stats", "--stream").code == 0
    assert (asked.common.stats, asked.common.no_stream) == (False, False)
    assert "--no-stats" not in vlm("describe", "--help").stdout


@pytest.mark.parametrize("place", ["flag", "variable", "table"])
def test_another_model_leaves_behind_what_belongs_to_the_first(
    vlm: Run, write: Write, asked: Any, picture: str, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    first = 'model = "m.gguf"\nmmproj = "p.gguf"\nfamily = "vicuna"\nthreads = 2\n'
    write(first + ('[describe]\nmodel = "demo"\n' if place == "table" else ""))
    if place == "variable":
        monkeypatch.setenv("VLM_MODEL", "demo")
    assert vlm("describe", picture, *(["--model", "demo"] if place == "flag" else [])).code == 0
    assert (asked.common.model, asked.common.mmproj, asked.common.family) == ("demo", None, None)
    assert vlm("describe", picture, "--model", "m.gguf", "--mmproj", "q.gguf").code == 0
    assert asked.common.mmproj == Path("q.gguf")


@pytest.mark.parametrize(
    ("engine", "model"),
    [("llama", "m.gguf"), ("ray", "m.gguf"), ("http://127.0.0.1:9", None)],
    ids=["here", "cluster", "server"],
)
def test_the_model_of_the_file_is_for_models_here_and_on_the_machines_of_a_cluster(
    vlm: Run, write: Write, asked: Any, picture: str, engine: str, model: str | None
) -> None:
    write('model = "m.gguf"\nmmproj = "p.gguf"\n')
    assert vlm("describe", picture, "--engine", engine).code == 0
    assert (asked.common.model, asked.common.mmproj) == (model, model and Path("p.gguf"))


def test_a_seed_in_the_file_waits_for_a_temperature_without_a_word(
    vlm: Run, write: Write, asked: Any, picture: str
) -> None:
    write("seed = 7\n")
    vlm("describe", picture)
    assert asked.common.without_effect == []
    vlm("describe", picture, "--temperature", "1")
    assert asked.common.seed == 7
    vlm("describe", picture, "--seed", "1")
    assert asked.common.without_effect == ["--seed"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("\ntreads = 4\n", 2, "there is no setting 'treads'.\n  Did you mean threads?"),
        ('[describe]\n\nstile = "alt"\n', 3, "there is no setting 'stile' in [describe].\n  Did you mean style?"),
        ('[ocr]\nstyle = "alt"\n', 2, "style is one of plain, markdown, table, and not 'alt'."),
        ('[compare]\nstyle = "alt"\n', 2, "there is no setting 'style' in [compare]."),
        ('output = "x.json"\n', 1, "there is no setting 'output'."),
        ('threads = "four"\n', 1, "threads is a whole number from 1… and not 'four'."),
        ("threads = 0\n", 1, "threads is a whole number from 1… and not 0."),
        ("threads = true\n", 1, "threads is a whole number from 1… and not true."),
        ("top_p = 1.5\n", 1, "top_p is a number from 0 up to 1, and not 1.5."),
        ('quiet = "yes"\n', 1, "quiet is true or false, and not 'yes'."),
        (
            '[describe]\nstyle = "captoin"\n',
            2,
            "style is one of short, caption,… and not 'captoin'.",
        ),
        ("model = [1]\n", 1, "model is text, and not [1]."),
        ("describe = 1\n", 1, "describe is not a table."),
        ("a = 1\nb = \n", 2, "column 5: invalid value."),
    ],
)
def test_nonsense_is_told_with_its_line(
    vlm: Run, write: Write, asked: Any, picture: str, text: str, line: int, says: str
) -> None:
    path = write(text)
    told = vlm("describe", picture)
    assert (told.code, told.stdout) == (2, "")
    assert told.stderr.startswith(f"vlm: {path}, line {line}")
    assert all(part in told.stderr for part in says.split("…"))
    assert vlm("describe", "--help").code == 0  # for which nothing of it is needed
    assert vlm("--help").code == 0


@pytest.mark.parametrize(("content", "says"), [(b"\xff", "not UTF-8"), (None, "Is a directory")])
def test_a_file_that_cannot_be_read(
    vlm: Run, settings_file: Path, picture: str, content: bytes | None, says: str
) -> None:
    if content is None:
        settings_file.mkdir()
    else:
        settings_file.write_bytes(content)
    told = vlm("describe", picture)
    assert told.code == 2
    assert told.stderr.startswith(f"vlm: The settings in {settings_file} cannot be read: ")
    assert all(part in told.stderr for part in says.split("…"))


def test_no_file_is_fine(vlm: Run, settings_file: Path, asked: Any, picture: str) -> None:
    assert not settings_file.exists()
    assert vlm("describe", picture).code == 0


def test_a_bad_variable_is_told_by_its_name(
    vlm: Run, asked: Any, picture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLM_FORMAT", "xml")
    told = vlm("describe", picture)
    assert told.code == 2
    assert told.stderr.startswith("vlm: Invalid value for VLM_FORMAT: 'xml' is not one of 'text',")


def test_the_platform_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from platformdirs import user_config_dir

    assert str(config_path()) == str(Path(user_config_dir("vlm", appauthor=False), "config.toml"))
    assert config_path({"VLM_CONFIG": "~/mine.toml"}) == Path.home() / "mine.toml"


def test_the_real_model_obeys_the_file(vlm: Run, write: Write, picture: str) -> None:
    write('model = "demo"\nformat = "json"\n[ask]\nmax_tokens = 1\n')
    told = vlm("ask", picture, "How many shapes are there?")
    assert told.code == 0
    assert '"answer": 1' in told.stdout
    assert '"stop_reason": "length"' in told.stdout


def test_a_home_that_nobody_has(vlm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_CONFIG", "~nobody-of-this-name/config.toml")
    assert vlm("config", "path") == (0, "~nobody-of-this-name/config.toml\n", "")
