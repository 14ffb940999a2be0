"""The page of a piece of work: progress, an end, and its result, each part found in one dict by the kind of work."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from vqinsight.web import compare, look, rank
from vqinsight.web.shared import Web

RESULTS = {"look": look.result, "compare": compare.result, "rank": rank.result}


def routes(web: Web) -> APIRouter:
    """``/jobs/{id}``, its state, and its end."""
    router = APIRouter()

    @router.get("/jobs/{key}")
    async def page(request: Request, key: str) -> HTMLResponse:
        job = web.job(request, key)
        values = RESULTS[job.kind](job) if job.state == "done" else {}
        return web.page(f"{job.kind}_result.html", here=job.kind, job=job, **job.asked, **values)

    @router.get("/jobs/{key}/state")
    async def state(request: Request, key: str) -> JSONResponse:
        job, step = web.job(request, key), web.job(request, key).progress
        return JSONResponse({"state": job.state, "done": step.done, "total": step.total, "next": step.next})

    @router.post("/jobs/{key}/cancel")
    async def cancel(request: Request, key: str) -> JSONResponse:
        job = web.job(request, key)
        job.cancel()
        return JSONResponse({"state": job.state})

    return router
