"""OpenAI's shape: ``/v1/models`` and ``/v1/chat/completions`` with videos and images as data URLs.

The messages are the user's own prompt: nothing is added to them, and nothing is read into the answer.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from fastapi import APIRouter, Request

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.serving.answering import Drawing, Job
from vqinsight.serving.native import body
from vqinsight.serving.schemas import ChatIn, Part
from vqinsight.serving.sent import check, json_of
from vqinsight.serving.service import Service
from vqinsight.serving.uploads import Upload, upload_of
from vqinsight.video.preprocess import ProcessedClip


def routes(service: Service) -> APIRouter:
    """The endpoints."""
    router = APIRouter(prefix="/v1")
    begun = int(time.time())

    @router.get("/models")
    async def models() -> dict[str, Any]:
        """The one model, with the digest of its weights and the template that its questions are worded in."""
        assessor = service.judge.assessor
        told = {"model_hash": assessor.loaded.digest, "template": assessor.prompt_set.name}
        one = {"id": service.model, "object": "model", "created": begun, "owned_by": "vqinsight", **told}
        return {"object": "list", "data": [one]}

    @router.post("/chat/completions", openapi_extra=body("ChatIn"))
    async def chat(request: Request) -> dict[str, Any]:
        """Answers in the model's own words; the most likely one unless a temperature is given."""
        given = await json_of(request, ChatIn)
        _refuse(given, service)
        messages, uploads = _messages(given)
        seen = await service.see(uploads) if uploads else []
        for clip in seen:
            if isinstance(clip, UnreadableVideo):
                raise UsageError(str(clip))
        drawing = Drawing(
            given.n or 1, given.temperature or 0.0, given.seed or 0, given.max_completion_tokens or given.max_tokens
        )
        clips = tuple(clip for clip in seen if isinstance(clip, ProcessedClip))
        job = Job(clips, ((messages, tuple(range(len(clips)))),), drawing, counted=True)
        answered = await service.complete(job)
        [said] = answered.completions
        tokens = sum(each.tokens for each in said)
        return {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": service.model,
            "choices": [
                {
                    "index": index,
                    "message": {"role": "assistant", "content": each.text},
                    "logprobs": None,
                    "finish_reason": "stop" if each.ended else "length",
                }
                for index, each in enumerate(said)
            ],
            "usage": {
                "prompt_tokens": answered.prompt_tokens,
                "completion_tokens": tokens,
                "total_tokens": answered.prompt_tokens + tokens,
            },
        }

    return router


def _refuse(given: ChatIn, service: Service) -> None:
    if given.stream:
        raise UsageError("Answers are not streamed here. Leave stream out, or set it to false.")
    if given.model not in (None, service.model):
        raise UsageError(f"There is no model {given.model[:64]!r} here. This is {service.model}.")
    if (given.n or 1) > service.limits.max_samples:
        raise UsageError(f"n is {given.n}, and {service.limits.max_samples} are allowed.")
    texts = [
        message.content if isinstance(message.content, str) else part.text or ""
        for message in given.messages
        for part in (message.content if isinstance(message.content, list) else [Part(type="text", text="")])
    ]
    check(texts, None, service.limits)
    special = service.judge.assessor.loaded.tokenizer.all_special_tokens
    for token in special:
        if any(token in text for text in texts):
            raise UsageError(f"A text holds {token}, which is a sign of the chat format and not text.")


def _messages(given: ChatIn) -> tuple[list[dict[str, Any]], list[Upload]]:
    """The messages in the assessor's form, and their clips in order."""
    uploads: list[Upload] = []
    fps = (given.mm_processor_kwargs or {}).get("fps")

    def piece(part: Part) -> dict[str, Any]:
        media = part.video_url or part.image_url
        if part.type == "text" or media is None:
            return {"type": "text", "text": part.text}
        uploads.append(upload_of(f"clip {len(uploads) + 1}", media.url, media.fps or fps))
        return {"type": "clip", "index": len(uploads) - 1}

    messages = []
    for message in given.messages:
        parts = message.content
        content = [{"type": "text", "text": parts}] if isinstance(parts, str) else [piece(part) for part in parts]
        messages.append({"role": message.role, "content": content})
    return messages, uploads
