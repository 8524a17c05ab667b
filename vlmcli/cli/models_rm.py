"""`vlm models rm` and `vlm models prune`: room given back, and how much."""

from __future__ import annotations

from collections.abc import Sequence

from vlmcli.cli.ages import seconds_of
from vlmcli.config import read_aliases
from vlmcli.errors import ModelNotFound, UsageError
from vlmcli.models.hub import drop_partials, partials
from vlmcli.models.installed import Installed, find_installed
from vlmcli.models.names import expand_alias, parse_name
from vlmcli.models.removing import Stale, drop_stale, remove_installed, stale_snapshots
from vlmcli.output import show_name
from vlmcli.output.sizes import show_age, show_size


def remove(names: Sequence[str], dry_run: bool) -> int:
    """Raises ModelNotFound, and removes nothing, when one of them is not here."""
    found = [_installed(name) for name in dict.fromkeys(names)]
    for model in found:
        if dry_run:
            for path in (*model.weights, model.projector):
                print(path)
            continue
        freed_bytes = remove_installed(model)
        print(f"Removed {show_name(model.name)}: {show_size(freed_bytes)} freed{_why_less(model, freed_bytes)}.")
    return 0


def _installed(name: str) -> Installed:
    aliases = read_aliases()
    typed = expand_alias(name, aliases)
    wanted = None if typed == "demo" else parse_name(typed)
    if wanted is None:
        what = "in the box and comes with vlm" if typed == "demo" else "a file of your own, which vlm does not remove"
        raise UsageError(f"{name} is {what}.", "vlm models --installed")
    found = find_installed(wanted)
    if found is None:
        raise ModelNotFound(f"{wanted.name} is not on this machine.", "vlm models --installed")
    return found


def _why_less(model: Installed, freed_bytes: int) -> str:
    return "; the rest is used by others" if freed_bytes < model.chosen.size_bytes else ""


def prune(dry_run: bool, older_than: str) -> int:
    """Unfinished downloads, and models at revisions that nothing stands for any more."""
    age_s = seconds_of(older_than, "vlm models prune --older-than 7d")
    unfinished = [leftover for leftover in partials() if leftover.age_s >= age_s]
    stale = list(stale_snapshots())
    for leftover in unfinished:
        words = f"unfinished, {show_size(leftover.size_bytes)}, {show_age(leftover.age_s)}"
        print(f"{show_name(leftover.repo_id)}: {words}")
    for snapshot in stale:
        print(f"{show_name(snapshot.repository.id)}: replaced version {snapshot.repository.commit[:10]}")
    if dry_run:
        return 0
    freed_bytes = drop_partials(unfinished) + _drop_all(stale)
    print(f"{show_size(freed_bytes)} freed.")
    return 0


def _drop_all(stale: Sequence[Stale]) -> int:
    return sum(map(drop_stale, stale))
