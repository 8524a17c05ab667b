"""A conversation on a terminal: `vlm ask PICTURE` without a question."""

from __future__ import annotations

from vlmcli.cli.conversation_commands import Talk, look_at, names, obey
from vlmcli.cli.interrupts import handed_to
from vlmcli.cli.options import Common
from vlmcli.cli.pictures import Sources
from vlmcli.cli.work import leave, open_model
from vlmcli.core import ImageRef
from vlmcli.errors import EXIT_OK, VlmError
from vlmcli.output import OutputSettings, open_writer, print_error, show_name
from vlmcli.output.streams import say


def converse(refs: tuple[ImageRef, ...], common: Common, sources: Sources) -> int:
    """Read questions and commands until /quit or Ctrl-D. Ctrl-C stops an answer, and not the program."""
    look_at(refs)
    vlm = open_model(common)
    try:
        talk = Talk(vlm, vlm.conversation_about(refs, common.task_options()), common, sources.of_others())
        _edit_lines()
        say(f"{names(talk)} · {show_name(vlm.model)} · /help lists the commands, Ctrl-D leaves")
        while (line := _read_line()) is not None:
            if line and not _obey_or_ask(talk, line):
                break
    finally:
        leave(vlm.close)
    return EXIT_OK


def _edit_lines() -> None:
    """What is typed can be edited and called back, and lines that are pasted together are one question."""
    try:
        import readline  # input() uses it once it is there
    except ImportError:
        return  # not on every system
    readline.parse_and_bind("set enable-bracketed-paste on")


def _read_line() -> str | None:
    """What was typed up to Enter, None at the end. Ctrl-C clears the line."""
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
            return obey(talk, line)
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
        say("The context is full: the oldest questions and answers were forgotten. The picture was not.")
