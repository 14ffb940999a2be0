"""``vqinsight lmms-eval-path``: where the tasks of lmms-eval lie."""

from __future__ import annotations

import typer


def lmms_eval_path() -> None:
    """Print the folder of the tasks for lmms-eval."""
    from vqinsight.lmms_eval import TASKS

    typer.echo(TASKS)
