"""Flow-Factory's remote reward: ``/ff/REWARD/compute``, one URL prefix a reward, one POST a group.

Its protocol has no failure of a single item: where one reward is missing the whole POST is an error, never a number.
Its client asks again at once on a status of 400 and above, and then tells the status alone. It tells the reason, at
once, of ``{"error": reason}`` with status 200: that is the answer where a repeat would fail alike, and 5xx where not.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from vqinsight.errors import UsageError
from vqinsight.serving.native import body
from vqinsight.serving.rewards import check_rewards
from vqinsight.serving.schemas import ComputeIn
from vqinsight.serving.sent import check, json_of
from vqinsight.serving.service import Service
from vqinsight.serving.uploads import Upload, from_base64, upload_of
from vqinsight.tasks.types import Missing


def routes(service: Service) -> APIRouter:
    """The endpoints."""
    router = APIRouter(prefix="/ff/{reward}")

    @router.get("/health")
    async def health(reward: str) -> dict[str, str]:
        """Whether there is such a reward."""
        check_rewards([reward], service.judge.assessor.prompt_set)
        return {"status": "ok"}

    @router.post("/compute", openapi_extra=body("ComputeIn"))
    async def compute(reward: str, request: Request) -> dict[str, Any]:
        """The reward of every clip, or an error."""
        given = await json_of(request, ComputeIn)
        check(given.prompt, None, service.limits)
        found = await service.reward([reward], _uploads(given), given.prompt, [0] * len(given.prompt))
        values = [numbers[reward] for numbers in found]
        missing = [f"clip {i}: {value.reason}" for i, value in enumerate(values) if isinstance(value, Missing)]
        if missing:
            raise UsageError("; ".join(missing))
        return {"rewards": values}

    return router


def _uploads(given: ComputeIn) -> list[Upload]:
    if given.condition_images or given.condition_videos:
        raise UsageError("This reward looks at no conditions. Send prompt, and image or video.")
    media: list[Any] = given.video or given.image or []
    if bool(given.video) == bool(given.image) or len(media) != len(given.prompt):
        raise UsageError(f"{len(given.prompt)} prompts need as many images or as many videos, not {len(media)}.")
    if given.video:
        return [
            Upload(f"video {i}", frames=tuple(from_base64(f"video {i}", frame) for frame in video))
            for i, video in enumerate(given.video)
        ]
    return [upload_of(f"image {i}", image) for i, image in enumerate(given.image or [])]
