"""Requests in, events out: `ENGINES[name](files, settings)` opens one; `Engine.stream(requests)` is all it does.

The rooms here are pure Python (scheduler, fit, text, repetition); `llama/` is the only door to llama.cpp, and
`server/` the only one to servers that have a model open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vlmcli.core import (
    Detail,
    Device,
    Event,
    LlamaBuild,
    LoadedImage,
    Measured,
    ModelFiles,
    Request,
    Seen,
    ServedModel,
)
from vlmcli.engine.modes import Mode
from vlmcli.engine.offload_wish import NO_WISH, OffloadWish

if TYPE_CHECKING:
    from vlmcli.cache import Store


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How an engine runs. Zeros and None mean: what the engine finds best."""

    threads: int = 0
    threads_batch: int = 0
    """For reading prompts in and for looking at pictures; 0: as many as `threads`."""
    parallel: int = 0
    """Answers in work at once, at the most."""
    verbose: bool = False
    mode: Mode | None = None
    """How weights are put in memory; None: the quickest way that this build was proven to do right."""
    offload: OffloadWish = NO_WISH
    kv_type: str = "f16"
    """Numbers of the KV cache: f16, or q8_0, which takes half the memory and wants flash attention."""
    check_memory: bool = True
    """Refuse weights that do not fit into the memory that is free."""
    store: Store | None = None
    """Where rows and read-in pictures are kept between runs; None: nowhere."""
    encode_picture: Callable[[LoadedImage, int], tuple[str, bytes]] | None = None
    """A picture as a file of so many bytes at the most, (media type, bytes): for engines that send it somewhere."""


class Engine(Protocol):
    """Something that answers requests, many at once, in no particular order."""

    def stream(self, requests: Iterable[Request | None]) -> Iterator[Event]:
        """Answer all requests; each ends in one Finished or Failed.

        `requests` may yield None for "nothing right now": it is asked again after the next event. Ctrl-C in the
        middle ends what is in flight as `interrupted` and then raises KeyboardInterrupt.
        """
        ...

    def interrupt(self) -> bool:
        """From a signal handler: end the stream under way as Ctrl-C does, wherever its reader is just now.

        False when it cannot take it (no stream, a picture is being read, or it was told already): raise
        KeyboardInterrupt then.
        """
        ...

    def close(self) -> bool:
        """Free everything. False: a computation that cannot be stopped still runs, so nothing was freed."""
        ...


def _open_llama(files: ModelFiles, settings: EngineSettings) -> Engine:
    from vlmcli.engine.llama import LlamaEngine

    return LlamaEngine(files, settings)


def _open_server(model: ServedModel, settings: EngineSettings) -> Engine:
    from vlmcli.engine.server.engine import ServerEngine

    assert settings.encode_picture is not None
    return ServerEngine(model, settings.encode_picture, settings.parallel)


ENGINES: Mapping[str, Callable[[Any, EngineSettings], Engine]] = {
    "llama": _open_llama,
    "server": _open_server,
}
"""Each takes its kind of model: ModelFiles, a ServedModel."""


class Looker(Protocol):
    """Something that knows what a picture will cost, without answering."""

    def look(self, image: LoadedImage) -> Seen: ...
    def close(self) -> None: ...


def open_looker(files: ModelFiles, settings: EngineSettings, detail: Detail) -> Looker:
    """The projector, and of the decoder its vocabulary alone. Raises VlmError."""
    from vlmcli.engine.llama.looking import LlamaLooker

    return LlamaLooker(files, settings, detail)


def list_devices() -> tuple[Device, ...]:
    """What this build of llama.cpp can use on this machine, now. Some 50 ms: the library is loaded."""
    from vlmcli.engine.llama.device_list import list_devices

    return list_devices()


def describe_build() -> LlamaBuild:
    """What the installed llama.cpp says of itself. It is loaded, which may end a process: ask in a child."""
    from vlmcli.engine.llama.build_facts import describe_build

    return describe_build()


def measure(files: ModelFiles, settings: EngineSettings, image: LoadedImage) -> Iterator[Measured]:
    """How quick each phase of an answer about this picture is, one after the other. Raises VlmError."""
    from vlmcli.engine.llama.benching import measure

    return measure(files, settings, image)
