"""What `--engine` means: a URL, or a name with a table of its own in the settings file.

[engines.office]
url = "https://gpu.example.org/v1"      # or: urls = ["http://one:8000", "http://two:8000"]
model = "llava-1.6"                     # where the server has several
key_variable = "OFFICE_KEY"             # the variable that holds the key
headers = { X-Team = "maps" }           # a value that begins with $ names a variable
concurrency = 32                        # else it is found out
picture_limit = "4M"                    # of a picture's file as it is sent
timeout = 300                           # seconds of silence, or of loading the model
patience = 120                          # seconds that many pictures wait for a server that is gone
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vlmcli.config import find_size_bytes
from vlmcli.engine.server.address import Address, parse_address
from vlmcli.errors import UsageError

_EDIT = "vlm config edit"
_SMALLEST_PICTURE_BYTES = 1_000
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_OWN_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """See ServedModel, whose fields these become."""

    addresses: tuple[Address, ...]
    model: str = ""
    key_variable: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 0
    picture_limit_bytes: int = 4_000_000
    silence_s: float = 300.0
    patience_s: float = 120.0


def server_settings(engine: str, tables: Mapping[str, Any]) -> ServerSettings:
    """`engine` as it was given; `tables`: `[engines]` of the settings file. Raises UsageError."""
    if "://" in engine:
        return ServerSettings((parse_address(engine),))
    table = tables.get(engine)
    if table is None:
        known = ", ".join(sorted(tables))
        hint = f"There are: llama, {known}" if known else "A server: --engine http://127.0.0.1:8080"
        raise UsageError(f"There is no engine {engine!r}: it is llama, a URL, or a name from config.toml.", hint)
    return read_table(engine, table)


def read_table(name: str, table: Any) -> ServerSettings:
    """`[engines.NAME]`. Raises UsageError for what means nothing in it."""
    if not isinstance(table, dict):
        raise _wrong(name, "it is not a table")
    for key, value in table.items():
        if key not in KEYS:
            raise _wrong(name, f"there is no setting {key!r}; there are {', '.join(KEYS)}")
        wanted, fits = KEYS[key]
        if not fits(value):
            raise _wrong(name, f"{key} is {wanted}")
    urls = table.get("urls", []) + ([table["url"]] if "url" in table else [])
    if not urls:
        raise _wrong(name, "it names no server", f"vlm config set engines.{name}.url http://127.0.0.1:8080")
    said = {name: take(table[key]) for key, (name, take) in _FIELDS.items() if key in table}
    return ServerSettings(tuple(dict.fromkeys(map(parse_address, urls))), **said)


def parse_size(text: str) -> int | None:
    """`4M` as bytes; None for what is none, or too small for any picture."""
    size_bytes = find_size_bytes(text)
    return size_bytes if size_bytes and size_bytes >= _SMALLEST_PICTURE_BYTES else None


def _is_headers(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(text, str) and _HEADER_NAME.match(name) and name.lower() not in _OWN_HEADERS
        for name, text in value.items()
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


KEYS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "url": ("the address of a server", _is_text),
    "urls": ("a list of addresses", lambda value: isinstance(value, list) and all(map(_is_text, value))),
    "model": ("the name of a model", _is_text),
    "key_variable": ("the name of a variable", lambda value: _is_text(value) and value.isidentifier()),
    "headers": ("a table of names and texts", _is_headers),
    "concurrency": ("a whole number from 1 up to 256", lambda value: type(value) is int and 1 <= value <= 256),
    "picture_limit": ('a size, such as "4M"', lambda value: parse_size(str(value)) is not None),
    "timeout": ("a number of seconds", _is_number),
    "patience": ("a number of seconds", _is_number),
}
"""Keys of a table: what each is, in words, and whether a value will do."""


_FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "model": ("model", str),
    "key_variable": ("key_variable", str),
    "headers": ("headers", dict),
    "concurrency": ("concurrency", int),
    "picture_limit": ("picture_limit_bytes", lambda value: parse_size(str(value))),
    "timeout": ("silence_s", float),
    "patience": ("patience_s", float),
}
"""What becomes of each but the addresses: a field of ServerSettings, and its value."""


def _wrong(name: str, what: str, hint: str = _EDIT) -> UsageError:
    return UsageError(f"[engines.{name}]: {what}.", hint)
