"""A conversation on a terminal: `vlm ask PICTURE` without a question."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vlmcli.api import Vlm
from vlmcli.cli.interrupts import handed_to
from vlmcli.cli.options import Common
from vlmcli.cli.pictures import Sources, find_pictures
from vlmcli.cli.work import leave, open_model
from vlmcli.core import ImageRef
from vlmcli.errors import EXIT_OK, OutputError, UsageError, VlmError
from vlmcli.output import OutputSettings, clean_text, open_writer, print_error, show_name
from vlmcli.session import Conversation


@dataclass(frozen=True, slots=True)
class Talk:
    """What the commands work on."""

    vlm: Vlm
    conversation: Conversation
    common: Common
    sources: Sources


def converse(refs: tuple[ImageRef, ...], common: Common, sources: Sources) -> int:
    """Read questions and commands until /quit or Ctrl-D. Ctrl-C stops an answer, and not the program."""
    vlm = open_model(common)
    try:
        talk = Talk(vlm, vlm.conversation_about(refs, common.task_options()), common, sources)
        _say(f"{_names(talk)} · {show_name(vlm.model)} · /help lists the commands, Ctrl-D leaves")
        while (line := _read_line()) is not None:
            if line and not _obey_or_ask(talk, line):
                break
    finally:
        leave(vlm.close)
    return EXIT_OK


def _read_line() -> str | None:
    """A line with the editing and the history that readline gives, None at the end. Ctrl-C clears the line."""
    try:
        import readline  # noqa: F401  input() uses it once it is there; not on every system
    except ImportError:
        pass
    while True:
        try:
            return input("> ").strip()
        except KeyboardInterrupt:
            print()
        except EOFError:
            print()
            return None


def _obey_or_ask(talk: Talk, line: str) -> bool:
    """Do what a line says. False when it was /quit. What goes wrong is said, and the talk goes on."""
    try:
        if line.startswith("/"):
            return _obey(talk, line)
        _ask(talk, line)
    except VlmError as error:
        print_error(error)
    except KeyboardInterrupt:
        pass  # the answer stops; what was said of it stays, on the screen and in the history
    return True


def _ask(talk: Talk, question: str) -> None:
    common = talk.common
    forgotten = talk.conversation.forgotten
    settings = OutputSettings(
        markdown=not common.no_markdown,
        stream=not common.no_stream,
        quiet=common.quiet,
        stats=common.stats,
        thinking=common.think,
    )
    with open_writer(settings) as writer, handed_to(talk.vlm.interrupt):
        for event in talk.conversation.events(question):
            writer.emit(event)
    if talk.conversation.forgotten > forgotten:
        _say("The context is full: the oldest questions and answers were forgotten. The picture was not.")


# --- commands -------------------------------------------------------------------------------------------------


def _obey(talk: Talk, line: str) -> bool:
    try:
        name, *arguments = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"The command cannot be read: {error}.", "Put names with spaces in quotes.") from None
    if name in ("/quit", "/exit", "/q"):
        return False
    if name not in COMMANDS:
        raise UsageError(f"There is no command {show_name(name)}.", "/help")
    COMMANDS[name].run(talk, arguments)
    return True


def _help(talk: Talk, arguments: list[str]) -> None:
    for name, command in COMMANDS.items():
        _say(f"{name:8} {command.what}")
    _say(f"{'/quit':8} leave; so does Ctrl-D. Ctrl-C stops an answer.")


def _image(talk: Talk, arguments: list[str]) -> None:
    if not arguments:
        _say(_names(talk))
        return
    talk.conversation.reset(find_pictures(arguments, talk.sources, all_or_none=True))
    _say(f"Now about {_names(talk)}.")


def _add(talk: Talk, arguments: list[str]) -> None:
    if not talk.vlm.takes_several_pictures:
        raise UsageError(
            f"{talk.vlm.model} was trained on one picture at a time.", "/image FILE looks at another instead"
        )
    added = find_pictures(arguments, talk.sources, all_or_none=True)
    talk.conversation.pictures += added
    _say(f"Now about {_names(talk)}.")


def _reset(talk: Talk, arguments: list[str]) -> None:
    talk.conversation.reset()
    _say(f"Afresh about {_names(talk)}.")


def _save(talk: Talk, arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise UsageError("/save takes one file name.", "/save talk.md")
    path = Path(arguments[0]).expanduser()
    lines = [f"# {_names(talk)}", *(f"**{asked}**\n\n{said}" for asked, said in talk.conversation.history)]
    try:
        with path.open("x", encoding="utf-8", errors="replace") as file:
            file.write(clean_text("\n\n".join(lines)) + "\n")
    except FileExistsError:
        raise OutputError(f"{path} exists already.", "Choose another name; nothing was overwritten.") from None
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}.", "Choose another place.") from None
    _say(f"wrote {show_name(str(path))}")


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


def _names(talk: Talk) -> str:
    return ", ".join(show_name(ref.name) for ref in talk.conversation.pictures)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
