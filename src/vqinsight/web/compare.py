"""Compare: two clips in linked players, and which is better, asked in both orders."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from vqinsight.errors import UsageError
from vqinsight.web.jobs import Job
from vqinsight.web.shared import AskedIn, Web


def routes(web: Web) -> APIRouter:
    """``/compare``."""
    router = APIRouter()

    @router.get("/compare")
    async def page(request: Request) -> HTMLResponse:  # noqa: ARG001 - the session is begun before
        return web.page("compare.html", here="compare")

    @router.post("/compare")
    async def begin(request: Request, body: AskedIn) -> JSONResponse:
        from vqinsight.web import judging  # imports torch

        if len(body.clips) != 2 or body.clips[0] == body.clips[1]:
            raise UsageError("Choose two different clips.")
        a, b = (web.clip(request, key) for key in body.clips)
        asking, prompt = web.asking(body.samples), body.prompt.strip() or None
        asked = {"clips": (a, b), "prompt": prompt}
        url = web.begin(request, body.once, "compare", asked, lambda: judging.compare(asking, (a, b), prompt))
        return JSONResponse({"url": url})

    return router


def result(job: Job) -> dict[str, Any]:
    """What the page of finished work shows."""
    return {"record": job.result, "provenances": [job.result.provenance]}
