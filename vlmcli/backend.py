"""Who answers: model files that llama.cpp opens here, or a model that a server has open. `open` gives the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from vlmcli.config import LOCAL, RAY, read_aliases, read_engines
from vlmcli.core import Detail, Eyes, Family, ModelFiles, Reading
from vlmcli.drawing import draw_frames
from vlmcli.engine import ENGINES, Engine, EngineSettings, Looker, open_looker
from vlmcli.engine.detail import has_effect
from vlmcli.engine.identity import thinks
from vlmcli.errors import UsageError
from vlmcli.gguf import read_header
from vlmcli.models import mark_used, resolve_model
from vlmcli.tasks import Brief, Exchange, TaskOptions

if TYPE_CHECKING:
    from vlmcli.cache import Store


@dataclass(frozen=True, slots=True)
class Backend:
    """A model that was found, and how to open it. `fingerprint` is another one when the model is.

    `prove_build`: see Vlm.prove_build; of a server there is nothing to prove.
    """

    name: str
    family: Family
    warnings: tuple[str, ...]
    fingerprint: Callable[[], str]
    open: Callable[[], Engine]
    prove_build: Callable[[bool], str] = lambda to_person: ""
    eyes: Callable[[], Eyes] = lambda: Eyes(0, Reading())
    """How it sees, as far as it is known; it is not of a server's."""
    opened_with: tuple[ModelFiles, EngineSettings] | None = None
    """Of a model here: for what measures it."""
    thinks: Callable[[], bool] = lambda: False
    """Whether it is known to think by itself before it answers."""
    heeds: Callable[[Detail], bool] = lambda detail: detail == "auto"
    """Whether it looks otherwise when asked for this detail."""
    look: Callable[[Detail], Looker] = lambda detail: _cannot_tell()
    """Opens what knows the cost of pictures. Raises UsageError of a model that does not tell."""

    def brief(self, options: TaskOptions, history: tuple[Exchange, ...] | None = None) -> Brief:
        """What a task needs to know of this model and of what was asked for."""
        from vlmcli.images import difference, lay_out, stitch

        return Brief(
            options,
            self.family,
            stitch,
            history,
            lay_out=lambda image: lay_out(image, self.eyes()),
            thinks=options.think and self.thinks(),
            differing=difference,
            draw=draw_frames,
            is_served=self.opened_with is None,
        )

    def in_vain(self, task: str, detail: Detail, think: bool) -> Iterator[str]:
        """See Vlm.in_vain."""
        if not self.heeds(detail):
            yield "detail"
        if think and task == "ocr" and not self.thinks():
            yield "think"


@dataclass(frozen=True, slots=True)
class Named:
    """What the user said of the model."""

    model: str = ""
    mmproj: Path | None = None
    family: str | None = None
    chat_template: Path | None = None


def find_backend(
    engine: str, named: Named, settings: EngineSettings, say: Callable[[str], None] | None = None
) -> Backend:
    """`engine`: llama (or nothing), a server's URL, or a name from the settings file. `say`: see Vlm.

    Raises UsageError, ModelError, ServerError.
    """
    if engine == RAY:
        raise UsageError(
            "A Ray cluster is for many pictures into a file.", "vlm describe FOLDER -r -o out.jsonl --engine ray"
        )
    return _find_local(named, settings) if engine in ("", LOCAL) else _find_served(engine, named, settings, say)


# --- files here ---------------------------------------------------------------------------------------------


def _find_local(named: Named, settings: EngineSettings) -> Backend:
    files = resolve_model(named.model, named.mmproj, named.family, named.chat_template, read_aliases)

    def fingerprint() -> str:
        from vlmcli.cache import digest_of
        from vlmcli.engine.identity import model_identity

        return digest_of(model_identity(files), files.family.name)[:16]

    def open_engine() -> Engine:
        engine = _open_local(files, settings)
        mark_used(files.decoder)
        return engine

    def prove_build(to_person: bool) -> str:
        from vlmcli.engine.identity import types_of
        from vlmcli.engine.safety import check_build, tell_once

        return tell_once(check_build(types_of(files), settings), to_person)

    def eyes() -> Eyes:
        from vlmcli.engine.eyesight import eyes_of

        return eyes_of(files)

    def heeds(detail: Detail) -> bool:
        return has_effect(detail, read_header(files.projector))

    def look(detail: Detail) -> Looker:
        return open_looker(files, settings, detail)

    return Backend(
        files.name,
        files.family,
        files.warnings,
        fingerprint,
        open_engine,
        prove_build,
        eyes=cache(eyes),
        opened_with=(files, settings),
        thinks=cache(lambda: thinks(files)),
        heeds=heeds,
        look=look,
    )


def _open_local(files: ModelFiles, settings: EngineSettings) -> Engine:
    """llama.cpp; behind the answers that are kept, where there is a store."""

    def open_llama() -> Engine:
        return ENGINES[LOCAL](files, settings)

    if settings.store is None:
        return open_llama()
    from vlmcli.cache.answers import RecallingEngine
    from vlmcli.engine.identity import identity_of

    return RecallingEngine(open_llama, settings.store, files.name, lambda: identity_of(files, settings))


def find_store() -> Store | None:
    from vlmcli.cache import open_store

    return open_store()


# --- a server -----------------------------------------------------------------------------------------------


def _find_served(engine: str, named: Named, settings: EngineSettings, say: Callable[[str], None] | None) -> Backend:
    """Answers are not kept: whether the model behind a name is still the same, only the server knows."""
    from vlmcli.engine.server.finding import find_served
    from vlmcli.engine.server.settings import server_settings

    for option, value in (("--mmproj", named.mmproj), ("--chat-template", named.chat_template)):
        if value is not None:
            raise UsageError(f"{option} is for a model here; a server has its own.", "--engine llama answers here")
    model = find_served(server_settings(engine, read_engines()), named.model, _family(named.family), say)

    def fingerprint() -> str:
        from vlmcli.cache import digest_of

        return digest_of("server", model.name, model.family.name)[:16]

    def open_engine() -> Engine:
        from vlmcli.images import encode

        return ENGINES["server"](model, replace(settings, store=None, encode_picture=encode))

    return Backend(model.name, model.family, model.warnings, fingerprint, open_engine)


def _cannot_tell() -> Looker:
    raise UsageError("What its model sees of a picture, a server does not tell.", "--engine llama looks here")


def _family(name: str | None) -> Family:
    """How the model was trained to be asked, where the user knows. The template is the server's in any case."""
    if name is None:
        return Family("server")
    from vlmcli.models.families import FAMILIES

    if name not in FAMILIES:
        raise UsageError(f"There is no family {name!r}.", f"One of: {', '.join(FAMILIES)}")
    return FAMILIES[name]
