"""What a person types after a slash in a conversation on a terminal."""

from __future__ import annotations

import glob
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vlmcli.api import Vlm
from vlmcli.cli.options import Common
from vlmcli.cli.pictures import Sources, find_pictures
from vlmcli.core import ImageRef
from vlmcli.errors import OutputError, PictureIsFolder, UsageError
from vlmcli.images import load
from vlmcli.output import clean_text, show_name
from vlmcli.output.streams import say
from vlmcli.output.unwritable import cannot_write
from vlmcli.session import Conversation
from vlmcli.whole import replacing


@dataclass(frozen=True, slots=True)
class Talk:
    """What the commands work on."""

    vlm: Vlm
    conversation: Conversation
    common: Common
    sources: Sources


def names(talk: Talk) -> str:
    return ", ".join(show_name(ref.name) for ref in talk.conversation.pictures)


def obey(talk: Talk, line: str) -> bool:
    """Do what a line after a slash says. False when it was /quit."""
    try:
        name, *arguments = map(os.path.expanduser, shlex.split(line))
    except ValueError as error:
        raise UsageError(f"The command cannot be read: {error}.", "Put names with spaces in quotes.") from None
    if name in ("/quit", "/exit", "/q"):
        return False
    if name not in COMMANDS:
        raise UsageError(f"There is no command {show_name(name)}.", "/help")
    try:
        COMMANDS[name].run(talk, arguments)
    except PictureIsFolder as error:
        error.hint = f"Take the pictures in it: {name} {_all_in(error.folder)}"
        raise
    return True


def _all_in(folder: str) -> str:
    """The pattern for what is in a folder, as `obey` takes it."""
    return shlex.quote(glob.escape(folder.rstrip("/"))) + "/*"


def _help(talk: Talk, arguments: list[str]) -> None:
    for name, command in COMMANDS.items():
        say(f"{name:8} {command.what}")
    say(f"{'/quit':8} leave; so does Ctrl-D. Ctrl-C stops an answer.")


def _image(talk: Talk, arguments: list[str]) -> None:
    if not arguments:
        say(names(talk))
        return
    talk.conversation.reset(_find(talk, arguments))
    say(f"Now about {names(talk)}.")


def _add(talk: Talk, arguments: list[str]) -> None:
    if not talk.vlm.takes_several_pictures:
        raise UsageError(
            f"{talk.vlm.model} was trained on one picture at a time.", "/image FILE looks at another instead"
        )
    if not arguments:
        raise UsageError("/add takes the name of a picture.", "/add FILE")
    talk.conversation.pictures += _find(talk, arguments)
    say(f"Now about {names(talk)}.")


def _find(talk: Talk, arguments: list[str]) -> tuple[ImageRef, ...]:
    return look_at(find_pictures(arguments, talk.sources, all_or_none=True))


def look_at(refs: tuple[ImageRef, ...]) -> tuple[ImageRef, ...]:
    """The same, each decoded once as every question will do it. Raises the PictureError of one that cannot be."""
    for ref in refs:
        load(ref)
    return refs


def _reset(talk: Talk, arguments: list[str]) -> None:
    talk.conversation.reset()
    say(f"Afresh about {names(talk)}.")


def _save(talk: Talk, arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise UsageError("/save takes one file name.", "/save talk.md")
    path = Path(arguments[0])
    if os.path.lexists(path):
        raise OutputError(f"{path} exists already.", "Choose another name; nothing was overwritten.")
    try:
        with replacing(path) as file:
            file.write(_as_markdown(talk).encode("utf-8", "replace"))
    except OSError as error:
        raise cannot_write(path, error, "Choose another place.") from None
    say(f"wrote {show_name(str(path))}")


def _as_markdown(talk: Talk) -> str:
    exchanges = (f"**{asked}**\n\n{said}" for asked, said in talk.conversation.said)
    return clean_text("\n\n".join([f"# {names(talk)}", *exchanges])) + "\n"


@dataclass(frozen=True, slots=True)
class Command:
    """What a person types after a slash."""

    what: str
    run: Callable[[Talk, list[str]], None]


COMMANDS: Mapping[str, Command] = {
    "/image": Command("FILE… look at this instead, and start afresh", _image),
    "/add": Command("FILE… look at this too; what was said stays", _add),
    "/reset": Command("forget what was said", _reset),
    "/save": Command("FILE write the talk as Markdown", _save),
    "/help": Command("this list", _help),
}
