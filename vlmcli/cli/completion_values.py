"""What may stand in a place of the command line: called while the user types, so only the standard library here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from vlmcli.config import LOCAL, RAY, quietly_read

PICTURE_EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".dib", ".avif"),
    *(".heic", ".heif", ".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".ico", ".icns", ".psd", ".qoi", ".dds"),
)
_MOST = 2000
"""Names offered of one folder: a shell that is handed a million hangs."""


def _files(incomplete: str, wanted: Callable[[str], bool]) -> list[str]:
    """Folders (ending in a slash) and wanted files that begin so, spelled as the user began; hidden ones on request."""
    folder, start = os.path.split(incomplete)
    prefix = incomplete[: len(incomplete) - len(start)]
    found: list[str] = []
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            for entry in entries:
                if not entry.name.startswith(start) or (entry.name.startswith(".") and not start.startswith(".")):
                    continue
                if not entry.name.isprintable():  # a newline would be two names to the shell
                    continue
                if entry.is_dir():
                    found.append(f"{prefix}{entry.name}/")
                elif wanted(entry.name.lower()):
                    found.append(prefix + entry.name)
                if len(found) >= _MOST:
                    break
    except OSError:
        return []
    return sorted(found)


def pictures(incomplete: str) -> list[str]:
    return _files(incomplete, lambda name: name.endswith(PICTURE_EXTENSIONS))


def any_file(incomplete: str) -> list[str]:
    return _files(incomplete, lambda name: True)


def models(incomplete: str) -> list[str]:
    """Models that are here, by name, and files; once a colon or a whole name is typed, the catalogue's too."""
    here = installed_names(incomplete)
    named = ["demo", *here] if "demo".startswith(incomplete) else here
    known = [name for name, _ in model_names(incomplete) if name not in named] if incomplete else []
    return [*named, *known, *_files(incomplete, lambda name: name.endswith(".gguf") and "mmproj" not in name)]


def model_names(incomplete: str) -> list[tuple[str, str]]:
    """Names that can be pulled, each with a few words."""
    from vlmcli.models.names import complete_names

    return complete_names(incomplete)


def installed_names(incomplete: str) -> list[str]:
    """Names of models that are here, and the user's own."""
    from vlmcli.models.installed import list_installed

    aliases = quietly_read().values.get("aliases")
    named = [found.name for found in list_installed()] + list(aliases if isinstance(aliases, dict) else ())
    return [name for name in named if name.startswith(incomplete)]


def projectors(incomplete: str) -> list[str]:
    """GGUF files; where some are named as projectors, only those."""
    found = _files(incomplete, lambda name: name.endswith(".gguf"))
    named = [name for name in found if name.endswith("/") or "mmproj" in name.lower()]
    return named if any(not name.endswith("/") for name in named) else found


def families(incomplete: str) -> list[str]:
    from vlmcli.models.families import FAMILIES

    return [name for name in FAMILIES if name.startswith(incomplete)]


def engines(incomplete: str) -> list[str]:
    """The servers that the settings file names, and this machine."""
    named = quietly_read().values.get("engines")
    return [name for name in (LOCAL, RAY, *(named if isinstance(named, dict) else ())) if name.startswith(incomplete)]


def gpu_words(incomplete: str) -> list[str]:
    return [word for word in ("auto", "off", "all") if word.startswith(incomplete)]


COMPLETIONS = {
    "model": models,
    "engine": engines,
    "mmproj": projectors,
    "family": families,
    "chat_template": any_file,
    "gpu": gpu_words,
}
"""By the name of the option. Choices come from the option itself."""


_MARKUP = re.compile(r"(?<!\\)\[/?[a-z ]*\]")


def without_markup(help: str) -> str:
    """A help text without rich's tags, on one line."""
    return " ".join(_MARKUP.sub("", help).replace("\\[", "[").split())
