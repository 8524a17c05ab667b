"""Which options can be set for good, in the environment or in the settings file, and what may stand there.

Nothing is listed twice: a setting is an option of a task, read off the signature that typer reads. Its variable is
VLM_ and its name; its key in the file is its name, at the top for every command or in the command's own table.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from typer.models import OptionInfo, ParameterInfo

from vlmcli.cli.completion_values import COMPLETIONS, pictures
from vlmcli.errors import UsageError

_OF_ONE_CALL = frozenset(
    {"output", "prompt", "question", "questions", "together", "frame", "from_file", "from_jsonl", "null"}
    | {"choices", "schema", "regex", "probs", "calibrate", "min_confidence", "move_to", "link_to"}
    | {"limit", "shard", "overwrite", "retry_failed", "dry_run", "sidecar", "sidecar_dir", "prefix", "suffix"}
    | {"diff", "save", "vs", "rounds", "json"}
)
"""Options about this one call: to set them for good would make a later call do what nobody asked of it."""

_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "text"}
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Setting:
    """One option as a setting. `kind`: bool, int, float, str or Path."""

    name: str
    kind: type
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    default: Any = None
    help: str = ""

    @property
    def variable(self) -> str:
        return f"VLM_{self.name.upper()}"

    @property
    def wanted(self) -> str:
        """What it may be, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        limits = [f"from {self.minimum:g}"] if self.minimum is not None else []
        limits += [f"up to {self.maximum:g}"] if self.maximum is not None else []
        return " ".join([_NAMES[self.kind], *limits])

    def accepts(self, value: Any) -> bool:
        """Whether `value`, as TOML gives it, will do."""
        if self.kind is bool or isinstance(value, bool):
            return self.kind is bool and isinstance(value, bool)
        if self.kind in (int, float):
            number = isinstance(value, int if self.kind is int else int | float)
            return number and isfinite(value) and self._within(value)
        return isinstance(value, str) and (not self.choices or value in self.choices)

    def _within(self, number: Any) -> bool:
        return bool(
            (self.minimum is None or number >= self.minimum) and (self.maximum is None or number <= self.maximum)
        )

    def parse(self, text: str) -> Value:
        """What was typed, as a value. Raises UsageError."""
        value: Value = text
        try:
            if self.kind is bool:
                value = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}.get(text.lower(), text)
            elif self.kind in (int, float):
                value = self.kind(text)
        except ValueError:
            pass
        if not self.accepts(value):
            raise UsageError(f"{self.name} is {self.wanted}, and not {text!r}.", "vlm config --help")
        return value


_KNOWN: dict[str, dict[str, Setting]] = {}
"""The settings of each built-in command, read off its signature once."""


def register(name: str, entry: Callable[..., Any]) -> None:
    """Make the options of the command `name` settings, before typer reads them."""
    found = map(_setting, inspect.signature(entry).parameters.values())
    _KNOWN[name] = {setting.name: setting for setting in found if setting}
    with_variables(entry)


def with_variables(entry: Callable[..., Any]) -> Callable[..., Any]:
    """`entry` with a variable for each setting, and with completion, in what its signature tells typer."""
    for parameter in inspect.signature(entry).parameters.values():
        declared = _declared(parameter.annotation)
        if declared is None:
            continue
        if declared.autocompletion is None:
            offered = COMPLETIONS.get(parameter.name)
            declared.autocompletion = offered if isinstance(declared, OptionInfo) else pictures
        setting = _setting(parameter)
        if declared.envvar is None and setting and is_shared(setting):
            declared.envvar = f"VLM_{parameter.name.upper()}"
            declared.show_envvar = False  # one sentence instead of one a line
    return entry


def settings_of(command: str) -> dict[str, Setting]:
    """The settings of a built-in command; {} for a name that is none."""
    return _KNOWN.get(command, {})


def all_settings() -> dict[str, Setting]:
    """What can be set for every command at once. A name with other choices elsewhere (`ocr --style`) is the first's."""
    found: dict[str, Setting] = {}
    for known in _KNOWN.values():
        found = known | found
    return found


def is_shared(setting: Setting) -> bool:
    """Whether what is set for every command is meant for this one, too."""
    shared = next((known[setting.name] for known in _KNOWN.values() if setting.name in known), setting)
    return shared.choices == setting.choices


def settings_of_tasks() -> dict[str, Setting]:
    """What a table of the user's own task may say: options of `describe` but its style, and its own words."""
    own = {name: Setting(name, str) for name in ("prompt", "help")}
    return {name: setting for name, setting in settings_of("describe").items() if name != "style"} | own


def setting_for(keys: tuple[str, ...]) -> Setting:
    """The setting of a key of the file: ("model",), ("describe", "style"), ("tasks", NAME, "prompt"). Or UsageError."""
    if len(keys) == 2 and keys[0] == "aliases":
        return Setting(keys[1], str)
    if len(keys) == 3 and keys[0] == "tasks":
        known = settings_of_tasks()
    elif len(keys) == 3 and keys[0] == "engines":
        known = {name: Setting(name, kind) for name, kind in _OF_ENGINES.items()}
    else:
        known = all_settings() if len(keys) == 1 else settings_of(keys[0]) if len(keys) == 2 else {}
    if keys[-1] not in known:
        raise UsageError(f"There is no setting {'.'.join(keys)}.", _likely_key(keys, known))
    return known[keys[-1]]


_OF_ENGINES: dict[str, type] = {"url": str, "model": str, "key_variable": str, "picture_limit": str}
_OF_ENGINES |= {"concurrency": int, "timeout": float, "patience": float}
"""What `vlm config set engines.NAME.KEY` sets; lists and tables are written with `vlm config edit`."""


def _likely_key(keys: tuple[str, ...], known: dict[str, Setting]) -> str:
    from difflib import get_close_matches

    names = [".".join((*keys[:-1], name)) for name in known] or [
        f"{command}.{name}" for command, settings in _KNOWN.items() for name in settings
    ]
    match = get_close_matches(".".join(keys), names, n=1)
    return f"Did you mean {match[0]}?" if match else "vlm config shows all there are."


def commands_with_settings() -> list[str]:
    return list(_KNOWN)


def _declared(annotation: Any) -> ParameterInfo | None:
    """The typer.Option or typer.Argument of a parameter."""
    found = (part for part in getattr(annotation, "__metadata__", ()) if isinstance(part, ParameterInfo))
    return next(found, None)


def _setting(parameter: inspect.Parameter) -> Setting | None:
    """The setting that a parameter is; None for arguments, lists, and options about one call."""
    option = _declared(parameter.annotation)
    if not isinstance(option, OptionInfo) or parameter.name in _OF_ONE_CALL or option.hidden:
        return None
    kind = get_args(parameter.annotation)[0] if get_origin(parameter.annotation) is Annotated else parameter.annotation
    if NoneType in get_args(kind):
        kind = next(part for part in get_args(kind) if part is not NoneType)
    choices = tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()
    if not choices and kind not in _NAMES:
        return None
    return Setting(
        parameter.name,
        str if choices else kind,
        choices,
        option.min,
        option.max,
        parameter.default,
        option.help or "",
    )
