"""The arena on a server: as pages of an app, or alone, for raters who may vote and nothing else. Loads no model."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from vqinsight.common.version import __version__
from vqinsight.serving.guard import Guard
from vqinsight.serving.limits import Limits
from vqinsight.serving.metrics import Metrics
from vqinsight.serving.run import run_app
from vqinsight.web.app import add_errors, add_statics
from vqinsight.web.arena.asked import Asked
from vqinsight.web.arena.pages import Arena, router
from vqinsight.web.arena.votes import open_votes
from vqinsight.web.front import Front
from vqinsight.web.media import Media
from vqinsight.web.sessions import Bounds, Sessions

LIMITS = Limits(max_bytes=64 * 1024, queue=64, decode_seconds=300)


@contextmanager
def open_arena(votes: Path, asked: Asked, limits: Limits = LIMITS) -> Iterator[tuple[Arena, list[str]]]:
    """The arena of a file of votes, which is made where it is absent; and the clips that have changed since votes on
    them were possible.

    Args:
        limits: of clips that are copied for browsers.

    Raises:
        UsageError: see ``open_votes``.
    """
    with open_votes(votes, make=True) as store, tempfile.TemporaryDirectory(prefix="vqinsight-arena-") as home:
        changed = store.add(asked.clips.values(), asked.pairs)
        yield Arena(store, asked.pairs, asked.clips, Media(limits), Path(home)), changed


def create_arena_app(arena: Arena, *, key: str | None = None, hosts: Sequence[str] = ()) -> FastAPI:
    """The arena alone; ``key`` and ``hosts`` as for ``serving.app.create_app``."""
    sessions = Sessions(Bounds())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - FastAPI's signature
        yield
        await arena.media.close()
        sessions.close()

    app = FastAPI(title="VQ-Insight", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(router(arena))
    add_statics(app)
    add_errors(app)

    @app.get("/")
    async def front() -> RedirectResponse:
        return RedirectResponse("/arena")

    app.add_middleware(Front, sessions=sessions, pages=())
    app.add_middleware(
        Guard, key=key, hosts=tuple(hosts), limits=LIMITS, metrics=Metrics(), ready=lambda: True
    )  # fmt: skip
    return app


def run_arena(
    arena: Arena, *, host: str, port: int, key: str | None, hosts: Sequence[str], on_bound: Callable[[str], None]
) -> None:
    """Run until SIGTERM or Ctrl-C; arguments and errors as for ``serving.run.run_app``."""
    run_app(
        lambda _: create_arena_app(arena, key=key, hosts=(*hosts, host)),
        host=host,
        port=port,
        key=key,
        limits=LIMITS,
        on_bound=on_bound,
    )
