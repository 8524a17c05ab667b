"""`_VLM_COMPLETE=… vlm`: what a shell asks while the user types, in typer's own protocol.

Typer's answers are replaced for three reasons: its zsh reply is a command line that the shell evaluates, which a file
name with a backslash breaks out of; it loads rich to strip a tag; and options that take a file get no files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vlmcli.cli.completion_scripts import SCRIPTS
from vlmcli.cli.completion_values import any_file, without_markup


def respond(commands: Any, prog_name: str, instruction: str) -> int:
    """Print the script of a shell (`source_bash`) or the words that fit (`complete_bash`). Returns the exit code."""
    verb, _, shell = instruction.partition("_")
    if verb == "source" and shell in SCRIPTS:
        print(SCRIPTS[shell], end="")
        return 0
    if verb != "complete" or shell not in SCRIPTS:
        return 1
    for word, help in completions(commands, prog_name, shell):
        print(f"{word}\t{help}" if help and shell != "bash" else word)
    return 0


def completions(commands: Any, prog_name: str, shell: str) -> Iterator[tuple[str, str]]:
    """(word, what it is) of each word that fits at the end of the line which the shell has put in the environment."""
    from typer._completion_classes import BashComplete, FishComplete

    shell_class = BashComplete if shell == "bash" else FishComplete
    completer = shell_class(commands, {}, prog_name, "")
    args, incomplete = completer.get_completion_args()
    args = [arg for arg in args if arg != "="]  # how bash tells of --style=caption
    prefix = ""
    if incomplete.startswith("--") and "=" in incomplete:  # how the others do; they want the whole word back
        prefix = incomplete[: incomplete.index("=") + 1]
    for item in _items(completer, args, "" if incomplete == "=" else incomplete):
        yield prefix + str(item.value), without_markup(item.help or "")


def _items(completer: Any, args: list[str], incomplete: str) -> Any:
    from typer._click.shell_completion import CompletionItem, _resolve_context, _resolve_incomplete

    context = _resolve_context(completer.cli, {}, completer.prog_name, args)
    place, word = _resolve_incomplete(context, args, incomplete)
    descriptor = getattr(place, "type_descriptor", None)
    custom = getattr(place, "_custom_shell_complete", None)
    if custom is None and descriptor is not None and descriptor.is_path:
        return [CompletionItem(name) for name in any_file(word)]
    return place.shell_complete(context, word)
