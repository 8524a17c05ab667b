"""--model, --mmproj, VLM_MODEL, --family and --chat-template: what is chosen, and what is refused (exit code 4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmcli import demo

Run = Callable[..., Any]
SHORT = ("--max-tokens", "2", "--format", "jsonl")
DECODER, PROJECTOR = str(demo.DECODER), str(demo.PROJECTOR)


@pytest.fixture
def refused(vlm: Run, picture: str) -> Callable[..., str]:
    """stderr of a command that ends with code 4 and answers nothing."""

    def run(*options: str) -> str:
        result = vlm("describe", picture, *options, "--max-tokens", "2")
        assert (result.code, result.stdout) == (4, ""), result.stderr
        assert result.stderr.startswith("vlm: ")
        return str(result.stderr)

    return run


@pytest.fixture
def answered(vlm: Run, picture: str) -> Callable[..., dict[str, Any]]:
    def run(*options: str) -> dict[str, Any]:
        result = vlm("ask", picture, "What?", *options, *SHORT)
        assert result.code == 0, result.stderr
        return dict(json.loads(result.stdout))

    return run


def test_no_model_and_no_variable_lists_what_to_type(refused: Run) -> None:
    error = refused()
    for command in ("vlm pull llava", "--model demo", "--model MODEL.gguf --mmproj MMPROJ.gguf"):
        assert command in error


@pytest.mark.parametrize("chosen", ["", None])
def test_an_empty_choice_is_none(refused: Run, monkeypatch: pytest.MonkeyPatch, chosen: str | None) -> None:
    monkeypatch.setenv("VLM_MODEL", "")
    assert "No model was chosen, and none is here." in (refused() if chosen is None else refused("--model", chosen))


def test_the_variable_is_honoured(answered: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_MODEL", "demo")
    assert answered()["model"] == "demo"


def test_the_option_wins_over_the_variable(answered: Run, refused: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_MODEL", "nothing")
    assert "There is no model named 'nothing'." in refused()
    assert answered("--model", "demo")["model"] == "demo"
    assert answered("-m", "demo")["model"] == "demo"


def test_a_pair_of_files_answers_as_the_model_in_the_box_does(answered: Run, tmp_path: Path) -> None:
    copies = tmp_path / "decoder one.gguf", tmp_path / "projector.gguf"
    copies[0].symlink_to(demo.DECODER)
    copies[1].symlink_to(demo.PROJECTOR)
    pair = answered("--model", str(copies[0]), "--mmproj", str(copies[1]))
    box = answered("--model", "demo")
    assert pair["model"] == "decoder one"
    assert (pair["text"], pair["tokens"]) == (box["text"], box["tokens"])


def test_a_home_folder_is_understood(answered: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "d.gguf").symlink_to(demo.DECODER)
    (tmp_path / "p.gguf").symlink_to(demo.PROJECTOR)
    assert answered("--model", "~/d.gguf", "--mmproj", "~/p.gguf")["model"] == "d"


def test_an_unknown_name(refused: Run) -> None:
    error = refused("--model", "lava")
    assert "There is no model named 'lava'." in error
    assert "vlm pull llava" in error


def test_a_known_name_that_is_not_here(refused: Run) -> None:
    assert refused("--model", "SmolVLM_500M") == (
        "vlm: smolvlm-500m is not on this machine.\n  vlm pull smolvlm-500m\n"
    )


@pytest.mark.parametrize("name", ["none.gguf", "folder/none", "./none"])
def test_a_file_that_is_not_there(refused: Run, name: str) -> None:
    assert f"There is no file {name}." in refused("--model", name, "--mmproj", PROJECTOR)


def test_a_projector_that_is_not_there(refused: Run) -> None:
    assert "There is no file none.gguf." in refused("--model", DECODER, "--mmproj", "none.gguf")


def test_a_folder(refused: Run) -> None:
    assert "folder" in refused("--model", ".", "--mmproj", PROJECTOR)
    assert "folder" in refused("--model", DECODER, "--mmproj", ".")


def test_without_mmproj_the_command_with_the_file_beside_it(refused: Run) -> None:
    error = refused("--model", DECODER)
    assert "needs its projector" in error
    assert f"--model {DECODER} --mmproj {PROJECTOR}" in error


def test_without_mmproj_and_nothing_beside_it(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "alone.gguf").symlink_to(demo.DECODER)
    assert "--mmproj MMPROJ.gguf" in refused("--model", "alone.gguf")


def test_the_wrong_way_round(refused: Run) -> None:
    error = refused("--model", PROJECTOR, "--mmproj", DECODER)
    assert "the wrong way round" in error
    assert f"--model {DECODER} --mmproj {PROJECTOR}" in error


def test_a_projector_as_the_model(refused: Run) -> None:
    assert "is a projector and not a model" in refused("--model", PROJECTOR)
    assert "is a projector and not a model" in refused("--model", PROJECTOR, "--mmproj", PROJECTOR)


def test_a_text_only_model_as_both(refused: Run) -> None:
    assert "is not a projector" in refused("--model", DECODER, "--mmproj", DECODER)


def test_the_model_in_the_box_has_its_own_projector(refused: Run) -> None:
    error = refused("--model", "demo", "--mmproj", PROJECTOR)
    assert "no model named" not in error
    assert "without --mmproj" in error


@pytest.mark.parametrize("place", ["--model", "--mmproj"])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"These are no weights. " * 9, "is not a GGUF file"),
        (b"", "it holds 0 bytes"),
        (b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>", "web page"),
        (b"GGUF", "it holds 4 bytes"),
    ],
    ids=["text", "empty", "html", "magic"],
)
def test_what_is_no_model(refused: Run, place: str, content: bytes, sentence: str) -> None:
    Path("x.gguf").write_bytes(content)
    files = {"--model": DECODER, "--mmproj": PROJECTOR, place: "x.gguf"}
    error = refused(*(word for option in files.items() for word in option))
    assert "x.gguf" in error
    assert sentence in error


@pytest.mark.parametrize("place", ["--model", "--mmproj"])
@pytest.mark.parametrize("part", [0.001, 0.3, 0.999])
def test_half_a_download(refused: Run, place: str, part: float) -> None:
    whole = demo.DECODER if place == "--model" else demo.PROJECTOR
    data = whole.read_bytes()
    Path("half.gguf").write_bytes(data[: int(len(data) * part)])
    files = {"--model": DECODER, "--mmproj": PROJECTOR, place: "half.gguf"}
    error = refused(*(word for option in files.items() for word in option))
    assert "half.gguf" in error
    assert "Download the file again" in error


def test_another_format_as_the_model(refused: Run, picture: str) -> None:
    assert "is not a GGUF file" in refused("--model", picture, "--mmproj", PROJECTOR)


def test_an_unknown_family_names_those_that_are(refused: Run) -> None:
    error = refused("--model", "demo", "--family", "lava")
    for name in ("'lava'", "vicuna", "mistral-instruct", "chatml", "llama-3"):
        assert name in error


@pytest.mark.parametrize("family", ["vicuna", "mistral-instruct", "chatml", "llama-3"])
def test_a_family_speaks_in_its_own_way(answered: Run, family: str) -> None:
    own = answered("--model", DECODER, "--mmproj", PROJECTOR, "--family", family)["tokens"]["prompt"]
    bare = answered("--model", "demo", "--chat-template", template("{{ messages[-1].content }}"))["tokens"]["prompt"]
    assert own > bare


def template(text: str) -> str:
    Path("template.jinja").write_text(text)
    return "template.jinja"


def test_a_chat_template_is_used(answered: Run) -> None:
    short = answered("--model", "demo", "--chat-template", template("{{ messages[-1].content }}"))
    long = answered("--model", "demo", "--chat-template", template("Look well now. {{ messages[-1].content }}"))
    assert short["tokens"]["image"] == long["tokens"]["image"] > 0
    assert short["tokens"]["prompt"] < long["tokens"]["prompt"]


def test_a_chat_template_that_is_not_there(refused: Run) -> None:
    assert "none.jinja cannot be read" in refused("--model", "demo", "--chat-template", "none.jinja")


@pytest.mark.parametrize("text", ["{{ messages", "{{ messages[7].content }}", "{{ raise_exception('no') }}"])
def test_a_broken_chat_template(refused: Run, text: str) -> None:
    assert "template" in refused("--model", "demo", "--chat-template", template(text))


def test_a_template_that_loses_the_picture_is_refused(refused: Run) -> None:
    assert "leaves parts of the conversation out" in refused(
        "--model", "demo", "--chat-template", template("Only words.")
    )


def test_the_warning_of_a_pair_goes_with_quiet(vlm: Run, picture: str) -> None:
    result = vlm("describe", picture, "--model", DECODER, "--mmproj", PROJECTOR, "--quiet", *SHORT)
    assert (result.code, result.stderr) == (0, "")
