"""`vlm models`: what can be had, what is here, and what is kept of it."""

from __future__ import annotations

from typing import Annotated

import typer

from vlmcli.cli.completion_values import installed_names, model_names
from vlmcli.errors import UsageError

models = typer.Typer(
    help="List the models that can be had and those that are here; show, name and remove them.",
    epilog=(
        "Examples:\n\nvlm models --installed\n\nvlm models show llava-1.6-mistral-7b\n\n"
        "vlm models default llava-1.6-mistral-7b\n\nvlm models alias small smolvlm-500m"
    ),
    rich_markup_mode="rich",
)

_JSON = Annotated[bool, typer.Option("--json", help="As JSON.")]
_INSTALLED = Annotated[str, typer.Argument(metavar="MODEL", autocompletion=installed_names)]


@models.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    installed: Annotated[bool, typer.Option("--installed", help="Only those that are on this machine.")] = False,
    json: _JSON = False,
) -> None:
    """List the models that can be had and those that are here; show, name and remove them."""
    if context.invoked_subcommand is not None:
        return
    from vlmcli.cli.models_table import print_json, print_table, rows_of

    rows = rows_of(installed)
    print_json(rows) if json else print_table(rows)


@models.command()
def show(model: _INSTALLED, json: _JSON = False) -> int:
    """Read what is on disk of a model: both headers, files, revision, checksums."""
    from vlmcli.cli.models_show import print_facts

    print_facts(model, json)
    return 0


@models.command()
def default(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name or a file.", autocompletion=installed_names)],
) -> int:
    """Use this model wherever none is named: the setting `model` in the settings file."""
    from vlmcli.cli.models_names import set_default

    return set_default(model)


@models.command()
def alias(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The name of your own.")] = None,
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="What it stands for.", autocompletion=model_names)
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Forget NAME.")] = False,
) -> int:
    """Give a model a name of your own; without arguments, list those names."""
    from vlmcli.cli.models_names import forget_alias, print_aliases, set_alias

    if name is None:
        return print_aliases()
    if remove:
        return forget_alias(name)
    if model is None:
        raise UsageError(f"There is no model for the name {name}.", f"vlm models alias {name} MODEL")
    return set_alias(name, model)


@models.command()
def rm(
    names: Annotated[list[str], typer.Argument(metavar="MODEL…", autocompletion=installed_names)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; remove nothing.")] = False,
) -> int:
    """Remove models from this machine: what nothing else uses of them."""
    from vlmcli.cli.models_rm import remove

    return remove(names, dry_run)


@models.command()
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; remove nothing.")] = False,
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Only unfinished downloads that nobody touched for so long: 7d, 12h.")
    ] = "0s",
) -> int:
    """Remove what no model needs: unfinished downloads, and versions that a newer pull has replaced."""
    from vlmcli.cli.models_rm import prune as prune_all

    return prune_all(dry_run, older_than)
