"""The child's part of a trial: the model in the box, quantized here, looks at pictures whose colours are known.

Started by engine/trial.py. It says one line of JSON for each type, in order, and may die at any of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from vlmcli import demo
from vlmcli.cache import fingerprint
from vlmcli.core import Failed, Family, Finished, LoadedImage, ModelFiles, Picture, Request, Sampling, Text, Turn
from vlmcli.engine import EngineSettings
from vlmcli.engine.llama import logs
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.engine import LlamaEngine
from vlmcli.engine.modes import Mode
from vlmcli.engine.offload_wish import AUTO, NO_GPU, OffloadWish
from vlmcli.errors import DoesNotFit, VlmError
from vlmcli.gguf import read_header

_SIDE = 96
_FTYPES = {  # llama.h, enum llama_ftype
    "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K": 12, "Q4_K": 15, "Q5_K": 17, "Q6_K": 18,
    "IQ4_NL": 25, "IQ3_S": 26, "IQ4_XS": 30, "MXFP4": 38,
}  # fmt: skip
_COLOURS = {"yellow": (250, 230, 40), "blue": (30, 70, 220), "red": (220, 30, 30), "white": (250, 250, 250)}
_KNOWN = (
    ("What colour is the background?", "yellow", "red", "yellow"),
    ("What colour is the background?", "blue", "white", "blue"),
    ("What colour is the square?", "white", "red", "red"),
)
"""Questions, the colours of the background and of the square, and the word of the answer."""
_ANSWER_TOKENS = 8
_HOUR_S = 3600
_MISTAKES_ALLOWED = 1
"""Of the small model, quantized coarsely; a kernel that computes nonsense makes no answer right."""


def main() -> None:
    """Try what was ordered, and leave; at once when nobody listens any more."""
    outbox = _take_stdout()
    _leave_no_core()
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    asked = json.loads(sys.argv[1])
    with contextlib.suppress(BrokenPipeError), _folder(asked["folder"]) as folder:
        for type in asked["types"]:
            said = {"type": type} | _try(type, folder, Mode(asked["mode"]), asked["gpu"])
            outbox.write(json.dumps(said).encode() + b"\n")
            outbox.flush()


def _try(type: str, folder: Path, mode: Mode, gpu: bool) -> dict[str, str]:
    try:
        model = quantized(type, folder)
    except (OSError, VlmError) as error:
        return {"untried": str(error)}
    wish = OffloadWish(AUTO) if gpu else NO_GPU
    try:
        return {"failure": _failure(model, EngineSettings(threads=1, mode=mode, offload=wish))}
    except DoesNotFit as error:
        return {"untried": error.sentence.rstrip(".")}
    except VlmError as error:
        return {"failure": error.sentence.rstrip(".")}


def _failure(model: Path, settings: EngineSettings) -> str:
    """Ask one question alone and then all side by side, which go through other kernels. "" when all is right."""
    engine = LlamaEngine(ModelFiles("demo", model, demo.PROJECTOR, Family("demo")), settings)
    questions = [_request(number) for number in range(len(_KNOWN))]
    right = 0
    for requests in (questions[:1], questions):
        for event in engine.stream(requests):
            if isinstance(event, Failed):
                raise event.error if isinstance(event.error, VlmError) else VlmError(str(event.error))
            if isinstance(event, Finished):
                right += _KNOWN[event.id][3] in event.answer.text.lower()
    engine.close()
    return "" if right + _MISTAKES_ALLOWED > len(questions) else "wrong answers"


def _request(number: int) -> Request:
    question, background, square, _word = _KNOWN[number]
    parts = (Picture(_drawn(background, square)), Text(question))
    return Request(number, (Turn("user", parts),), Sampling(max_tokens=_ANSWER_TOKENS))


def _drawn(background: str, square: str) -> LoadedImage:
    """A square in the middle of a picture."""
    around, inside = bytes(_COLOURS[background]), bytes(_COLOURS[square])
    third = _SIDE // 3
    empty, crossed = around * _SIDE, around * third + inside * third + around * third
    rgb = empty * third + crossed * third + empty * third
    return LoadedImage(f"{square} on {background}", _SIDE, _SIDE, rgb, hashlib.sha256(rgb).hexdigest())


# --- the model ----------------------------------------------------------------------------------------------


def quantized(type: str, folder: Path) -> Path:
    """The decoder in the box with its matrices in `type`: from `folder`, or made there. Raises VlmError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{fingerprint(demo.DECODER)[:16]}-{type}.gguf"
    if _is_whole(path, type):
        return path
    new = path.with_name(f".{os.getpid()}-{path.name}")
    params = llama.llama_model_quantize_default_params()
    params.ftype, params.pure, params.nthread = _FTYPES[type], True, 1
    logs.install(verbose=False)
    logs.forget()
    try:
        failed = llama.llama_model_quantize(os.fsencode(demo.DECODER), os.fsencode(new), ctypes.byref(params))
        if failed or not _is_whole(new, type):
            raise VlmError(f"llama.cpp cannot quantize the model in the box as {type}: {logs.reason() or 'no reason'}")
        os.replace(new, path)
        _remove_old(folder, path.name.partition("-")[0])
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
    return path


def _remove_old(folder: Path, current: str) -> None:
    """Those of another model in the box, and what a process left half made an hour ago."""
    for path in folder.glob("*.gguf"):
        with contextlib.suppress(OSError):
            half_made = path.name.startswith(".")
            if time.time() - path.stat().st_mtime > _HOUR_S if half_made else not path.name.startswith(current):
                path.unlink()


def _is_whole(path: Path, type: str) -> bool:
    try:
        return type in read_header(path).weight_types
    except (OSError, VlmError):
        return False


# --- the process --------------------------------------------------------------------------------------------


def _folder(named: str) -> Any:
    """Where quantized models stay; where nothing is kept, a folder that goes with us."""
    return contextlib.nullcontext(Path(named)) if named else _passing_folder()


@contextlib.contextmanager
def _passing_folder() -> Any:
    with tempfile.TemporaryDirectory(prefix="vlm-trial-") as folder:
        yield Path(folder)


def _take_stdout() -> BinaryIO:
    """The pipe for ourselves: what a library prints does not come between our lines."""
    outbox = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return outbox


def _leave_no_core() -> None:
    """A death here is expected: no core file, which would lie in the user's folder."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _leave_with_parent() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(1)
