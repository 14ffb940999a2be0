"""Clips that a user sends: one file a request, kept until it is deleted or the session ends."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.datastructures import UploadFile

from vqinsight.errors import UsageError
from vqinsight.web.shared import Web


def routes(web: Web) -> APIRouter:
    """``/clips``: the list as a part of a page, sending, and deleting."""
    router = APIRouter()

    @router.get("/clips")
    async def listed(request: Request) -> HTMLResponse:
        session = web.session(request)
        own, shelf = list(session.clips.values()), web.shelf.clips()
        return web.page("clip_list.html", own=own, shelf=shelf)

    @router.post("/clips")
    async def send(request: Request) -> JSONResponse:
        session = web.session(request)
        async with request.form(max_files=1, max_fields=1) as form:
            file = form.get("clip")
            if not isinstance(file, UploadFile):
                raise UsageError("Send one file under the name clip.")
            once = str(form.get("once") or "")
            if once and once in session.once:
                return JSONResponse({"id": session.once[once]})
            content = await file.read()
            if not content:
                raise UsageError(f"{file.filename}: the file is empty.")
            clip = web.sessions.add(session, file.filename or "clip", content)
        if once:
            session.once[once] = clip.id
        web.media.prepare(clip)
        return JSONResponse({"id": clip.id, "name": clip.name})

    @router.post("/clips/{key}/delete")
    async def delete(request: Request, key: str) -> JSONResponse:
        clip = web.clip(request, key)
        session = web.session(request)
        if clip.id not in session.clips:
            raise UsageError(f"{clip.name} lies in the shared folder, and is not deleted from here.")
        web.media.forget(clip)
        web.sessions.remove(session, clip)
        return JSONResponse({})

    return router
