"""Puts the pages together behind the server's guard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from vqinsight.common.version import __version__
from vqinsight.errors import UsageError, VQInsightError
from vqinsight.serving.guard import Guard
from vqinsight.serving.limits import Limits
from vqinsight.serving.metrics import Metrics
from vqinsight.web import clips, compare, look, media, rank, runs, work
from vqinsight.web.front import Front
from vqinsight.web.jobs import Worker
from vqinsight.web.sessions import Bounds, Sessions
from vqinsight.web.shared import HERE, Web
from vqinsight.web.shelf import Shelf

if TYPE_CHECKING:  # they import torch, and pages answer before it is there
    from vqinsight.assessor.clips import ClipLoader
    from vqinsight.inference.api import VQInsight
    from vqinsight.web.arena.pages import Arena
    from vqinsight.web.judging import Decodes

PAGES = ("/", "/compare", "/rank", "/runs")
LIMITS = Limits(max_bytes=256 * 1024 * 1024, body_seconds=600.0, decode_seconds=300, queue=4)
_SERVER_AT_ONCE = 4  # steps at a time where the model is behind a server
_SWEEP = 60.0  # seconds between looks for sessions at rest
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def create_app(
    load: Callable[[], VQInsight],
    *,
    model: str,
    folder: Path | None = None,
    limits: Limits = LIMITS,
    arena: Arena | None = None,
    bounds: Bounds = Bounds(),  # noqa: B008 - frozen
    key: str | None = None,
    hosts: Sequence[str] = (),
    decoder: Callable[[ClipLoader, Limits], Decodes] | None = None,
    on_ready: Callable[[], None] = lambda: None,
    on_failure: Callable[[BaseException], None] = lambda _: None,
) -> FastAPI:
    """The pages; the model is loaded in the background while they already answer.

    Args:
        load: gives the loaded model.
        model: its name for readers.
        folder: whose clips, candidate folders and runs every user sees.
        arena: whose raters vote below ``/arena``.
        bounds: of what users may send.
        decoder: what decodes clips; by default the sandbox.
        limits, key, hosts, on_ready, on_failure: as for ``serving.app.create_app``.
    """
    sessions = Sessions(bounds)
    web = Web(sessions, Shelf(folder, sessions.root / "shelf"), media.Media(limits), limits, model)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - FastAPI's signature
        tasks = [asyncio.create_task(_load(web, load, decoder, on_ready, on_failure)), asyncio.create_task(_sweep(web))]
        yield
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await _close(web)
        if arena is not None:
            await arena.media.close()

    app = FastAPI(title="VQ-Insight", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.web = web
    for page in (look, compare, rank, runs, work, clips, media):
        app.include_router(page.routes(web))
    if arena is not None:
        from vqinsight.web.arena.pages import router

        app.include_router(router(arena))
    add_statics(app)
    add_errors(app, lambda reason: web.page("problem.html", here="", reason=reason))
    app.add_middleware(Front, sessions=sessions, pages=PAGES)
    metrics = Metrics()
    app.add_middleware(
        Guard, key=key, hosts=tuple(hosts), limits=limits, metrics=metrics, ready=lambda: web.worker is not None
    )
    return app


async def _load(
    web: Web,
    load: Callable[[], VQInsight],
    decoder: Callable[[ClipLoader, Limits], Decodes] | None,
    on_ready: Callable[[], None],
    on_failure: Callable[[BaseException], None],
) -> None:
    def opened() -> tuple[VQInsight, Decodes]:
        from vqinsight.serving.decoder import Decoder

        judge = load()
        return judge, (decoder or Decoder)(judge.assessor.clips, web.limits)

    [found] = await asyncio.gather(asyncio.to_thread(opened), return_exceptions=True)
    if isinstance(found, BaseException):
        on_failure(found)
        return
    web.judge, web.decoder = found
    by = web.judge.provenance(1, 0, 0.0)
    web.worker = Worker(_SERVER_AT_ONCE if by.engine == "endpoint" else 1)
    on_ready()


async def _sweep(web: Web) -> None:
    while True:
        await asyncio.sleep(_SWEEP)
        web.sessions.sweep()
        web.media.forget_deleted()


async def _close(web: Web) -> None:
    worker, web.worker = web.worker, None
    await web.media.close()
    if worker is not None:
        await worker.close()
    if web.decoder is not None:
        await asyncio.to_thread(web.decoder.close)
    web.sessions.close()


def add_statics(app: FastAPI) -> None:
    """The style (that of reports, then our own), and the scripts."""
    style = (HERE.parent / "report" / "style.html").read_text(encoding="utf-8")
    own = {file.name: file.read_text(encoding="utf-8") for file in (HERE / "static").iterdir() if file.is_file()}
    own["web.css"] = style.replace("<style>", "").replace("</style>", "") + own["web.css"]

    @app.get("/static/{name}")
    async def static(name: str) -> Response:
        if name not in own:
            raise HTTPException(404, "There is no such file.")
        headers = {"cache-control": "private, max-age=300"}
        return Response(own[name], media_type=_TYPES[Path(name).suffix], headers=headers)


def add_errors(app: FastAPI, problem: Callable[[str], Response] | None = None) -> None:
    """Errors as a page, where there is one for them, for who asks for one, else as JSON in the guard's shape."""

    def answer(request: Request, status: int, reason: str) -> Response:
        if problem is not None and request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            page = problem(reason)
            page.status_code = status
            return page
        return JSONResponse({"error": {"message": reason}}, status)

    @app.exception_handler(VQInsightError)
    async def known(request: Request, error: VQInsightError) -> Response:
        return answer(request, 400 if isinstance(error, UsageError) else 500, str(error))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return answer(request, error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        lines = (f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors()[:5])
        return answer(request, 400, "; ".join(lines))
