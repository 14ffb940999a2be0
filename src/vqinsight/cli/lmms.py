"""``vqinsight lmms-eval-path``: where the tasks of lmms-eval lie."""

from __future__ import annotations

import typer


def lmms_eval_path() -> None:
    """Print the folder of our tasks for lmms-eval's --include_path."""
    from vqinsight.lmms_eval import TASKS

    typer.echo(TASKS)
