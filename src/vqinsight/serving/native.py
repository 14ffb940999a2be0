"""``/v1/score``, ``/v1/compare`` and ``/v1/rank``: the records that the command line writes with ``--json``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from vqinsight.errors import UsageError
from vqinsight.serving.schemas import CompareIn, RankIn, ScoreIn
from vqinsight.serving.sent import FORM, sent
from vqinsight.serving.service import Service


def body(name: str, *, form: bool = False) -> dict[str, Any]:
    """What OpenAPI says of a request's body."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {"requestBody": {"required": True, "content": content | ({"multipart/form-data": FORM} if form else {})}}


def routes(service: Service) -> APIRouter:
    """The endpoints."""
    router = APIRouter(prefix="/v1")

    @router.post("/score", openapi_extra=body("ScoreIn", form=True))
    async def score(request: Request) -> dict[str, Any]:
        """Score clips; one that fails is a record with a status and no number."""
        given = await sent(request, ScoreIn, service.limits)
        records = await service.score(given.uploads, given.prompts, given.task, given.options.drawing())
        return {"results": [record.as_dict() for record in records]}

    @router.post("/compare", openapi_extra=body("CompareIn", form=True))
    async def compare(request: Request) -> dict[str, Any]:
        """Say which of two clips is better, asked in both orders."""
        given = await sent(request, CompareIn, service.limits)
        if len(given.uploads) != 2:
            raise UsageError(f"A comparison takes two clips, a and b, not {len(given.uploads)}.")
        a, b = given.uploads
        record = await service.compare(a, b, given.prompts[0], given.options.drawing())
        return record.as_dict()

    @router.post("/rank", openapi_extra=body("RankIn", form=True))
    async def rank(request: Request) -> dict[str, Any]:
        """Rank clips of one prompt: all pairs, in both orders."""
        given = await sent(request, RankIn, service.limits)
        prompt = given.prompts[0] if given.prompts else None
        return (await service.rank(given.uploads, prompt, given.options.drawing())).as_dict()

    return router
