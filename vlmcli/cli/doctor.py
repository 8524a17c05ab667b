"""`vlm doctor`"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from vlmcli.doctor import Finding, Found

EXAMPLES = (
    "Examples:\n\nvlm doctor\n\nvlm doctor --json > report.json\n\n"
    "Exit codes: 0 all that matters is well (there may be warnings), 1 something does not work."
)
_SCHEMA = 1


def doctor(
    json: Annotated[
        bool, typer.Option("--json", help="For a bug report: without your paths, names, tokens and addresses.")
    ] = False,
    checksums: Annotated[
        bool, typer.Option("--checksums", help="Also read every model and hold it against the Hub's SHA-256.")
    ] = False,
) -> int:
    """Look at this installation, machine and models, and say what to type where something is wrong.

    Takes ten seconds at the most. The Hub is asked whether it answers, unless HF_HUB_OFFLINE is set.
    """
    from vlmcli.doctor import find_all

    started = time.monotonic()
    found = find_all(checksums)
    counts = _print_json(found, started) if json else _print_lines(found)
    return int(counts["problem"] > 0)


def _print_lines(found: Iterable[Found]) -> Counter[str]:
    from vlmcli.output.checklist import print_finding

    counts: Counter[str] = Counter()
    for each in found:
        finding = each.finding
        counts[finding.level] += 1
        print_finding(finding.level, f"{finding.what}: {finding.detail}", finding.fix)
    print(f"\n{_summary(counts)}")
    return counts


def _summary(counts: Counter[str]) -> str:
    said = [_counted(counts[level], level) for level in ("problem", "warning") if counts[level]]
    return f"{' and '.join(said)}." if said else "All is well."


def _counted(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count} {word}s"


def _print_json(found: Iterable[Found], started: float) -> Counter[str]:
    import json

    findings = list(found)
    counts: Counter[str] = Counter(each.finding.level for each in findings)
    report = {
        "schema": _SCHEMA,
        "well": not counts["problem"],
        "problems": counts["problem"],
        "warnings": counts["warning"],
        "seconds": round(time.monotonic() - started, 1),
        "findings": [{"check": each.check, **_public(each.finding)} for each in findings],
    }
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return counts


def _public(finding: Finding) -> dict[str, Any]:
    from vlmcli.doctor import without_private

    def clean(text: str) -> str:
        return without_private(text, finding.private)

    return {
        "level": finding.level,
        "what": clean(finding.what),
        "detail": clean(finding.detail),
        "fix": [clean(line) for line in finding.fix.splitlines()],
    }
