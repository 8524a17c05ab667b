"""A settings file of the test's own, and what a command was asked to do with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmcli.cli.options import Common


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path that VLM_CONFIG names; nothing is there yet."""
    path = tmp_path / "settings" / "config.toml"
    path.parent.mkdir()
    monkeypatch.setenv("VLM_CONFIG", str(path))
    return path


@pytest.fixture
def write(settings_file: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        settings_file.write_text(text, encoding="utf-8")
        return settings_file

    return write


class Asked:
    """What reached the place where the model would be opened."""

    task: str = ""
    common: Common = Common()
    options: Any = None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, picture: str) -> Asked:
    """Commands stop before the model, and leave here what they would have asked it."""
    from vlmcli.cli import work

    seen = Asked()

    def answer(task: str, plans: Any, common: Common, **_more: Any) -> int:
        seen.task, seen.common, seen.options = task, common, next(iter(plans)).options
        return 0

    monkeypatch.setattr(work, "answer", answer)
    return seen
