"""The record of what a model was shown of one clip, and told of it. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Evidence:
    """What was measured on every frame of a clip, in words that stand in a question to a model.

    Attributes:
        spatial: of the frames.
        temporal: between the frames; empty where the order of frames says nothing, as of a still image.
    """

    spatial: str
    temporal: str

    @property
    def text(self) -> str:
        """Both, as a model reads them."""
        return " ".join(part for part in (self.spatial, self.temporal) if part)


@dataclass(frozen=True)
class ClipInput:
    """What a model was shown of one clip, and told of it.

    Attributes:
        kind: video, image or frames (a folder).
        width, height: of the clip's frames, in pixels.
        source_frames, source_fps, duration: the whole clip; seconds.
        indices, times: the sampled frames and their presentation times, in seconds.
        rule: the sampling rule in words.
        size: (width, height) in pixels at which the frames were shown to the model.
        warnings: problems of the file that do not make it unusable.
        extra: further views, each in a few words.
        evidence: what was measured, where the question states it.
        preview: a few small JPEG frames for reports; never part of plain dicts.
    """

    kind: str
    width: int
    height: int
    source_frames: int
    source_fps: float
    duration: float
    indices: tuple[int, ...]
    times: tuple[float, ...]
    rule: str
    size: tuple[int, int]
    warnings: tuple[str, ...]
    extra: tuple[str, ...] = ()
    evidence: Evidence | None = None
    preview: tuple[bytes, ...] = field(default=(), repr=False)


def read_input(plain: dict[str, Any]) -> ClipInput:
    """The record that ``dataclasses.asdict`` made ``plain`` of, through JSON or not."""
    given: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in plain.items()}
    if given.get("evidence") is not None:
        given["evidence"] = Evidence(**given["evidence"])
    return ClipInput(**given)
