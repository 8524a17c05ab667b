"""`vlm pull`"""

from __future__ import annotations

from typing import Annotated

import typer

from vlmcli.cli.completion_values import model_names

PULL_EXAMPLES = (
    "Examples:\n\nvlm pull llava\n\nvlm pull --dry-run llava-1.6-mistral-7b:Q5_K_M\n\n"
    "vlm pull hf:ggml-org/SmolVLM-500M-Instruct-GGUF:Q8_0"
)

_NAME_HELP = "A name that vlm models lists, NAME:QUANT, or hf:OWNER/REPOSITORY\\[:QUANT]\\[@REVISION]."


def pull(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL…", help=_NAME_HELP, autocompletion=model_names)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show files, sizes and where they would go; fetch nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a large download.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but errors.")] = False,
) -> int:
    """Download models from the Hugging Face Hub: the weights and the projector that belongs to them.

    Files go where all programs of Hugging Face keep them (HF_HOME, HF_HUB_CACHE). A download that was cut off goes on
    where it was; every file is checked against the Hub's checksum before it is used.
    """
    from vlmcli.cli.pulling import confirm, fetch, plan_all, show_plans

    plans = plan_all(names or [])
    if dry_run:
        show_plans(plans)
        return 0
    if not yes:
        confirm(plans)
    for plan in plans:
        fetch(plan, quiet)
    return 0
