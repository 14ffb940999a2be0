"""``vqinsight plan``: what a training run takes, before it is started."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Literal

import typer

from vqinsight.cli import options as opt

TOO_LARGE = 1  # exit code: it does not fit

_CARDS, _RATES = "Cards", "Rates"


def plan(
    config: opt.Config,
    changes: opt.Changes = None,
    gpus: Annotated[int, typer.Option(min=1, metavar="N", help="Cards, one process each.", rich_help_panel=_CARDS)] = 1,
    memory: Annotated[
        float,
        typer.Option(
            metavar="GB", callback=opt.above_zero, help="Of each card, in 10^9 bytes.", rich_help_panel=_CARDS
        ),
    ] = 80,
    sharding: Annotated[
        Literal["none", "fsdp2", "zero2", "zero3"] | None,
        typer.Option(
            show_default=False,
            help="How weights are divided; by default as trainer.deepspeed or trainer.fsdp say. FSDP2 through "
            "accelerate launch is not in the configuration: say it here.",
            rich_help_panel=_CARDS,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Whose shapes are taken instead of model.name: a hub id of a known model, or a folder.",
        ),
    ] = None,
    card: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Whose rates are taken: rtx4090, l40s, a100, h100, h200; by default the smallest with that memory.",
            rich_help_panel=_RATES,
        ),
    ] = None,
    tflops: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            callback=opt.above_zero,
            show_default=False,
            help="Sustained 10^12 operations a second of a card; by default 40 % of its peak.",
            rich_help_panel=_RATES,
        ),
    ] = None,
    tokens_per_second: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            callback=opt.above_zero,
            show_default=False,
            help="Tokens that a card samples, all answers together; by default from its memory's bandwidth.",
            rich_help_panel=_RATES,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Say what a training takes: memory of a card, item by item, and time.

    Where it does not fit, it names what to change, and the exit code is 1.
    """
    from vqinsight.report.output import plain_endings

    with plain_endings("Interrupted."):
        from vqinsight.report.plan import plan_values, show_plan
        from vqinsight.training.plan import hardware, plan_file

        given = hardware(gpus, memory, card, tflops, tokens_per_second)
        found = plan_file(config, given, changes or [], model=model, sharding=sharding)
        if as_json:
            print(json.dumps(plan_values(found)))
        else:
            from rich.console import Console

            show_plan(Console(markup=False, highlight=False, emoji=False), found)
    sys.exit(0 if found.fits else TOO_LARGE)
