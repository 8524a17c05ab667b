"""`vlm merge`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vlmcli.errors import UsageError


def merge(
    parts: Annotated[list[Path], typer.Argument(metavar="PART…", help="What the shards have answered, as jsonl.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The whole, in any format.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
) -> int:
    """Join what several machines have answered (--shard) into one file.

    Checks that no shard is missing, that all were asked the same of the same model, and that no two contradict each
    other. The whole goes on like any other job.
    """
    from vlmcli.batch.ledger import Ledger
    from vlmcli.batch.lock import locked
    from vlmcli.batch.merging import read_parts, write_whole
    from vlmcli.batch.rendering import render
    from vlmcli.cli.decide import ledger_of, lock_of, target_of
    from vlmcli.output import OutputSettings, show_name
    from vlmcli.output.streams import say

    settings = OutputSettings(path=output)
    target, ledger_path = target_of(output), ledger_of(settings)
    if (target.exists() or ledger_path.exists()) and not overwrite:
        raise UsageError(f"{show_name(str(output))} is there already.", "Replace it: --overwrite")
    merged = read_parts(parts)
    with locked(output, lock_of(ledger_path)):
        write_whole(merged, ledger_path)
        if ledger_path != target:
            ledger = Ledger(ledger_path, merged.settings, merged.model)
            ledger.load()
            places = {key: place for place, key in enumerate(ledger.entries)}
            render(ledger, settings, places.__getitem__, len({question for _, question in places}) > 1)
    say(f"vlm: {len(merged.found):,} records of {len(parts)} parts")
    return 0
