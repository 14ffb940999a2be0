"""Bytes of clips for players: the original, or a copy that is made in the background and says that it is one."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from vqinsight.serving.limits import Limits
from vqinsight.web.sessions import WebClip
from vqinsight.web.shared import Web

COPY = "copy.mp4"
COPY_LABEL = "A copy in H.264 (CRF 12), as browsers do not play the original; the model is shown the original."
_DELETED = "This clip is deleted."
_AT_ONCE = 2
_SEALED = {"content-security-policy": "sandbox; default-src 'none'", "cache-control": "private, max-age=600"}


@dataclass(frozen=True)
class Playable:
    """What a player is given.

    Attributes:
        place: the file.
        type: its media type.
        is_copy: whether it is not the original.
        times: seconds at which each frame is shown.
        width, height: of a frame.
        problem: why there is nothing to play; then the rest is empty.
    """

    place: Path | None = None
    type: str = ""
    is_copy: bool = False
    times: tuple[float, ...] = ()
    width: int = 0
    height: int = 0
    problem: str | None = None


class Media:
    """Prepares clips for players, each once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._begun: dict[Path, asyncio.Task[Playable]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    def prepare(self, clip: WebClip) -> asyncio.Task[Playable]:
        """The clip for a player; begins to make it."""
        begun = self._begun.get(clip.home)
        if begun is None:
            begun = self._begun[clip.home] = asyncio.create_task(self._prepare(clip))
        return begun

    def forget(self, clip: WebClip) -> None:
        """Stop what is made of a clip."""
        if begun := self._begun.pop(clip.home, None):
            begun.cancel()

    def forget_deleted(self) -> None:
        """Let go of what was made for sessions that have ended."""
        for home, begun in list(self._begun.items()):
            if begun.done() and not home.exists():
                del self._begun[home]

    async def close(self) -> None:
        """Stop everything."""
        for begun in self._begun.values():
            begun.cancel()
        await asyncio.gather(*self._begun.values(), return_exceptions=True)

    async def _prepare(self, clip: WebClip) -> Playable:
        async with self._places:
            clip.home.mkdir(parents=True, exist_ok=True)
            command = ("-m", "vqinsight.web.playable", str(clip.place), str(clip.home / COPY))
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, json.dumps(asdict(self._limits)), stdout=asyncio.subprocess.PIPE
            )
            try:
                said, _ = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if not said:
            return Playable(problem="no copy can be made of it within the limits of time and memory")
        found: dict[str, Any] = json.loads(said)
        if "problem" in found:
            return Playable(problem=found["problem"].replace(str(clip.place), clip.name))
        place = clip.home / COPY if found["is_copy"] else clip.place
        return Playable(place, **{**found, "times": tuple(found["times"])})


def routes(web: Web) -> APIRouter:
    """``/media/{id}``, with ranges, and ``/media/{id}/about``."""
    router = APIRouter()

    async def prepared(request: Request, key: str) -> Playable:
        work = asyncio.shield(web.media.prepare(web.clip(request, key)))
        [found] = await asyncio.gather(work, return_exceptions=True)
        if isinstance(found, asyncio.CancelledError):
            raise HTTPException(404, _DELETED)
        if isinstance(found, BaseException):
            raise found
        return found

    @router.get("/media/{key}")
    async def media(request: Request, key: str) -> Response:
        found = await prepared(request, key)
        if found.place is None or not found.place.is_file():
            raise HTTPException(404, found.problem or _DELETED)
        return FileResponse(found.place, media_type=found.type, headers=_SEALED, content_disposition_type="inline")

    @router.get("/media/{key}/about")
    async def about(request: Request, key: str) -> JSONResponse:
        found = await prepared(request, key)
        label = COPY_LABEL if found.is_copy else None
        return JSONResponse({"type": found.type, "times": found.times, "label": label, "problem": found.problem})

    return router
