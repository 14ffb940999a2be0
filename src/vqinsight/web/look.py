"""Look: scores of clips with ranges and reasoning, and what is measured over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.report import phrases
from vqinsight.web.jobs import Job
from vqinsight.web.shared import AskedIn, Web

if TYPE_CHECKING:
    from vqinsight.web.judging import Looked


def routes(web: Web) -> APIRouter:
    """``/`` and ``/look``."""
    router = APIRouter()

    @router.get("/")
    async def page(request: Request) -> HTMLResponse:  # noqa: ARG001 - the session is begun before
        return web.page("look.html", here="look")

    @router.post("/look")
    async def begin(request: Request, body: AskedIn) -> JSONResponse:
        from vqinsight.web import judging  # imports torch

        clips = tuple(web.clip(request, key) for key in dict.fromkeys(body.clips))
        if not clips:
            raise UsageError("Choose at least one clip.")
        asking, prompt = web.asking(body.samples), body.prompt.strip() or None
        asked = {"clips": clips, "prompt": prompt}
        url = web.begin(request, body.once, "look", asked, lambda: judging.look(asking, clips, prompt))
        return JSONResponse({"url": url})

    return router


def result(job: Job) -> dict[str, Any]:
    """What the page of finished work shows."""
    from vqinsight.report import measured_phrases  # imports torch
    from vqinsight.report.measured_page import defect_charts

    found: list[Looked] = job.result
    scores = [each.score for each in found]
    charts = {
        each.clip.id: [] if isinstance(each.measured, UnreadableVideo) else defect_charts(each.measured)
        for each in found
    }
    unmeasured = {each.clip.id: each.measured.reason for each in found if isinstance(each.measured, UnreadableVideo)}
    return {
        "found": found,
        "charts": charts,
        "said": measured_phrases,
        "unmeasured": unmeasured,
        "dimensions": phrases.scales(scores),
        "failures": phrases.failures(scores),
        "provenances": phrases.provenances(scores),
    }
