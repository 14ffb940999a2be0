"""Rank: the clips of each prompt, by all pairs in both orders, and the pairs for training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from vqinsight.errors import UsageError
from vqinsight.ranking.candidate_folders import Candidates
from vqinsight.web.jobs import Job
from vqinsight.web.sessions import WebClip
from vqinsight.web.shared import AskedIn, Web

if TYPE_CHECKING:
    from vqinsight.web.judging import Ranked

_OWN = "own"  # the id of clips that are no prompt's folder
MOST = 50  # clips of a prompt: 1225 pairs


def routes(web: Web) -> APIRouter:
    """``/rank``, and the pairs of finished work."""
    router = APIRouter()

    @router.get("/rank")
    async def page(request: Request) -> HTMLResponse:  # noqa: ARG001 - the session is begun before
        return web.page("rank.html", here="rank", groups=web.shelf.groups())

    @router.post("/rank")
    async def begin(request: Request, body: AskedIn) -> JSONResponse:
        from vqinsight.web import judging  # imports torch

        groups = _groups(web, request, body)
        for group, clips in groups:
            if not 2 <= len(clips) <= MOST:
                raise UsageError(f"{group.prompt or 'A ranking'}: choose 2 to {MOST} clips, not {len(clips)}.")
        asking = web.asking(body.samples)
        clips = tuple(clip for _, found in groups for clip in found)
        asked = {"clips": clips, "prompt": body.prompt.strip() or None}
        url = web.begin(request, body.once, "rank", asked, lambda: judging.rank(asking, groups))
        return JSONResponse({"url": url})

    @router.get("/jobs/{key}/pairs.jsonl")
    async def pairs(request: Request, key: str) -> Response:
        from vqinsight.ranking.pairs_file import row_of  # imports torch

        job = web.job(request, key)
        if job.kind != "rank" or job.state != "done":
            raise UsageError("The ranking is not finished.")
        rows = [row_of(each.selection, Path()) for each in job.result]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        headers = {"content-disposition": 'attachment; filename="pairs.jsonl"'}
        return Response(text, media_type="application/jsonl", headers=headers)

    return router


def result(job: Job) -> dict[str, Any]:
    """What the page of finished work shows."""
    found: list[Ranked] = job.result
    ids = {clip.name: clip.id for each in found for clip in each.clips}
    return {"found": found, "ids": ids, "provenances": [found[0].ranking.provenance]}


def _groups(web: Web, request: Request, body: AskedIn) -> list[tuple[Candidates, tuple[WebClip, ...]]]:
    """The chosen prompts of the folder, and the chosen clips as one more."""
    folders = {f"group:{group.id}": (group, clips) for group, clips in web.shelf.groups()}
    found = [folders[key] for key in dict.fromkeys(body.clips) if key in folders]
    chosen = tuple(web.clip(request, key) for key in dict.fromkeys(body.clips) if key not in folders)
    if chosen:
        names = tuple(clip.name for clip in chosen)
        found.append((Candidates(_OWN, body.prompt.strip(), names), chosen))
    if not found:
        raise UsageError("Choose a prompt's folder, or at least two clips.")
    return found
