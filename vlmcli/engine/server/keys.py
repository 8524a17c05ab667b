"""Keys: where one comes from, for whom it is, and that it is never said.

A key goes to no host that it was not meant for: the variable that a table of config.toml names is for that table's
servers, a keyring's entry for the host that it is filed under, OPENAI_API_KEY for api.openai.com, VLM_API_KEY for
this machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from vlmcli.engine.server.address import Address
from vlmcli.errors import UsageError

OPENAI_HOST = "api.openai.com"
_SERVICE = "vlm"
_HIDDEN = "(hidden)"
_SHORTEST_SECRET = 4


class Secrets:
    """Headers that say who we are, and words that are never to be shown. Its own text shows none of them."""

    def __init__(self, headers: Mapping[str, str], words: Iterable[str]) -> None:
        self.headers = dict(headers)
        self._words = sorted({word for word in words if len(word) >= _SHORTEST_SECRET}, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """`text`, which may be a server's and repeat what we sent, without them."""
        for word in self._words:
            text = text.replace(word, _HIDDEN)
        return text

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self.headers)})"


def find_secrets(address: Address, key_variable: str, headers: Mapping[str, str]) -> Secrets:
    """For one server. Raises UsageError for a variable that is not set, or a key that cannot be sent."""
    key = _named(key_variable) if key_variable else _find_key(address)
    own = {name: _named(value[1:]) if value.startswith("$") else value for name, value in headers.items()}
    for name, value in {**own, "the key": key}.items():
        if not value.isascii() or not value.isprintable():
            raise UsageError(f"The value of {name} for {address.origin} holds signs that cannot be sent.")
    if key and not any(name.lower() == "authorization" for name in own):
        own["Authorization"] = f"Bearer {key}"
    values = [part for value in own.values() for part in (value, value.removeprefix("Bearer "))]
    return Secrets(own, [key, *values])


def _named(variable: str) -> str:
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UsageError(f"The variable {variable}, which should hold a key, is not set.", f"export {variable}=…")
    return key


def _find_key(address: Address) -> str:
    """A key that is for this host by its nature; "" where there is none."""
    if address.is_here:
        return os.environ.get("VLM_API_KEY", "").strip() or _in_keyring(address.host)
    if address.host == OPENAI_HOST and address.secure and os.environ.get("OPENAI_API_KEY"):
        return os.environ["OPENAI_API_KEY"].strip()
    return _in_keyring(address.host)


def _in_keyring(host: str) -> str:
    """`keyring set vlm HOST` put it there. A keyring that is locked or broken is as none."""
    from importlib import import_module, util

    if util.find_spec("keyring") is None:
        return ""
    try:
        keyring: Any = import_module("keyring")
        return str(keyring.get_password(_SERVICE, host) or "")
    except Exception:  # its backends raise what they like
        return ""
