"""The Hub: whether models can be fetched from here."""

from __future__ import annotations

from collections.abc import Iterator

from vlmcli.doctor.findings import Finding, Level
from vlmcli.doctor.patient import Patient
from vlmcli.doctor.privacy import host_of
from vlmcli.errors import VlmError

_PATIENCE_S = 4.0
_KNOWN_MODEL = "llava-1.6-mistral-7b"
"""Of the catalogue: what `vlm pull llava` would ask for."""


def hub(patient: Patient) -> Iterator[Finding]:
    """Not asked when the environment forbids it. Without it what is here still works: then it is only a warning."""
    from vlmcli.models.catalogue import CATALOGUE
    from vlmcli.models.hub.connection import host
    from vlmcli.models.hub.layout import is_offline
    from vlmcli.models.hub.reaching import reach_hub

    if is_offline():
        yield Finding("ok", "Hub", "not asked: HF_HUB_OFFLINE is set")
        return
    private = _private_names(host())
    try:
        seconds = reach_hub(CATALOGUE[_KNOWN_MODEL].repo, _PATIENCE_S)
    except VlmError as error:
        level: Level = "warning" if _has_models() else "problem"
        yield Finding(level, "Hub", f"{error.sentence}{_by_proxy()}", error.hint, private)
        return
    yield Finding("ok", "Hub", f"{host()} answers in {seconds * 1000:.0f} ms", private=private)


def _private_names(host: str) -> tuple[str, ...]:
    """A mirror of the user's own is the user's own business."""
    return () if host == "huggingface.co" else (host, host.partition(":")[0])


def _by_proxy() -> str:
    """Who is asked in the Hub's place, and may be the one who does not answer."""
    from urllib.request import getproxies, proxy_bypass

    from vlmcli.models.hub.connection import endpoint

    asked = host_of(endpoint())
    if not asked or proxy_bypass(asked):
        return ""
    proxies = getproxies()
    proxy = host_of(proxies.get(endpoint().partition("://")[0].lower()) or proxies.get("all") or "")
    return f" It is asked by way of the proxy at {proxy}." if proxy else ""


def _has_models() -> bool:
    from vlmcli.models.installed import list_installed

    return next(iter(list_installed()), None) is not None
