"""``vqinsight serve``: judge clips over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from vqinsight.cli import options as opt
from vqinsight.errors import UsageError

_NETWORK, _LIMITS = "Network", "Limits"
MODULES = ("fastapi", "uvicorn", "prometheus_client", "python_multipart")


def serve(
    model: opt.Model = "nano",
    adapter: opt.Adapter = None,
    template: opt.Template = None,
    device: opt.Device = "auto",
    dtype: opt.DType = "auto",
    fps: opt.Fps = None,
    frames: opt.Frames = None,
    max_pixels: opt.MaxPixels = None,
    evidence: opt.Evidence = None,
    host: opt.Host = "127.0.0.1",
    port: opt.Port = 8000,
    api_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            envvar="VQINSIGHT_API_KEY",
            show_default=False,
            show_envvar=True,
            help="What clients must send; better through the variable, since others see a command line.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    allow_host: opt.AllowHost = None,
    allow_dir: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Clients may name files below this folder.", rich_help_panel=_NETWORK),
    ] = None,
    queue: Annotated[
        int, typer.Option(min=1, metavar="N", help="Requests held at once.", rich_help_panel=_LIMITS)
    ] = 16,
    queue_wait: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            callback=opt.above_zero,
            help="How long others wait before they are refused (429).",
            rich_help_panel=_LIMITS,
        ),
    ] = 30.0,
    max_bytes: Annotated[
        int, typer.Option(min=1, metavar="N", help="Of a request's body.", rich_help_panel=_LIMITS)
    ] = 64 * 1024 * 1024,
    max_clips: Annotated[int, typer.Option(min=1, metavar="N", help="Of a request.", rich_help_panel=_LIMITS)] = 64,
    max_seconds: Annotated[
        float,
        typer.Option(metavar="SECONDS", callback=opt.above_zero, help="Length of a clip.", rich_help_panel=_LIMITS),
    ] = 300.0,
    quiet: opt.Quiet = False,
) -> None:
    """Judge clips over HTTP: scores, rewards for trainers, OpenAI's chat."""
    from vqinsight.common.extras import needed
    from vqinsight.report import progress
    from vqinsight.report.output import plain_endings
    from vqinsight.serving.place import check_place

    with plain_endings("Ended."):  # not quiet: a server's log is asked for or not, below
        folders = allow_dir or []
        if missing := [str(folder) for folder in folders if not folder.is_dir()]:
            raise UsageError(f"--allow-dir {', '.join(missing)}: there is no such folder.")
        check_place(host, api_key)
        for module in MODULES:
            needed(module, "serve")
        if model == "nano":
            os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported
        from vqinsight.inference.api import VQInsight, load
        from vqinsight.serving.limits import Limits
        from vqinsight.serving.run import log_requests
        from vqinsight.serving.run import serve as run

        def loaded() -> VQInsight:
            looking = {"fps": fps, "frames": frames, "max_pixels": max_pixels, "evidence": evidence}
            given = {"adapter": adapter, "template": template, "device": device, "dtype": dtype, **looking}
            return load(model, **given, on_message=None if quiet else progress.notice)  # type: ignore[arg-type]

        if not quiet:
            log_requests()
        run(
            loaded,
            host=host,
            port=port,
            key=api_key,
            hosts=allow_host or [],
            allowed=folders,
            limits=Limits(
                max_bytes=max_bytes, max_clips=max_clips, max_seconds=max_seconds, queue=queue, queue_wait=queue_wait
            ),
            on_bound=lambda address: typer.echo(f"Serving {Path(model).name} on {address}"),
            on_ready=lambda: typer.echo("Ready"),
        )
