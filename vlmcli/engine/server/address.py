"""The address of a server, out of what was typed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from vlmcli.errors import UsageError

_EXAMPLE = "--engine http://127.0.0.1:8080"
_API = "/v1"
_ENDPOINTS = ("/chat/completions", "/models")


@dataclass(frozen=True, slots=True)
class Address:
    """`path` is what all requests begin with: /v1 where the URL names no other."""

    secure: bool
    host: str
    port: int
    path: str = _API

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.secure else 80)
        return f"{'https' if self.secure else 'http'}://{host}{'' if usual else f':{self.port}'}"

    @property
    def is_here(self) -> bool:
        """It is this machine, so nothing leaves it."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"


def parse_address(url: str) -> Address:
    """`http://host:8080`, with or without /v1. Raises UsageError, which repeats no user, password or query."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise UsageError("The address of the server cannot be read.", _EXAMPLE) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not _is_plain(parts.hostname + parts.path):
        raise UsageError("The address of a server begins with http:// or https:// and names a host.", _EXAMPLE)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            f"The address of the server {parts.hostname} holds more than host, port and path.",
            "A key belongs in a variable that config.toml names: [engines.NAME] url = …, key_variable = …",
        )
    secure = parts.scheme == "https"
    host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    return Address(secure, host, port or (443 if secure else 80), _path_of(parts))


def _is_plain(text: str) -> bool:
    return text.isprintable() and " " not in text


def _path_of(parts: SplitResult) -> str:
    path = parts.path.rstrip("/")
    for endpoint in _ENDPOINTS:
        path = path.removesuffix(endpoint)
    return path or _API
