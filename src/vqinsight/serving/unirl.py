"""UniRL's reward service: ``/score`` and ``/rewards`` (``/health`` is the server's own).

A sample is the last turn of its history. Each reward has one sub-metric, ``score``. For ``win_rate`` the samples of one
POST with the same ``metadata.group``, ``group_id`` or else text are a group.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from vqinsight.errors import UsageError
from vqinsight.serving.native import body
from vqinsight.serving.rewards import check_rewards
from vqinsight.serving.schemas import RewardRequest, RewardsIn, Turn
from vqinsight.serving.sent import check, json_of
from vqinsight.serving.service import Service
from vqinsight.serving.uploads import Upload, upload_of
from vqinsight.tasks.types import Missing

SUB_METRIC = "score"
_IDENTITY = (
    "request_id", "sample_id", "group_id", "source_rank", "policy_version", "scorer_version", "idempotency_key",
)  # fmt: skip


def routes(service: Service) -> APIRouter:
    """The endpoints."""
    router = APIRouter()

    @router.get("/rewards")
    async def rewards() -> dict[str, list[str]]:
        """The names of all rewards."""
        return {"rewards": list(service.rewards)}

    @router.post("/score", openapi_extra=body("RewardsIn"))
    async def score(request: Request) -> dict[str, Any]:
        """The rewards of a batch; one that failed is left out of the results and named in the errors."""
        given = await json_of(request, RewardsIn)
        if given.protocol_version != "1" or given.grad_mode or any(each.scorer_version for each in given.requests):
            raise UsageError("Only protocol_version 1 without grad_mode and scorer_version is spoken here.")
        results: list[dict[str, dict[str, float]]] = [{} for _ in given.requests]
        errors: list[dict[str, str]] = [{} for _ in given.requests]
        if given.requests:
            names = list(dict.fromkeys(name for each in given.requests for name in each.required_rewards))
            check_rewards(names, service.judge.assessor.prompt_set)
            texts = [each.history[-1].text for each in given.requests]
            check(texts, None, service.limits)
            uploads = [_upload(f"request {i}", each.history[-1]) for i, each in enumerate(given.requests)]
            found = await service.reward(names, uploads, texts, [_group(each) for each in given.requests])
            for i, (each, numbers) in enumerate(zip(given.requests, found, strict=True)):
                for name in each.required_rewards:
                    value = numbers[name]
                    if isinstance(value, Missing):
                        errors[i][name] = value.reason
                    else:
                        results[i][name] = {SUB_METRIC: value}
        identities = [{key: getattr(each, key) for key in _IDENTITY} for each in given.requests]
        return {"results": results, "errors": errors, "identities": identities, "protocol_version": "1"}

    return router


def _group(sample: RewardRequest) -> str:
    given = (sample.metadata or {}).get("group", sample.group_id)
    return f"text {sample.history[-1].text}" if given is None else f"group {given}"


def _upload(name: str, turn: Turn) -> Upload:
    if turn.video_path is not None and turn.video_b64 is None:
        return Upload(name, path=turn.video_path)
    media = turn.video_b64 if turn.video_b64 is not None else turn.image_b64  # an image beside a video is a key frame
    if media is None or turn.video_path is not None:
        raise UsageError(f"{name}: give one of video_b64 and video_path, or else image_b64.")
    return upload_of(name, media)
