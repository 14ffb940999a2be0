"""The page of the arena, and what its script asks: the session, the next pair, votes, and the bytes of clips."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from vqinsight.errors import VQInsightError
from vqinsight.web.arena import schedule
from vqinsight.web.arena.raters import Rater, begin_session, rater_of
from vqinsight.web.arena.votes import ArenaClip, Pair, Vote, VoteConflict, VoteStore
from vqinsight.web.front import cookie_name
from vqinsight.web.media import COPY_LABEL, Media, Playable
from vqinsight.web.sessions import WebClip
from vqinsight.web.shared import pages_environment

_UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_MONTH = 30 * 24 * 3600  # seconds that a browser keeps the cookie
_MOST_CLOCK = 2**53
_SEALED = {"content-security-policy": "sandbox; default-src 'none'", "cache-control": "private, max-age=3600"}
_SAME_COPY = COPY_LABEL.partition(",")[0] + "."


class TokenIn(BaseModel):
    """What the page sends of a link."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(min_length=1, max_length=200)


class VoteIn(BaseModel):
    """A vote, see ``votes.Vote``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(pattern=_UUID)
    pair: str = Field(pattern=r"^[0-9a-f]{32}$")
    said: Literal["left", "right", "tie", "both_bad", "skip", "undo"]
    swapped: bool
    follows: str = Field(pattern=rf"^$|{_UUID}")
    clicked: int = Field(ge=-_MOST_CLOCK, le=_MOST_CLOCK)


@dataclass(frozen=True)
class Arena:
    """What raters vote on.

    Attributes:
        store: the open file of votes, which knows all clips and pairs.
        pairs: that are asked; the file may know more.
        clips: of these pairs, by id.
        media: makes them playable.
        home: a folder for copies.
    """

    store: VoteStore
    pairs: Sequence[Pair]
    clips: Mapping[str, ArenaClip]
    media: Media
    home: Path

    def rater(self, request: Request) -> Rater:
        """Who asks.

        Raises:
            HTTPException: nobody who may.
        """
        rater = rater_of(self.store, request.cookies.get(_cookie(request), ""))
        if rater is None:
            raise HTTPException(401, "Open the link that you were given; it may have been revoked.")
        return rater

    async def playable(self, key: str) -> Playable:
        """A clip for a player.

        Raises:
            HTTPException: there is no such clip.
        """
        clip = self.clips.get(key)
        if clip is None:
            raise HTTPException(404, "There is no such clip.")
        place = Path(clip.path)
        return await asyncio.shield(self.media.prepare(WebClip(key, "This clip", place, 0, self.home / key)))

    def state(self, rater: Rater) -> dict[str, Any]:
        """How far a rater is, and the vote that an undo takes back."""
        latest = self.store.latest(rater.id)
        asked = {pair.id for pair in self.pairs}
        counts = [vote for vote in latest if vote.said != "undo" and vote.pair in asked]
        last = counts[-1] if counts else None
        undo = {"id": last.id, "pair": last.pair, "swapped": last.swapped} if last else None
        return {"rater": {"id": rater.id, "name": rater.name}, "done": len(counts), "of": len(asked), "last": undo}

    def next(self, rater: Rater, held: Sequence[str], again: str | None) -> dict[str, Any] | None:
        """The next pair as the page shows it; ``again`` asks for the one whose vote was undone."""
        present = self.store.present()
        prompts = {key: clip.prompt for key, clip in self.clips.items()}
        wanted = [pair for pair in self.pairs if pair.id == again] or self.pairs
        pair = schedule.next_pair(wanted, prompts, present, rater.id, held)
        if pair is None:
            return None
        swapped = schedule.is_swapped(pair, present, rater.id)
        follows = next((vote.id for vote in self.store.latest(rater.id) if vote.pair == pair.id), "")
        left, right = (pair.b, pair.a) if swapped else (pair.a, pair.b)
        return {
            "id": pair.id,
            "prompt": prompts[pair.a],
            "left": f"/arena/clips/{left}",
            "right": f"/arena/clips/{right}",
            "swapped": swapped,
            "follows": follows,
        }


def router(arena: Arena) -> APIRouter:
    """``/arena`` and what lies below."""
    routes = APIRouter(prefix="/arena")
    templates = pages_environment()

    @routes.get("")
    async def page() -> HTMLResponse:
        return HTMLResponse(templates.get_template("arena.html").render())

    @routes.post("/session")
    def session(request: Request, body: TokenIn) -> JSONResponse:
        secret = begin_session(arena.store, body.token)
        if secret is None:
            raise HTTPException(401, "This link is not valid, or was revoked. Ask for a new one.")
        answer = JSONResponse({})
        answer.set_cookie(
            _cookie(request),
            secret,
            max_age=_MONTH,
            path="/arena",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer

    @routes.get("/next")
    def next_pair(request: Request, held: str = "", again: str | None = None) -> JSONResponse:
        rater = arena.rater(request)
        return JSONResponse({**arena.state(rater), "pair": arena.next(rater, held.split(","), again)})

    @routes.post("/votes")
    def vote(request: Request, body: VoteIn) -> JSONResponse:
        rater = arena.rater(request)
        try:
            number = arena.store.record(Vote(rater=rater.id, **body.model_dump()))
        except VoteConflict as error:
            raise HTTPException(409, str(error)) from error
        except VQInsightError as error:
            raise HTTPException(503, str(error)) from error
        return JSONResponse({"number": number, **arena.state(rater)})

    @routes.get("/clips/{key}")
    async def clip(request: Request, key: str) -> Response:
        await asyncio.to_thread(arena.rater, request)
        found = await arena.playable(key)
        if found.place is None or not found.place.is_file():
            raise HTTPException(404, found.problem or "The file of this clip is gone.")
        return FileResponse(found.place, media_type=found.type, headers=_SEALED, content_disposition_type="inline")

    @routes.get("/clips/{key}/about")
    async def about(request: Request, key: str) -> JSONResponse:
        await asyncio.to_thread(arena.rater, request)
        found = await arena.playable(key)
        return JSONResponse({"label": _SAME_COPY if found.is_copy else None, "problem": found.problem})

    return routes


def _cookie(request: Request) -> str:
    return f"{cookie_name(request.headers.get('host', ''))}-arena"
