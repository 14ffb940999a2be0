"""The record of what a model was shown of one clip. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ClipInput:
    """What a model was shown of one clip.

    Attributes:
        kind: video, image or frames (a folder).
        width, height: of the clip's frames, in pixels.
        source_frames, source_fps, duration: the whole clip; seconds.
        indices, times: the sampled frames and their presentation times, in seconds.
        rule: the sampling rule in words.
        size: (width, height) in pixels at which the frames were shown to the model.
        warnings: problems of the file that do not make it unusable.
        extra: further views, each in a few words.
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
    preview: tuple[bytes, ...] = field(default=(), repr=False)
