"""The doctor with time enough on a busy machine, all of its checks or a few, and llama.cpps that are broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hub.fixtures import hub
from vlmcli import doctor
from vlmcli.doctor import patient

__all__ = ["hub"]

Examine = Callable[..., Any]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "LIMIT_S", 60.0)


@pytest.fixture
def examine(vlm: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Examine:
    """`examine("hub", "cache")`: `vlm doctor` with these of its checks alone; the others take time and say the same."""

    def run(*names: str, options: tuple[str, ...] = ()) -> Any:
        known = {check.name: check for check in doctor.CHECKS}
        with monkeypatch.context() as patch:
            patch.setattr(doctor, "CHECKS", tuple(known[name] for name in names))
            return vlm("doctor", *options)

    return run


@pytest.fixture
def llama_cpp_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`llama_cpp_that("raise OSError()")`: a package that does so when it is imported, the first on the path."""

    def put(code: str) -> None:
        package = tmp_path / "broken" / "llama_cpp"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "llama_cpp.py").write_text(f"import os, signal, sys, time\n{code}\n")
        (package / "mtmd_cpp.py").write_text("")
        monkeypatch.syspath_prepend(package.parent)

    return put
