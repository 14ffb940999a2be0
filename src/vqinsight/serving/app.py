"""The server: every protocol behind one guard, with health, readiness and metrics."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from vqinsight.assessor.clips import ClipLoader
from vqinsight.common.version import __version__
from vqinsight.errors import UsageError, VQInsightError
from vqinsight.inference.api import VQInsight
from vqinsight.serving import flow_factory, native, openai, unirl
from vqinsight.serving.decoder import Decoder
from vqinsight.serving.guard import Guard, error_body, is_flow_factory
from vqinsight.serving.limits import Limits
from vqinsight.serving.metrics import Metrics
from vqinsight.serving.schemas import ChatIn, CompareIn, ComputeIn, RankIn, RewardsIn, ScoreIn
from vqinsight.serving.service import Service

_BODIES = (ScoreIn, CompareIn, RankIn, RewardsIn, ComputeIn, ChatIn)
_REFERENCE = "#/components/schemas/{model}"


@dataclass
class State:
    """What a server holds.

    Attributes:
        service: once the model is loaded.
        failed: why it could not be loaded.
        ending: the server takes no further requests.
    """

    metrics: Metrics = field(default_factory=Metrics)
    service: Service | None = None
    failed: BaseException | None = None
    ending: bool = False


class _Later:
    """The service, which is there once the model is loaded; the guard lets nobody in before."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state.service, name)


def create_app(
    load: Callable[[], VQInsight],
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    key: str | None = None,
    hosts: Sequence[str] = (),
    allowed: Sequence[Path] = (),
    decoder: Callable[[ClipLoader, Limits], Decoder] = Decoder,
    on_ready: Callable[[], None] = lambda: None,
    on_failure: Callable[[BaseException], None] = lambda _: None,
) -> FastAPI:
    """The server's app; the model is loaded in the background while ``/health`` already answers.

    Args:
        load: gives the loaded model.
        limits: of a request.
        key: that clients must send; ``None`` for none.
        hosts: further names by which the server may be called.
        allowed: folders below which clients may name files.
        decoder: what decodes the clips of clients.
        on_ready: called once the model is there.
        on_failure: called with the error where it cannot be loaded.
    """
    state = State()

    def opened() -> tuple[VQInsight, Decoder]:
        judge = load()
        return judge, decoder(judge.assessor.clips, limits)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - FastAPI's signature
        loading = asyncio.create_task(_load(state, opened, limits, allowed, on_ready, on_failure))
        yield
        state.ending = True
        await loading
        if state.service is not None:
            await state.service.close()

    app = FastAPI(title="VQ-Insight", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.serving = state
    service: Any = _Later(state)
    for protocol in (native, unirl, openai, flow_factory):
        app.include_router(protocol.routes(service))

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """That the process lives; and UniRL's list of rewards with their sub-metrics."""
        rewards = state.service.rewards if state.service else ()
        return {"status": "ok", "rewards": {name: [unirl.SUB_METRIC] for name in rewards}}

    @app.get("/ready")
    async def ready() -> JSONResponse:
        """Whether requests are taken: 503 while the model is loaded, and once the server ends."""
        is_ready = _is_ready(state)
        return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        """For Prometheus."""
        return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    _errors(app)
    _schema(app)
    app.add_middleware(
        Guard,
        key=key,
        hosts=tuple(hosts),
        limits=limits,
        metrics=state.metrics,
        ready=lambda: _is_ready(state),
    )
    return app


def _is_ready(state: State) -> bool:
    return state.service is not None and not state.ending


async def _load(
    state: State,
    opened: Callable[[], tuple[VQInsight, Decoder]],
    limits: Limits,
    allowed: Sequence[Path],
    on_ready: Callable[[], None],
    on_failure: Callable[[BaseException], None],
) -> None:
    [found] = await asyncio.gather(asyncio.to_thread(opened), return_exceptions=True)
    if isinstance(found, BaseException):
        state.failed = found
        on_failure(found)
        return
    state.service = Service(*found, limits, allowed, state.metrics)
    on_ready()


def _errors(app: FastAPI) -> None:
    """Errors as JSON, in the protocol's shape: 400 for what the client can change, else 500. The guard has the rest."""

    def answer(request: Request, status: int, reason: str) -> JSONResponse:
        if is_flow_factory(request.scope) and request.method == "POST" and status < 500:
            status = 200  # see ``flow_factory``
        return JSONResponse(error_body(request.scope, reason), status)

    @app.exception_handler(VQInsightError)
    async def known(request: Request, error: VQInsightError) -> JSONResponse:
        return answer(request, 400 if isinstance(error, UsageError) else 500, str(error))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return answer(request, error.status_code, str(error.detail))


def _schema(app: FastAPI) -> None:
    """Add the schemas of bodies to OpenAPI's document; they are read by ``sent``, so FastAPI does not know them."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        _, bodies = models_json_schema([(each, "validation") for each in _BODIES], ref_template=_REFERENCE)
        document.setdefault("components", {}).setdefault("schemas", {}).update(bodies["$defs"])
        return document

    app.openapi = openapi  # type: ignore[method-assign]
