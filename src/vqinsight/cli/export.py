"""``vqinsight export``: a training for another engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqinsight.cli import options as opt
from vqinsight.cli.command import Command, Group

export = typer.Typer(
    cls=Group, help="Write what another engine trains by.", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False,
)  # fmt: skip

_SHOWN = 10  # clips that cannot be read


@export.callback()
def _root() -> None:
    pass


@export.command(cls=Command)
def verl(
    config: opt.Config,
    out: Annotated[Path, typer.Option(metavar="DIR", show_default=False, help="Where to write.")],
    changes: opt.Changes = None,
    without_temporal: Annotated[
        bool, typer.Option("--without-temporal", help="Leave out the temporal reward (Eq. 4), which verl cannot give.")
    ] = False,
    quiet: opt.Quiet = False,
) -> None:
    """Write data, reward function and launch script for verl: FSDP and vLLM, with the configuration's values.

    The data are our prompts and our frames. The same command goes on after a stop.
    """
    from vqinsight.report import progress
    from vqinsight.report.output import plain_endings

    with plain_endings("Interrupted. The same command goes on.", quiet=quiet):
        from vqinsight.training.export_verl.export import export_verl

        with progress.counting("Writing frames", 0, False, log=True) as count:
            made = export_verl(config, changes or [], out, without_temporal=without_temporal, on_progress=count)
        typer.echo(f"{made.questions} questions about {made.clips} clips are in {out}.")
        for why in made.failed[:_SHOWN]:
            typer.echo(f"Left out: {why}")
        if len(made.failed) > _SHOWN:
            typer.echo(f"Left out: {len(made.failed) - _SHOWN} more, see {out / 'failures.jsonl'}")
        typer.echo("What verl does otherwise than vqinsight train:")
        for each in made.differences:
            typer.echo(f"  {each}")
        typer.echo(f"Start it: bash {out / 'launch.sh'}")
