"""Options that say where the model runs, and the judge that they open."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vqinsight.errors import UsageError

if TYPE_CHECKING:
    from vqinsight.cli.options import Asking
    from vqinsight.inference.api import VQInsight

OPTIONS = ("engine", "url", "api_key_env", "concurrency", "deadline")
_HERE = ("adapter", "device", "dtype")  # for a model that is loaded here
_PANEL = "Where the model runs"

Engine = Annotated[
    Literal["local", "endpoint"],
    typer.Option(help="Here, or behind a server of the OpenAI shape (vLLM, SGLang, hosted).", rich_help_panel=_PANEL),
]
Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        show_default=False,
        help="The server: http://localhost:8000/v1. --model is a name that it serves.",
        rich_help_panel=_PANEL,
    ),
]
ApiKeyEnv = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="The environment variable that holds the server's key.",
        rich_help_panel=_PANEL,
    ),
]
Concurrency = Annotated[
    int, typer.Option(min=1, max=1024, metavar="N", help="Questions sent at a time.", rich_help_panel=_PANEL)
]
Deadline = Annotated[
    float,
    typer.Option(min=1, metavar="SECONDS", help="For one question, retries included.", rich_help_panel=_PANEL),
]


def open_judge(asked: Asking) -> VQInsight:
    """The judge that the options name: a model loaded here, or one behind a server.

    Raises:
        UsageError: options that do not go together.
        ModelError: the model cannot be loaded, or the server cannot be used.
    """
    from vqinsight.cli import options as opt

    default = opt.Asking()
    if asked.engine == "local":
        _refuse(asked, default, OPTIONS, "goes with --engine endpoint")
        return load_assessor(**asked.pick(*opt.LOADING))
    if asked.url is None:
        raise UsageError("--engine endpoint asks a server: say which, such as --url http://localhost:8000/v1")
    _refuse(asked, default, _HERE, "is for a model that is loaded here: leave it out with --engine endpoint")
    from vqinsight.inference.endpoint.judge import connect
    from vqinsight.report import progress

    with progress.waiting("Asking the server how it takes frames"):
        return connect(
            asked.url,
            # The default names a model of ours, no server's.
            None if asked.model == default.model else asked.model,
            template=asked.template,
            **asked.pick("api_key_env", "concurrency", "deadline", "fps", "frames", "max_pixels", "folder_fps"),
            on_message=progress.notice,
        )


def load_assessor(model: str, **options: Any) -> VQInsight:
    """Load an assessor; ``options`` as for ``vqinsight.load``. nano takes one CPU thread by default."""
    if model == "nano":
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; it limits decoding threads too
    from vqinsight.inference.api import load
    from vqinsight.report import progress

    with progress.waiting(f"Loading {model}"):
        return load(model, **options, on_message=progress.notice)


def _refuse(asked: Asking, default: Asking, names: tuple[str, ...], why: str) -> None:
    for name in names:
        if getattr(asked, name) != getattr(default, name):
            raise UsageError(f"--{name.replace('_', '-')} {why}.")
