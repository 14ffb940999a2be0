"""The record of what was looked at of one clip. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Looked:
    """What was looked at of one clip.

    Attributes:
        kind: video, image or frames (a folder).
        width, height: of the clip's frames, in pixels.
        source_frames, source_fps, duration: the whole clip; seconds.
        indices, times: the frames looked at, and when they are shown, in seconds.
        rule: the sampling rule in words.
        size: (width, height) in pixels at which the frames were shown to the model.
        detail: fragments at native resolution shown beside it, as "rows x columns", or ``None``.
        warnings: what was odd about the file without making it unusable.
        scopes: measurements were shown beside the fragments.
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
    detail: str | None
    warnings: tuple[str, ...]
    scopes: bool = False
    preview: tuple[bytes, ...] = field(default=(), repr=False)
