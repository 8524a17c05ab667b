"""The environment and the settings file: whether they make sense, and whether what they name is here."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from vlmcli.config import LOCAL, RAY, load_settings, read_aliases, read_config
from vlmcli.doctor.findings import Finding
from vlmcli.doctor.patient import Patient
from vlmcli.errors import ModelNotHere, VlmError
from vlmcli.output import show_name


def settings(patient: Patient) -> Iterator[Finding]:
    """Raises UsageError for what cannot be read: a finding as it is."""
    load_settings()
    file = read_config()
    where = f"in {file.path}" if file.text else "none: everything is as it comes"
    private = (str(file.path),)
    named = load_settings().model or file.values.get("model")
    if not isinstance(named, str) or not named or _engine():  # a server's models are the server's
        yield Finding("ok", "settings", where, private=private)
        return
    detail = f"{where if file.text else 'in the environment'}, the model is {named}"
    try:
        _find(named)
    except ModelNotHere as error:
        yield Finding("warning", "settings", f"{detail}, which is not here", error.hint, (*private, named))
    except VlmError as error:
        yield Finding("problem", "settings", f"{detail}: {show_name(error.sentence)}", error.hint, (*private, named))
    else:
        yield Finding("ok", "settings", detail, private=(*private, named))


def server(patient: Patient) -> Iterator[Finding]:
    """The server that answers in place of llama.cpp here, where one is set."""
    if not (engine := _engine()):
        return
    from vlmcli.backend import Named, find_backend
    from vlmcli.engine import EngineSettings

    try:
        backend = find_backend(engine, Named(load_settings().model), EngineSettings())
    except VlmError as error:
        yield Finding("problem", "server", error.sentence, error.hint, _words_of(engine))
        return
    yield Finding("ok", "server", f"{engine} answers with {backend.name}", private=(*_words_of(engine), backend.name))


def _engine() -> str:
    """What VLM_ENGINE or the settings file names, if that is a server."""
    named = load_settings().engine or read_config().values.get("engine")
    return named if isinstance(named, str) and named not in (LOCAL, RAY) else ""


def _words_of(engine: str) -> tuple[str, ...]:
    """A server's address is nobody else's business."""
    try:
        address = urlsplit(engine)
    except ValueError:
        return (engine,)
    return tuple(filter(None, (engine, address.netloc, address.hostname)))


def _find(name: str) -> None:
    from vlmcli.models.resolve import find_model_named

    found, is_here = find_model_named(name, read_aliases())
    if not is_here:
        raise ModelNotHere(f"{found} is not on this machine.", f"vlm pull {found}", found)
