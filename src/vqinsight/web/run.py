"""Running the pages: on a loopback address, or with a key on another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vqinsight.serving.run import run_app
from vqinsight.web.app import LIMITS, create_app

if TYPE_CHECKING:  # it imports torch
    from vqinsight.inference.api import VQInsight
    from vqinsight.web.arena.pages import Arena


def run_web(
    load: Callable[[], VQInsight],
    *,
    model: str,
    folder: Path | None,
    arena: Arena | None = None,
    host: str,
    port: int,
    key: str | None,
    hosts: Sequence[str],
    on_bound: Callable[[str], None],
    on_ready: Callable[[], None],
) -> None:
    """Run until SIGTERM or Ctrl-C, then delete what users have sent.

    Args:
        port: 0 takes any that is free.
        on_bound: called with the address once it listens.
        load, model, folder, arena, key, hosts, on_ready: as for ``create_app``.

    Raises:
        UsageError: a place that needs a key, or that cannot be listened on.
        ModelError: the model cannot be loaded.
    """
    run_app(
        lambda stop: create_app(
            load,
            model=model,
            folder=folder,
            arena=arena,
            key=key,
            hosts=(*hosts, host),
            on_ready=on_ready,
            on_failure=stop,
        ),
        host=host,
        port=port,
        key=key,
        limits=LIMITS,
        on_bound=on_bound,
    )
