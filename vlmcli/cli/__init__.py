"""What the user types. `main` is the one place where errors are printed and exit codes are made."""

from __future__ import annotations

import errno
import gc
import os
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from vlmcli.cli.interrupts import never_lost
from vlmcli.errors import (
    EXIT_INTERRUPTED,
    EXIT_OUTPUT,
    EXIT_USAGE,
    OutputError,
    PictureIsFolder,
    UsageError,
    VlmError,
)

_EXIT_CLOSED_PIPE = 141
"""128 + SIGPIPE: what the shell shows of a program whose reader has gone."""
_LONGEST_LINE = 200
_OF_WRITING = (errno.ENOSPC, errno.EFBIG, errno.EIO)
_NEW_OBJECTS = 100_000
"""Python looks for circles among new objects once there are so many, by default 700. A start makes 70,000 that stay: to
look through them again and again took a tenth of it."""
_MEANT = re.compile(r"^No such command .* Did you mean '([\w-]+)'\?$")
_UNKNOWN = re.compile(r"^No such command '(.+)'$")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; `arguments` without the program's name, sys.argv's by default. Returns the exit code."""
    gc.set_threshold(_NEW_OBJECTS)
    with never_lost(), _stdout():
        return _run(arguments)


def _stdout() -> AbstractContextManager[None]:
    if sys.stdout is not None:
        return nullcontext()
    from vlmcli.output.closed import closed_stdout

    return closed_stdout()


def _run(arguments: Sequence[str] | None) -> int:
    typed = list(sys.argv[1:] if arguments is None else arguments)
    try:
        from vlmcli.cli.app import command_line

        code = command_line(typed)(args=typed, prog_name="vlm", standalone_mode=False)
        sys.stdout.flush()
        return code or 0
    except PictureIsFolder as error:
        _show(_with_command(error, typed))
        return error.exit_code
    except VlmError as error:
        _show(error)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _closed_pipe()
    except OSError as error:
        _show(_of_the_system(error))
        return EXIT_OUTPUT
    except SystemExit as ended:  # what typer, or rich in its help, makes of a BrokenPipeError
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        return _closed_pipe()
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's own errors, of a usage that it does not understand
            raise
        if error.format_message():  # a command without arguments has shown its help instead
            _show(_usage_error(error, typed[:1]))
        return EXIT_USAGE


def _usage_error(error: Any, first: Sequence[str]) -> VlmError:
    """What typer found wrong, in our form: its sentence, and the help of the command it is about.

    `first`: the first word that was typed; an option without its value is not said to be of any command.
    """
    from vlmcli.cli.names import NAMES

    sentence = str(error.format_message()).replace("Value error, ", "").rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else " ".join(["vlm", *(word for word in first if word in NAMES)])
    if meant := _MEANT.search(sentence):
        return UsageError(sentence, f"{command} {meant[1]} --help")
    unknown = _UNKNOWN.search(sentence)
    if unknown and command == "vlm" and os.path.lexists(unknown[1]):
        return UsageError(f"{sentence}.", f"vlm describe {shlex.quote(unknown[1])}")
    return UsageError(f"{sentence}.", f"{command} --help")


def _of_the_system(error: OSError) -> OutputError:
    """What nobody lower down has put into words: the file that it is about, or else standard output, if it is that."""
    from vlmcli.output import show_name
    from vlmcli.output.unwritable import cannot_write

    reason = (error.strerror or type(error).__name__).lower()
    if isinstance(error.filename, str | bytes):
        name = show_name(os.fsdecode(error.filename))
        return OutputError(
            f"{name} cannot be used: {reason}.", "See who may read and write it, and whether there is room."
        )
    if _stdout_fails(error):
        _forget_stdout()
        return cannot_write("standard output", error, "Make room there, or send it elsewhere: vlm … > FILE")
    return OutputError(f"The system refuses something: {reason}.", "See what is wrong here: vlm doctor")


def _stdout_fails(error: OSError) -> bool:
    """What could not be written is still in its buffer, and is tried once more; without a buffer it is gone."""
    if getattr(sys.stdout, "write_through", False):
        return error.errno in _OF_WRITING
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return True
    return False


def _with_command(error: VlmError, arguments: Sequence[str]) -> VlmError:
    """A folder in the place of a picture: its hint is the whole line to type, unless that is too long to read."""
    line = shlex.join(["vlm", *arguments[:1], "-r", *arguments[1:]])
    if line.isprintable() and len(line) <= _LONGEST_LINE:
        error.hint = f"Take the pictures in it: {line}"
    return error


def _show(error: VlmError) -> None:
    from vlmcli.output import print_error

    print_error(error)


def _closed_pipe() -> int:
    _forget_stdout()
    return _EXIT_CLOSED_PIPE


def _forget_stdout() -> None:
    from vlmcli.output import silence_stdout

    silence_stdout()
