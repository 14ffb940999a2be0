"""``vqinsight web``: look at clips, compare and rank them in a browser."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from vqinsight.cli import options as opt
from vqinsight.cli.serve import MODULES

_NETWORK = "Network"


@opt.asking
def web(
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", show_default=False, help="Clips, candidate folders and runs that every user may see."
        ),
    ] = None,
    arena: Annotated[
        Path | None,
        typer.Option(
            metavar="VOTES", show_default=False, help="Raters also vote on the pairs of --folder: vqinsight arena."
        ),
    ] = None,
    host: opt.Host = "127.0.0.1",
    port: opt.Port = 8080,
    api_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            envvar="VQINSIGHT_API_KEY",
            show_default=False,
            show_envvar=True,
            help="The password that browsers ask for.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    allow_host: opt.AllowHost = None,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Look at clips, compare and rank them in a browser."""
    from vqinsight.cli.engine import open_judge
    from vqinsight.common.extras import needed
    from vqinsight.report.output import plain_endings
    from vqinsight.serving.place import check_place

    with plain_endings("Ended.", quiet=asked.quiet), ExitStack() as ending:
        check_place(host, api_key)
        for module in MODULES:
            needed(module, "web")
        if asked.model == "nano":
            os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported
        from vqinsight.cli.arena import opened_arena
        from vqinsight.serving.run import log_requests
        from vqinsight.web.run import run_web
        from vqinsight.web.shelf import opened_folder

        if not asked.quiet:
            log_requests(logging.WARNING)  # pages ask often how far work has come
        found = ending.enter_context(opened_arena(arena, folder)) if arena else None
        run_web(
            lambda: open_judge(asked),
            model=Path(asked.model).name,
            folder=opened_folder(folder),
            arena=found,
            host=host,
            port=port,
            key=api_key,
            hosts=allow_host or [],
            on_bound=lambda address: typer.echo(f"Open {address} in a browser"),
            on_ready=lambda: typer.echo("Ready"),
        )
