"""What determines an engine's answers beside the request: the model's files, its template, the engine itself."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import fields
from datetime import date
from pathlib import Path

from vlmcli import __version__
from vlmcli.cache import digest_of, fingerprint
from vlmcli.core import ModelFiles
from vlmcli.engine import EngineSettings
from vlmcli.gguf import read_header

VERSION = 1
"""Grows when the same request may be answered otherwise than before within one version of vlm."""

_CHANGES_NO_ANSWER = frozenset({"threads", "parallel", "verbose", "store"})


def identity_of(files: ModelFiles, settings: EngineSettings) -> str:
    """A digest that is another one as soon as answers may be. Opens no model: some milliseconds. Raises OSError."""
    return digest_of(
        __version__,
        VERSION,
        fingerprint(files.decoder),
        fingerprint(files.projector),
        files.family.chat_template,
        files.family.separator,
        _day(files),
        *(f"{f.name}={getattr(settings, f.name)!r}" for f in fields(settings) if f.name not in _CHANGES_NO_ANSWER),
        *_libraries(),
    )


def _day(files: ModelFiles) -> str:
    """Today, for a chat template that writes the date into the prompt."""
    template = files.family.chat_template or str(read_header(files.decoder).metadata.get("tokenizer.chat_template", ""))
    return date.today().isoformat() if "strftime_now" in template else ""


def _libraries() -> list[str]:
    """llama.cpp as it was built: names, sizes and times of its libraries, which need not be loaded for that."""
    spec = importlib.util.find_spec("llama_cpp")
    package = Path(*spec.submodule_search_locations) if spec and spec.submodule_search_locations else None
    folder = os.environ.get("LLAMA_CPP_LIB_PATH") or (package / "lib" if package else "")
    with os.scandir(folder) as items:
        found = [(item.name, item.stat()) for item in items if item.is_file()]
    return [f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in sorted(found)]
