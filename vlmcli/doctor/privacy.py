"""Text for a bug report: without names of people, machines and folders, without tokens and addresses."""

from __future__ import annotations

import getpass
import os
import platform
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

_TOKEN = re.compile(r"\bhf_\w{3,}")
_ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]*)://([^\s/'\"]+)[^\s'\"]*", re.IGNORECASE)
_PUBLIC_HOSTS = ("huggingface.co",)
_PATH = re.compile(r"(?<![\w~.:/])(?:[A-Za-z]:\\|/)[^\s:'\",;()]+")
_OF_THE_SYSTEM = ("/dev/", "/proc/", "/sys/")
_OF_EVERYBODY = (".cache", ".config", ".local", "Library", "AppData")
_SHORTEST_NAME = 2


def without_private(text: str, private: tuple[str, ...] = ()) -> str:
    """`text` as a stranger may read it. `private`: what in it is known to be the user's own."""
    for word in sorted(filter(None, private), key=len, reverse=True):
        text = text.replace(word, _shown_path(word) if os.path.isabs(word) else "[private]")
    text = _ADDRESS.sub(_shown_address, text)
    for folder in _homes():
        text = re.sub(rf"{re.escape(folder)}(?=$|[/\\\s'\",;:.)])", "~", text)
    text = _PATH.sub(lambda found: _shown_path(found[0]), text)
    text = re.sub(r"~[/\\][^\s:'\",;()]+", lambda found: _in_home(found[0]), text)
    for name, shown in _names():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", shown, text, flags=re.IGNORECASE)
    for proxy in _proxies():
        text = text.replace(proxy, "[proxy]")
    for token in _tokens():
        text = text.replace(token, "[token]")
    return _TOKEN.sub("[token]", text)


def _shown_address(found: re.Match[str]) -> str:
    host = found[2].rpartition("@")[2]
    return found[0] if host in _PUBLIC_HOSTS and "@" not in found[2] else f"{found[1]}://[address]"


def _shown_path(path: str) -> str:
    """`~` for what is in the home folder, in folders that everybody has; nothing of any other."""
    for home in _homes():
        if path == home or path.startswith((f"{home}/", f"{home}\\")):
            return _in_home(f"~{path[len(home) :]}")
    return path if path.startswith(_OF_THE_SYSTEM) else "[path]"


def _in_home(path: str) -> str:
    first = re.split(r"[/\\]", path)[1:2]
    return path if not first or first[0] in _OF_EVERYBODY else "~/[path]"


def _homes() -> list[str]:
    home = os.path.expanduser("~")
    found = {home, os.path.realpath(home)} - {"~", "/", ""}
    return sorted(found, key=len, reverse=True)


def _names() -> Iterator[tuple[str, str]]:
    """Of the user and of the machine, and what they are replaced by."""
    for name in {_user(), os.path.basename(os.path.expanduser("~"))}:
        if len(name) >= _SHORTEST_NAME:
            yield name, "[user]"
    for host in {socket.gethostname(), platform.node()}:
        for name in (host, host.partition(".")[0]):
            if len(name) >= _SHORTEST_NAME:
                yield name, "[host]"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _tokens() -> Iterator[str]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if value := os.environ.get(name, "").strip():
            yield value


def _proxies() -> Iterator[str]:
    from urllib.request import getproxies

    for address in getproxies().values():
        if host := host_of(address):
            yield host


def host_of(address: str) -> str:
    """The host of a URL; "" where it names none, or cannot be read."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
