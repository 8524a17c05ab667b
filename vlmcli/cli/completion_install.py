"""`vlm --install-completion`: the script where the shell reads it, and the lines in its start file that have it do so.

Typer's own reads the start file as UTF-8 and writes it anew, so that a byte of another encoding ends in a traceback and
a full disk costs the user that file; this only ever adds what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vlmcli.cli.completion_scripts import SCRIPTS
from vlmcli.errors import OutputError, UsageError
from vlmcli.output import show_name
from vlmcli.whole import replacing


@dataclass(frozen=True, slots=True)
class Place:
    """Below the home folder. `lines`: each, and what in the start file says that it is not wanted any more."""

    script: str
    start_file: str = ""
    lines: tuple[tuple[str, str], ...] = ()


_SOURCE = "source '{home}/.bash_completions/vlm.sh'"
_FUNCTIONS = "fpath+=~/.zfunc; autoload -Uz compinit; compinit"
_MENU = "zstyle ':completion:*' menu select"
_PLACES = {
    "bash": Place(".bash_completions/vlm.sh", ".bashrc", ((_SOURCE, _SOURCE),)),
    "zsh": Place(".zfunc/_vlm", ".zshrc", ((_FUNCTIONS, _FUNCTIONS), (_MENU, "zstyle"))),
    "fish": Place(".config/fish/completions/vlm.fish"),
}


def knows(shell: str) -> bool:
    return shell in _PLACES


def install(shell: str, more: Sequence[str] = ()) -> Path:
    """Returns where the script is now. Raises UsageError for `more` words, OutputError."""
    if more:
        hint = "Run it in the shell that it is for: vlm --install-completion"
        raise UsageError(f"--install-completion takes no {show_name(more[0])!r}: it is for the shell you are in.", hint)
    place, home = _PLACES[shell], Path.home()
    script = home / place.script
    try:
        script.parent.mkdir(parents=True, exist_ok=True)
        with replacing(script.resolve(), sync=False) as file:
            file.write(SCRIPTS[shell].encode())
        if place.start_file:
            _add_lines(home / place.start_file, place, home)
    except OSError as error:
        name = show_name(str(error.filename or home / place.start_file))
        raise OutputError(
            f"Cannot write {name}: {(error.strerror or type(error).__name__).lower()}.",
            "Print it, and put it where your shell finds it: vlm --show-completion",
        ) from error
    return script


def _add_lines(start_file: Path, place: Place, home: Path) -> None:
    said = start_file.read_bytes() if start_file.exists() else b""
    filled = [(line.format(home=home), sign.format(home=home)) for line, sign in place.lines]
    missing = [line for line, sign in filled if sign.encode() not in said]
    if missing:
        before = "\n" if said and not said.endswith(b"\n") else ""
        with open(start_file, "ab") as file:
            file.write((before + "".join(f"{line}\n" for line in missing)).encode())
