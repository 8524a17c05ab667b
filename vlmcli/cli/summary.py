"""How a folder job went: a sentence and a table of reasons on stderr, and the exit code."""

from __future__ import annotations

import sys

from vlmcli.batch.records import error_of_kind
from vlmcli.batch.tally import Tally
from vlmcli.cli.exit_code import ExitCode
from vlmcli.cli.ledgers import file_of
from vlmcli.cli.options import Common, Folder
from vlmcli.errors import EXIT_INTERRUPTED, PictureError, VlmError
from vlmcli.output import is_terminal, print_error, show_name
from vlmcli.output.streams import say

_FEW = 3


def exit_code(tally: Tally) -> int:
    """As for a single command, with what was done before counted in."""
    if tally.interrupted:
        return EXIT_INTERRUPTED
    code = ExitCode()
    code.count_answered(tally.answered + tally.done_before)
    if tally.complaints:
        code.count_error(PictureError(""), tally.complaints)
    for kind, many in tally.kinds_before.items():
        code.count_error(error_of_kind(kind), many)
    for many, error in tally.errors.values():
        code.count_error(error, many)
    return code.code


def how_to_go_on(tally: Tally, common: Common, folder: Folder) -> str:
    """What to type to have the rest: what is remembered, and where, depends on the options."""
    in_file = file_of(common.output) is not None
    if not in_file and folder.sidecar is None:
        return "these answers are in no file, and the same command begins anew; with --output FILE it would go on"
    if not folder.overwrite:
        return "the same command goes on from here"
    if not tally.answered + tally.failed:
        return "nothing was overwritten"
    leaves = "leaves the sidecars that are there"
    if not in_file:
        return f"the same command begins anew; without --overwrite it {leaves}"
    return "the same command without --overwrite goes on from here" + (f", and {leaves}" if folder.sidecar else "")


def summarize(tally: Tally, common: Common, folder: Folder) -> None:
    """Failures are told in any case; a success that is whole and new only to a person."""
    _tell_failures(tally)
    if common.quiet:
        return
    before = tally.done_before + tally.failed_before
    if tally.interrupted or tally.failed or before or is_terminal(sys.stderr):
        _say(_sentence(tally))
    if tally.cut_short:
        _say(f"{tally.cut_short:,} of the answers are cut short (more room: --max-tokens)")
    if tally.outdated:
        _say(f"{tally.outdated:,} of the sidecars keep other words than vlm's, though the picture has changed")
    if tally.undecided:
        _say(f"{tally.undecided:,} not sure enough for a choice (--min-confidence)")
    if tally.interrupted:
        _say(how_to_go_on(tally, common, folder))
    elif tally.failed_before:
        _say("to try those that failed before once more: --retry-failed")


def _sentence(tally: Tally) -> str:
    parts = [f"{tally.answered:,} answered" + (f" ({tally.copied:,} as copies of another)" if tally.copied else "")]
    parts += [f"{tally.failed:,} failed"] if tally.failed else []
    parts += [f"{tally.done_before:,} done before"] if tally.done_before else []
    parts += [f"{tally.failed_before:,} failed before"] if tally.failed_before else []
    return ("stopped: " if tally.interrupted else "") + ", ".join(parts)


def _tell_failures(tally: Tally) -> None:
    """A few as they are, many as a table: how many of a kind, and the first of them."""
    if not tally.failed:
        return
    if tally.failed <= _FEW and all(many == 1 for many, _ in tally.errors.values()):
        for _, error in tally.errors.values():
            print_error(error)
        return
    width = max((len(kind) for kind in tally.errors), default=0)
    _say(f"{tally.failed:,} failed:")
    for kind, (many, error) in sorted(tally.errors.items(), key=lambda item: -item[1][0]):
        sentence = error.sentence if isinstance(error, VlmError) else str(error)
        say(f"  {many:>7,}  {kind:<{width}}  for example: {show_name(sentence)}")


def _say(line: str) -> None:
    say(f"vlm: {line}")
