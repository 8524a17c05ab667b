"""Names from outside never become paths outside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vlmcli.errors import ModelDamaged
from vlmcli.models.hub import pull
from vlmcli.models.hub.names import is_commit, is_etag, is_inside, is_repo_id
from vlmcli.models.repository import RepoFile, Repository

GOOD = RepoFile("model.gguf", 5, sha256="a" * 64)
REPOSITORY = Repository("someone/model", "c" * 40, (GOOD,))


GOOD_NAMES = [
    "a.gguf",
    "a/b/c.gguf",
    "LLaVA v1.6 (Q4).gguf",
    ".gitattributes",
    "ü/模型.gguf",
    "console.gguf",
    "a..b",
    "~",
]
BAD_NAMES = [
    *["", ".", "..", "/", "/etc/passwd", "../x", "a/../../x", "a/..", "a//b", "./a", "a/", "\\x", "..\\x", "a\\..\\x"],
    *["C:", "C:x", "C:\\x", "c:/x", "a:stream", "\0", "a\0b", "a\nb", "a\x7f", "CON", "nul.gguf", "a/Aux.txt", "com1"],
    *["LPT9.x", "COM¹", "a.", "a ", "a/b. /c", "a*", "a?", 'a"', "a<b", "a|b", "x" * 256, "ü" * 128],
]


@pytest.mark.parametrize("path", GOOD_NAMES)
def test_names_that_files_have(path: str) -> None:
    assert is_inside(path)


@pytest.mark.parametrize("path", BAD_NAMES)
def test_names_that_are_refused(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ModelDamaged, match="which is not pulled"):
        next(pull(REPOSITORY, [replace(GOOD, path=path)]))
    assert not list(tmp_path.iterdir())


@settings(max_examples=500)
@given(st.text(alphabet=st.sampled_from("ab./\\:~ \0\nC*") | st.characters(), max_size=12))
def test_whatever_is_let_through_stays_inside(path: str) -> None:
    if is_inside(path):
        for kind in (PurePosixPath, PureWindowsPath):
            joined = kind("/cache/snapshot").joinpath(*path.split("/"))
            assert joined.is_relative_to(kind("/cache/snapshot"))
            assert joined != kind("/cache/snapshot")
            assert ".." not in joined.parts


@example("0.")
@settings(max_examples=500)
@given(st.text(alphabet=st.sampled_from("ab./-_\\:\n") | st.characters(), max_size=12))
def test_a_repository_is_what_the_library_takes_for_one(repo_id: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo_id)
    except HFValidationError:
        assert not is_repo_id(repo_id)


@pytest.mark.parametrize("text", ["", "a" * 39, "a" * 41, "A" * 40, "g" * 40, "a" * 40 + "\n", "../" + "a" * 37])
def test_what_is_no_commit_and_no_etag(text: str) -> None:
    assert not is_commit(text)
    assert not is_etag(text)
