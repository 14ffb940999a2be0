"""Reading what a client sent: JSON or a form, checked against its schema and the limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from vqinsight.errors import UsageError
from vqinsight.serving.limits import Limits
from vqinsight.serving.schemas import Asking, CompareIn, RankIn, ScoreIn, Scoring
from vqinsight.serving.uploads import Upload
from vqinsight.tasks.types import TaskName

Model = TypeVar("Model", bound=BaseModel)
FORM: dict[str, Any] = {
    "schema": {
        "type": "object",
        "properties": {
            "clips": {"type": "array", "items": {"type": "string", "format": "binary"}},
            **{name: {"type": "string"} for name in ("prompt", "task", "samples", "temperature", "seed")},
        },
    }
}


@dataclass(frozen=True)
class Sent:
    """Clips with their prompts, and how they are asked about."""

    uploads: list[Upload]
    prompts: list[str | None]
    options: Asking
    task: TaskName | None = None


async def json_of(request: Request, model: type[Model]) -> Model:
    """The body as this schema.

    Raises:
        UsageError: another content type than JSON, or a body that does not fit, with what does not.
    """
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise UsageError("Send application/json here.")
    return _valid(model, await request.body())


async def sent(request: Request, model: type[ScoreIn] | type[CompareIn] | type[RankIn], limits: Limits) -> Sent:
    """What was sent to be scored, compared or ranked. A form has its files under ``clips``, or ``a`` and ``b``.

    Raises:
        UsageError: it does not fit the schema or the limits.
    """
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _form(request, Scoring if model is ScoreIn else Asking, limits)
    body = await json_of(request, model)
    if isinstance(body, CompareIn):
        given = {"a": body.a, "b": body.b}
    else:
        given = {f"clip {number}": clip for number, clip in enumerate(body.clips, start=1)}
    uploads = [clip.upload(name) for name, clip in given.items()]
    prompts = [clip.prompt or body.prompt for clip in given.values()]
    if not isinstance(body, ScoreIn) and len(set(prompts)) > 1:
        raise UsageError("Clips are compared that were made from one prompt; give it once.")
    check(prompts, body, limits)
    return Sent(uploads, prompts, body, body.task if isinstance(body, ScoreIn) else None)


def check(texts: Iterable[str | None], options: Asking | None, limits: Limits) -> None:
    """Refuse texts that are too long, and too many samples.

    Raises:
        UsageError: with the limit.
    """
    longest = max((len(text or "") for text in texts), default=0)
    if longest > limits.max_prompt:
        raise UsageError(f"A text has {longest} characters, and {limits.max_prompt} are allowed.")
    if options is not None and options.samples > limits.max_samples:
        raise UsageError(f"{options.samples} samples were asked for, and {limits.max_samples} are allowed.")


async def _form(request: Request, model: type[Asking], limits: Limits) -> Sent:
    uploads: list[Upload] = []
    fields: dict[str, Any] = {}
    async with request.form(max_files=limits.max_clips, max_fields=16, max_part_size=4 * limits.max_prompt) as form:
        for key, value in form.multi_items():
            if isinstance(value, UploadFile):
                if key not in ("clips", "a", "b"):
                    raise UsageError(f"Files are sent as clips, or as a and b, not as {key[:64]}.")
                name = key if key != "clips" else f"clip {len(uploads) + 1}"
                uploads.append(Upload(name, file=await value.read()))
            else:
                fields[key] = value
    options = _valid(model, fields)
    check([options.prompt], options, limits)
    task = options.task if isinstance(options, Scoring) else None
    return Sent(uploads, [options.prompt] * len(uploads), options, task)


def _valid(model: type[Model], given: bytes | dict[str, Any]) -> Model:
    try:
        return model.model_validate_json(given) if isinstance(given, bytes) else model.model_validate(given)
    except ValidationError as error:  # without what was sent, which may be large
        wrong = error.errors(include_input=False, include_url=False, include_context=False)[:5]
        lines = (f"{'.'.join(map(str, each['loc'])) or 'the body'}: {each['msg']}" for each in wrong)
        raise UsageError("; ".join(lines)) from None
