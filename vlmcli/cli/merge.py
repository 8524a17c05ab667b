"""`vlm merge`"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmcli.errors import UsageError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from vlmcli.output import OutputSettings


def merge(
    parts: Annotated[list[Path], typer.Argument(metavar="PART…", help="What the shards have answered, as jsonl.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The whole, in any format.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
) -> int:
    """Join what several machines have answered (--shard) into one file.

    Checks that no shard is missing, that all were asked the same of the same model, and that no two contradict each
    other. The whole goes on like any other job.
    """
    from contextlib import ExitStack

    from vlmcli.batch.ledger import Ledger
    from vlmcli.batch.merging import read_parts, write_whole
    from vlmcli.batch.rendering import render
    from vlmcli.cli.ledgers import target_of
    from vlmcli.output.streams import say

    with ExitStack() as stack:
        ledger_path = _take_place(output, overwrite, stack)
        merged = read_parts(parts)
        write_whole(merged, ledger_path)
        if ledger_path != target_of(output):
            ledger = Ledger(ledger_path, merged.settings, merged.model)
            ledger.load()
            places = {key: place for place, key in enumerate(ledger.entries)}
            render(ledger, _settings(output, merged.settings), places.__getitem__)
    say(f"vlm: {len(merged.found):,} records of {len(parts)} parts")
    return 0


def _take_place(output: Path, overwrite: bool, stack: ExitStack) -> Path:
    """Where the ledger of the whole will be: at the output, beside it, or, of a stream, in a folder that goes again."""
    from tempfile import TemporaryDirectory

    from vlmcli.batch.lock import locked
    from vlmcli.cli.ledgers import file_of, ledger_of, lock_of, target_of
    from vlmcli.output import OutputSettings, show_name

    if file_of(output) is None:
        return Path(stack.enter_context(TemporaryDirectory(prefix="vlm-"))) / "whole.jsonl"
    ledger_path = ledger_of(OutputSettings(path=output))
    if (target_of(output).exists() or ledger_path.exists()) and not overwrite:
        raise UsageError(f"{show_name(str(output))} is there already.", "Replace it: --overwrite")
    stack.enter_context(locked(output, lock_of(ledger_path)))
    return ledger_path


def _settings(output: Path, asked: Mapping[str, Any]) -> OutputSettings:
    """As a job over all of it would have written it."""
    from vlmcli.cli.options import Common
    from vlmcli.cli.work import output_settings
    from vlmcli.images.wishes import Wish

    return output_settings(Common(output=output), wish=Wish(asked.get("frame")))
