"""Options that say where the model runs, and the judge that they open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vqinsight.errors import UsageError

if TYPE_CHECKING:
    from vqinsight.cli.options import Asking
    from vqinsight.inference.api import VQInsight
    from vqinsight.inference.ray_engine import RayJudge

_ENDPOINT, _RAY = ("url", "api_key_env", "concurrency", "deadline"), ("address", "actors")
OPTIONS = ("engine", *_ENDPOINT, *_RAY)
_HERE = ("adapter", "device", "dtype")  # for a model that is loaded here
_PANEL = "Where the model runs"

Engine = Annotated[
    Literal["local", "endpoint", "ray"],
    typer.Option(
        help="Here, behind a server of the OpenAI shape (vLLM, SGLang, hosted), or on the workers of a Ray cluster.",
        rich_help_panel=_PANEL,
    ),
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
Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        show_default=False,
        help="The head of a Ray cluster, or auto; by default Ray starts here.",
        rich_help_panel=_PANEL,
    ),
]
Actors = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        show_default=False,
        help="Ray's workers that hold the model; by default one for each GPU, or one.",
        rich_help_panel=_PANEL,
    ),
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
        _refuse(asked, default, _ENDPOINT, "goes with --engine endpoint")
        _refuse(asked, default, _RAY, "goes with --engine ray")
        return load_assessor(**asked.pick(*opt.LOADING))
    if asked.engine == "ray":
        raise UsageError("--engine ray is for score and ask with a folder of results: --out results/")
    if asked.url is None:
        raise UsageError("--engine endpoint asks a server: say which, such as --url http://localhost:8000/v1")
    _refuse(asked, default, _HERE, "is for a model that is loaded here: leave it out with --engine endpoint")
    _refuse(asked, default, _RAY, "goes with --engine ray")
    from vqinsight.inference.endpoint.judge import connect
    from vqinsight.report import progress

    with progress.waiting("Asking the server how it takes frames"):
        return connect(
            asked.url,
            # The default names a model of ours, no server's.
            None if asked.model == default.model else asked.model,
            template=asked.template,
            **asked.pick(
                "api_key_env", "concurrency", "deadline", "fps", "frames", "max_pixels", "folder_fps", "evidence"
            ),
            on_message=progress.notice,
        )


@contextmanager
def open_ray(asked: Asking) -> Iterator[RayJudge]:
    """The judge of ``--engine ray``, until Ray ends.

    Raises:
        UsageError: options that do not go together.
        ModelError: Ray is not installed, the cluster cannot be used, or the model cannot be loaded.
    """
    from vqinsight.cli import options as opt

    _refuse(asked, opt.Asking(), _ENDPOINT, "goes with --engine endpoint")
    _set_threads(asked.model)
    from vqinsight.inference.ray_engine import connected
    from vqinsight.report import progress

    with ExitStack() as endings:
        with progress.waiting(f"Starting Ray and loading {asked.model}"):
            judge = endings.enter_context(connected(**asked.pick(*_RAY, *opt.LOADING), on_message=progress.notice))
        yield judge


def load_assessor(model: str, **options: Any) -> VQInsight:
    """Load an assessor; ``options`` as for ``vqinsight.load``. nano takes one CPU thread by default."""
    _set_threads(model)
    from vqinsight.inference.api import load
    from vqinsight.report import progress

    with progress.waiting(f"Loading {model}"):
        return load(model, **options, on_message=progress.notice)


def _set_threads(model: str) -> None:
    if model == "nano":
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; it limits decoding threads too


def _refuse(asked: Asking, default: Asking, names: tuple[str, ...], why: str) -> None:
    for name in names:
        if getattr(asked, name) != getattr(default, name):
            raise UsageError(f"--{name.replace('_', '-')} {why}.")
