"""What the environment says, as one frozen value; and the user's settings file: where it is, what it says, writing it.

What the keys of that file mean is the command line's business: vlmcli/cli/settings.py.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmcli.errors import OutputError, UsageError
from vlmcli.whole import check_replaceable, replacing

LOCAL = "llama"
"""The engine that needs no naming."""
RAY = "ray"
"""Not an engine that one question can be put to: the workers of a cluster, each of which has the local one."""
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class Settings:
    """VLM_MODEL, VLM_ENGINE, VLM_THREADS and VLM_EXTRA_BUFFERS. An option on the command line wins over each."""

    model: str = ""
    engine: str = ""
    threads: int = 0
    extra_buffers: str = ""
    """llama.cpp's layouts of weights for the processor: full, repacked or plain; "": what was proven to be right."""


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises UsageError for a variable that makes no sense."""
    return Settings(
        model=environment.get("VLM_MODEL", ""),
        engine=environment.get("VLM_ENGINE", ""),
        threads=_number(environment, "VLM_THREADS"),
        extra_buffers=_layout(environment, "VLM_EXTRA_BUFFERS"),
    )


def find_size_bytes(text: str) -> int | None:
    """`500M`, `2G`, `2GB`, `1.5g` in bytes; None for what is no size."""
    text = text.strip().upper().removesuffix("B").removesuffix("I")
    number = text.rstrip("".join(_UNITS))
    try:
        size_bytes = int(float(number) * _UNITS[text[len(number) :].strip()])
    except (ValueError, KeyError, OverflowError):
        return None
    return size_bytes if size_bytes >= 0 else None


def _number(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name, "0") or "0"
    if not value.isdecimal():
        raise UsageError(f"{name} is {value!r}, which is not a number.", f"export {name}=4")
    return int(value)


_LAYOUTS = {
    **dict.fromkeys(("", "auto"), ""),
    **dict.fromkeys(("1", "on", "yes", "true"), "full"),
    "repack": "repacked",
    **dict.fromkeys(("0", "off", "no", "false"), "plain"),
}


def _layout(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if value.lower() not in _LAYOUTS:
        raise UsageError(f"{name} is {value!r}; it is on, repack, off or auto.", f"export {name}=auto")
    return _LAYOUTS[value.lower()]


# --- the file -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The settings file as it is now. Without one, `text` and `values` are empty."""

    path: Path
    text: str
    values: Mapping[str, Any]

    def where(self, *keys: str) -> str:
        """`/home/me/.config/vlm/config.toml, line 3`: for sentences about what is set there."""
        line = self.line_of(*keys)
        return f"{self.path}, line {line}" if line else str(self.path)

    def line_of(self, *keys: str) -> int | None:
        from vlmcli.toml_text import line_of

        return line_of(self.text, keys)


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """VLM_CONFIG, or config.toml in the folder that the platform has for that."""
    named = environment.get("VLM_CONFIG")
    if named:
        return Path(os.path.expanduser(named))
    from platformdirs import user_config_path

    return user_config_path("vlm", appauthor=False) / "config.toml"


def read_config() -> ConfigFile:
    """Raises UsageError for a file that is there and cannot be read."""
    path = config_path()
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return ConfigFile(path, "", {})
    except OSError as error:
        raise UsageError(f"The settings in {path} cannot be read: {error.strerror or error}.", _OTHER_FILE) from None
    except UnicodeDecodeError:
        raise UsageError(f"The settings in {path} cannot be read: it is not UTF-8 text.", _OTHER_FILE) from None
    return ConfigFile(path, text, _parsed(path, text))


def quietly_read() -> ConfigFile:
    """The settings file; none where it is broken, which the command itself will say."""
    try:
        return read_config()
    except UsageError:
        return ConfigFile(Path(), "", {})


def read_aliases() -> Mapping[str, str]:
    """The user's own names of models, `[aliases]` in the settings file. Raises UsageError as `read_config`."""
    return aliases_in(read_config())


def aliases_in(file: ConfigFile) -> Mapping[str, str]:
    found = file.values.get("aliases")
    if not isinstance(found, dict):
        return {}
    return {name: model for name, model in found.items() if isinstance(model, str) and model}


def read_engines() -> Mapping[str, Any]:
    """The servers that have a name, `[engines]` in the settings file. Raises UsageError as `read_config`."""
    found = read_config().values.get("engines")
    return found if isinstance(found, dict) else {}


_OTHER_FILE = "Another file: export VLM_CONFIG=FILE"


def _parsed(path: Path, text: str) -> Mapping[str, Any]:
    import tomllib  # late: most runs have no file

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        place = place.rstrip(")") or "somewhere"
        raise UsageError(f"{path}, {place}: {reason[:1].lower()}{reason[1:]}.", "vlm config edit") from None


def read_config_to_change() -> ConfigFile:
    """As `read_config`, of a file that another may take the place of. Raises OutputError for a device or a pipe."""
    path = config_path()
    try:
        check_replaceable(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    return read_config()


def write_config(path: Path, text: str) -> None:
    """Put `text` in the file, whole or not at all. A link stays a link. Raises OutputError."""
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target, sync=False, mode=0o600) as file:
            file.write(text.encode())
    except UnicodeEncodeError:
        raise UsageError("The value is not text.") from None
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> OutputError:
    in_the_way = next((place for place in path.absolute().parents if os.path.isfile(place)), None)
    reason = f"{in_the_way} is a file, and no folder" if in_the_way else error.strerror or error
    return OutputError(f"The settings in {path} cannot be written: {reason}.", _OTHER_FILE)
