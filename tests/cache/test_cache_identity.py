"""What determines an engine's answers beside the request."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vlmcli.cache import Store
from vlmcli.core import ModelFiles
from vlmcli.engine import EngineSettings, identity
from vlmcli.engine.identity import identity_of, model_identity
from vlmcli.engine.modes import Mode
from vlmcli.models import resolve_model

SETTINGS = EngineSettings()


@pytest.fixture
def files(tmp_path: Path) -> ModelFiles:
    demo = resolve_model("demo")
    decoder, projector = (shutil.copy(path, tmp_path) for path in (demo.decoder, demo.projector))
    return replace(demo, decoder=Path(decoder), projector=Path(projector))


def test_it_is_the_same_for_the_same(files: ModelFiles, tmp_path: Path) -> None:
    one = identity_of(files, SETTINGS)
    assert identity_of(replace(files, name="another name"), SETTINGS) == one
    assert identity_of(resolve_model("demo"), SETTINGS) == one, "by content, wherever it lies"
    store = Store(tmp_path, {})
    quiet = EngineSettings(threads=3, parallel=7, verbose=True, store=store)
    assert identity_of(files, quiet) == one, "these change no answer"


def _with_family(files: ModelFiles, **changes: Any) -> ModelFiles:
    return replace(files, family=replace(files.family, **changes))


def test_whatever_changes_answers_changes_it(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        identity_of(files, SETTINGS),
        identity_of(files, EngineSettings(mode=Mode.FULL)),
        identity_of(files, EngineSettings(mode=Mode.PLAIN)),
        identity_of(_with_family(files, chat_template="{{ messages }}"), SETTINGS),
        identity_of(_with_family(files, separator=" "), SETTINGS),
    ]
    for path in (files.decoder, files.projector):
        with path.open("ab") as file:
            file.write(b"\0")
        found.append(identity_of(files, SETTINGS))
    monkeypatch.setattr(identity, "__version__", "999")
    found.append(identity_of(files, SETTINGS))
    monkeypatch.setattr(identity, "VERSION", 999)
    found.append(identity_of(files, SETTINGS))
    assert len(set(found)) == len(found)


def test_another_build_of_llama_cpp(files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "libllama.so"
    library.write_bytes(b"one")
    found = {identity_of(files, SETTINGS)}
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    found.add(identity_of(files, SETTINGS))
    os.utime(library, (1, 1))
    found.add(identity_of(files, SETTINGS))
    library.write_bytes(b"longer")
    os.utime(library, (1, 1))
    found.add(identity_of(files, SETTINGS))
    assert len(found) == 4


def test_a_template_that_writes_the_date(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    class Tomorrow(date):
        @classmethod
        def today(cls) -> Tomorrow:
            return cls(2999, 1, 1)

    dated = _with_family(files, chat_template="{{ strftime_now('%Y') }}")
    before = identity_of(files, SETTINGS), identity_of(dated, SETTINGS)
    model = model_identity(dated)
    monkeypatch.setattr(identity, "date", Tomorrow)
    assert identity_of(files, SETTINGS) == before[0]
    assert identity_of(dated, SETTINGS) != before[1]
    assert model_identity(dated) == model, "a job goes on tomorrow"


def test_no_file(files: ModelFiles) -> None:
    files.projector.unlink()
    with pytest.raises(OSError, match=files.projector.name):
        identity_of(files, SETTINGS)


def test_a_job_goes_on_with_the_same_model_spoken_to_in_the_same_way(files: ModelFiles) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"chat_template": "{{ messages }}"},
        {"own_template_first": True},
        {"template_variables": {"enable_thinking": False}},
        {"before_picture": "\n"},
        {"separator": " "},
        {"image_min_tokens": 1024},
    ]
    found = [model_identity(_with_family(files, **each)) for each in changes]
    assert len(set(found)) == len(found)
