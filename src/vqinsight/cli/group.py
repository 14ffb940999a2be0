"""The list of verbs, each imported when it is called: help and wrong usage answer at once."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

_JUDGE, _TRAIN, _MAKE, _INSPECT = "Judge clips", "Train and evaluate", "Make and align", "Inspect"

# Verb: the module in this folder that holds a function of that name, and its panel in --help; in the order of --help.
VERBS: dict[str, tuple[str, str]] = {
    "score": ("main", _JUDGE),
    "compare": ("main", _JUDGE),
    "rank": ("main", _JUDGE),
    "ask": ("main", _JUDGE),
    "train": ("main", _TRAIN),
    "evaluate": ("evaluate", _TRAIN),
    "align": ("align", _MAKE),
    "generate": ("generate", _MAKE),
    "pairs": ("align", _MAKE),
    "repair": ("align", _MAKE),
    "tables": ("tables", _INSPECT),
    "vbench": ("vbench", _INSPECT),
    "baselines": ("baselines", _INSPECT),
    "data": ("data", _INSPECT),
    "models": ("models", _INSPECT),
    "configs": ("configs", _INSPECT),
    "doctor": ("doctor", _INSPECT),
}


class Command(TyperCommand):
    """A verb; its flags show no type in ``--help``."""

    def get_params(self, ctx: Any) -> list[Any]:
        """All parameters, ``--help`` included."""
        return _plain_flags(super().get_params(ctx))


class Group(TyperGroup):
    """Verbs below a verb."""

    def get_params(self, ctx: Any) -> list[Any]:
        """All parameters, ``--help`` included."""
        return _plain_flags(super().get_params(ctx))


class LazyGroup(Group):
    """``VERBS``, each imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """The verbs, in the order of ``--help``."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb, or ``None`` where there is none of that name."""
        if cmd_name not in VERBS:
            for verb in VERBS:  # typer looks for the nearest name in ``commands``
                self.get_command(ctx, verb)
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _command(cmd_name)
        return self.commands[cmd_name]


def _command(name: str) -> Any:
    module, panel = VERBS[name]
    verb = getattr(import_module(f"vqinsight.cli.{module}"), name)
    if isinstance(verb, typer.Typer):
        app = verb
    else:
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(name, cls=Command)(verb)
    command = cast(Any, typer.main.get_command(app))
    command.name, command.rich_help_panel = name, panel
    return command


def _plain_flags(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""  # else typer shows <bool>
    return parameters
