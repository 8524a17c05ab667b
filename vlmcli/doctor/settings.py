"""The environment and the settings file: whether they make sense, and whether what they name is here."""

from __future__ import annotations

from collections.abc import Iterator

from vlmcli.config import load_settings, read_aliases, read_config
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
    if not isinstance(named, str) or not named:
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


def _find(name: str) -> None:
    from vlmcli.models.resolve import find_model_named

    found, is_here = find_model_named(name, read_aliases())
    if not is_here:
        raise ModelNotHere(f"{found} is not on this machine.", f"vlm pull {found}", found)
