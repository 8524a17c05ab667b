"""Commands with the settings file behind them, and the tasks that users write into it: `[tasks.product]`."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from vlmcli.cli.helping import Command, Group
from vlmcli.cli.options import MODEL_PARTS, OF_THIS_MACHINE
from vlmcli.cli.settings import with_variables
from vlmcli.cli.values import take_plain_values
from vlmcli.config import LOCAL, RAY, ConfigFile, quietly_read, read_config, read_engines

_STRENGTH = ("DEFAULT", "DEFAULT_MAP", "ENVIRONMENT", "COMMANDLINE")
"""Names of typer's sources of a value, the weakest first."""


class TaskCommand(Command):
    """A command whose options have their defaults in the settings file: typer's `default_map`, filled late."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        helping = extra.get("resilient_parsing") or bool({"-h", "--help"} & set(args))
        if parent is not None and not helping:  # help and completion must work beside a broken file
            extra["default_map"] = _defaults_of(str(info_name))
        try:
            context = super().make_context(info_name, args, parent, **extra)
        except Exception as error:
            _name_the_variable(error)
            raise
        _forget_what_does_not_apply(context)
        return context

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _spare_pydantic(self, ctx)
        return super().parse_args(ctx, args)

    def make_parser(self, ctx: Any) -> Any:
        """With a `--no-stats` for `--stats`: what the file turns on, a flag turns off. Help shows the one half only."""
        switches = [p for p in self.params if getattr(p, "is_bool_flag", False) and not p.secondary_opts]
        taken = {name for parameter in self.params for name in parameter.opts}
        for switch in switches:
            switch.secondary_opts = [name for name in [_opposite(switch.name)] if name not in taken]
        try:
            return super().make_parser(ctx)
        finally:
            for switch in switches:
                switch.secondary_opts = []


def _opposite(name: str) -> str:
    words = name.replace("_", "-")
    return f"--{words[3:]}" if words.startswith("no-") else f"--no-{words}"


def _name_the_variable(error: Any) -> None:
    """Typer says `Invalid value for '--format'` also where nobody has typed that option but set its variable."""
    parameter, context = getattr(error, "param", None), getattr(error, "ctx", None)
    if parameter is None or context is None:
        return
    source = context.get_parameter_source(parameter.name)
    if source is not None and source.name == "ENVIRONMENT":
        error.param_hint = str(parameter.envvar)


def _spare_pydantic(command: Any, context: Any) -> None:
    """What is still being typed is not checked at all: callbacks like that of --version would be called, too."""
    if context.resilient_parsing:
        for parameter in command.get_params(context):
            vars(parameter)["process_value"] = lambda _context, value: value
    else:
        take_plain_values(command, context)


def _defaults_of(command: str) -> dict[str, Any]:
    file = read_config()
    if not file.values:
        return {}
    from vlmcli.cli.settings_file import check, defaults

    check(file)
    return dict(defaults(file, command))


def _forget_what_does_not_apply(context: Any) -> None:
    """`--model demo` does not get the projector that the file names for its own model."""

    def strength(name: str) -> int:
        source = context.get_parameter_source(name)
        return _STRENGTH.index(source.name) if source and source.name in _STRENGTH else 0

    engine = context.params.get("engine")
    if engine not in (None, "", LOCAL, RAY):  # what was said for models here, or for another server
        for name in ("model", *MODEL_PARTS):
            is_typed = strength(name) == len(_STRENGTH) - 1
            if strength(name) < strength("engine") or (name in ("mmproj", "chat_template") and not is_typed):
                context.params[name] = None
        for name in OF_THIS_MACHINE:  # said for good, they are for models here; typed, they get a warning
            if strength(name) < len(_STRENGTH) - 1:
                context.params[name] = None
        if strength("model") < len(_STRENGTH) - 1 and "model" in (read_engines().get(engine) or {}):
            context.params["model"] = None
    for name in MODEL_PARTS:
        if name in context.params and strength(name) < strength("model"):
            context.params[name] = None
    for name in ("top_p", "seed"):  # said for good, they wait for a temperature; typed, they get a warning
        if name in context.params and not context.params.get("temperature") and strength(name) < len(_STRENGTH) - 1:
            context.params[name] = None


class Commands(Group):
    """The commands of vlm, and behind them those of the user's own."""

    def list_commands(self, ctx: Any) -> list[str]:
        built_in, file = super().list_commands(ctx), quietly_read()
        if not file.values:
            return built_in
        from vlmcli.cli.settings_file import task_names

        return [*built_in, *(name for name in task_names(file) if name not in self.commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        if command is None and not cmd_name.startswith("-"):
            from vlmcli.cli.settings_file import check, is_task, table_of, task_names

            file = quietly_read() if ctx.resilient_parsing else read_config()
            if is_task(file, cmd_name) and not ctx.resilient_parsing:
                check(file)
            if cmd_name in task_names(file):
                return user_command(cmd_name, table_of(file, cmd_name).get("help", ""), file)
        return command

    def _main_shell_completion(self, ctx_args: Any, prog_name: str, complete_var: str | None = None) -> None:
        instruction = os.environ.get(complete_var or f"_{prog_name}_COMPLETE".replace("-", "_").upper())
        if instruction:
            from vlmcli.cli.completion import respond

            sys.exit(respond(self, prog_name, instruction))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _spare_pydantic(self, ctx)
        if args and args[0].startswith(("--show-completion", "--install-completion")):
            from vlmcli.cli.completion_scripts import teach_typer

            teach_typer()
        if args and args[0] == "--install-completion" and not ctx.resilient_parsing:
            _install_completion(args[1:])
        return super().parse_args(ctx, args)


def _install_completion(more: list[str]) -> None:
    """In typer's place, for the shells that we have scripts for. Raises UsageError, OutputError."""
    from typer._completion_shared import _get_shell_name

    from vlmcli.cli.completion_install import install, knows

    shell = _get_shell_name() or ""
    if more or knows(shell):
        print(f"{shell} completion installed in {install(shell, more)}")
        print("Completion will take effect once you restart the terminal")
        raise typer.Exit


def user_command(name: str, help: str, file: ConfigFile) -> Any:
    """`vlm NAME PICTURE…`: `describe` with the user's words. Typer's own command, made the moment it is wanted."""
    from vlmcli.cli.settings_file import table_of
    from vlmcli.cli.signatures import with_common

    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    prompt = str(table_of(file, name)["prompt"])
    app.command(
        name,
        cls=TaskCommand,
        help=_plain(str(help) or prompt),
        epilog=f"A task of your own: [{'tasks.' + name}] in {file.path}".replace("[", r"\["),
        rich_help_panel="Your own tasks",
        no_args_is_help=True,
    )(with_variables(with_common(_like_describe(name))))
    return typer.main.get_command(app)


def _plain(words: str) -> str:
    return words.replace("[", r"\[")


def _like_describe(name: str) -> Callable[..., int]:
    """`describe` under another name and without its styles: the prompt, from the file, takes their place."""
    from vlmcli.cli.describe import describe

    @functools.wraps(describe)
    def run(**arguments: Any) -> int:
        return describe(**arguments)

    del vars(run)["__wrapped__"]
    signature = inspect.signature(describe, eval_str=True)
    kept = [parameter for parameter in signature.parameters.values() if parameter.name != "style"]
    vars(run)["__signature__"] = signature.replace(parameters=kept)
    run.__name__, run.__doc__ = name, None
    return run
