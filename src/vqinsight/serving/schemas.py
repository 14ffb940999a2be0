"""The bodies that clients send. Lengths of texts are checked against the limits in ``sent``."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vqinsight.serving.answering import Drawing
from vqinsight.serving.uploads import Upload, from_base64, upload_of


class Body(BaseModel):
    """A body in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ClipIn(Body):
    """One clip: exactly one of ``video`` (a data URL or base64 of a file), ``frames`` (base64 of images), ``path``."""

    video: str | None = None
    frames: list[str] | None = Field(default=None, min_length=1)
    path: str | None = Field(default=None, max_length=4096)
    fps: float | None = Field(default=None, gt=0, le=1000)
    name: str | None = Field(default=None, max_length=256)
    prompt: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(each is not None for each in (self.video, self.frames, self.path)) != 1:
            raise ValueError("give exactly one of video, frames and path")
        return self

    def upload(self, name: str) -> Upload:
        """The clip under its own name, or ``name``."""
        name = self.name or name
        if self.path is not None:
            return Upload(name, path=self.path)
        if self.frames is not None:
            return Upload(name, frames=tuple(from_base64(name, frame) for frame in self.frames), fps=self.fps)
        return upload_of(name, self.video or "", self.fps)


class Asking(Body):
    """What all questions share."""

    prompt: str | None = None
    samples: int = Field(default=1, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    seed: int = 0

    def drawing(self) -> Drawing:
        """One sample is the most likely answer."""
        return Drawing(self.samples, self.temperature if self.samples > 1 else 0.0, self.seed)


class Scoring(Asking):
    """How clips are scored."""

    task: Literal["image", "natural", "generated"] | None = None


class ScoreIn(Scoring):
    """Clips to score; a clip's own prompt comes before the common one."""

    clips: list[ClipIn] = Field(min_length=1)


class CompareIn(Asking):
    """Two clips of one prompt."""

    a: ClipIn
    b: ClipIn


class RankIn(Asking):
    """Clips of one prompt."""

    clips: list[ClipIn] = Field(min_length=2)


class Turn(BaseModel):
    """UniRL: a text with its clip."""

    text: str
    video_b64: str | None = None
    video_path: str | None = None
    image_b64: str | None = None


class RewardRequest(BaseModel):
    """UniRL: one sample and the rewards that it needs."""

    history: list[Turn] = Field(min_length=1)
    required_rewards: list[str] = Field(min_length=1)
    metadata: dict[str, Any] | None = None
    request_id: str | None = None
    sample_id: str | None = None
    group_id: str | None = None
    source_rank: int | None = None
    policy_version: int | None = None
    scorer_version: str | None = None
    idempotency_key: str | None = None


class RewardsIn(BaseModel):
    """UniRL: a batch of samples."""

    protocol_version: str = "1"
    requests: list[RewardRequest]
    grad_mode: bool = False


class ComputeIn(BaseModel):
    """Flow-Factory: prompts, and for each of them an image or the frames of a video."""

    prompt: list[str] = Field(min_length=1)
    image: list[str] | None = None
    video: list[list[str]] | None = None
    condition_images: list[Any] | None = None
    condition_videos: list[Any] | None = None
    kwargs: dict[str, Any] | None = None


class Url(BaseModel):
    """OpenAI: a data URL."""

    url: str
    fps: float | None = Field(default=None, gt=0, le=1000)
    detail: str | None = None


class Part(BaseModel):
    """OpenAI: a text, an image or a video."""

    type: Literal["text", "image_url", "video_url"]
    text: str | None = None
    image_url: Url | None = None
    video_url: Url | None = None

    @model_validator(mode="after")
    def _has_its_content(self) -> Self:
        if getattr(self, self.type) is None:
            raise ValueError(f"a part of type {self.type} needs {self.type}")
        return self


class ChatMessage(BaseModel):
    """OpenAI: one message."""

    role: Literal["system", "user", "assistant"]
    content: str | list[Part]
    name: str | None = None


class ChatIn(Body):
    """OpenAI: a chat. What has no effect here is refused unless it has its neutral value."""

    model: str | None = None
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = None
    n: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0)
    seed: int | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, ge=1, le=1)
    presence_penalty: float | None = Field(default=None, ge=0, le=0)
    frequency_penalty: float | None = Field(default=None, ge=0, le=0)
    logprobs: Literal[False] | None = None
    stop: None = None
    tools: None = None
    response_format: dict[Literal["type"], Literal["text"]] | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    mm_processor_kwargs: dict[Literal["fps"], float] | None = None
