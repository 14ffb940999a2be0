"""Model families: the prompt text of a view. Everything else is transformers' common interface."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from vqinsight.video.patches import PixelSpec
from vqinsight.video.views import View

IMAGE_TOKEN, VIDEO_TOKEN = "<|image_pad|>", "<|video_pad|>"
VISION_START, VISION_END = "<|vision_start|>", "<|vision_end|>"


@dataclass(frozen=True)
class Family:
    """One model type of transformers.

    Attributes:
        placeholder: (view, spec) -> text that takes the place of the template's single image or video token.
    """

    placeholder: Callable[[View, PixelSpec], str]


def _tokens(view: View, spec: PixelSpec) -> int:
    """Number of visual tokens of one temporal patch."""
    return math.prod(view.grid[1:]) // spec.merge_size**2


def _plain(view: View, spec: PixelSpec) -> str:
    token = IMAGE_TOKEN if view.kind == "image" else VIDEO_TOKEN
    return token * (view.grid[0] * _tokens(view, spec))


def _timestamped(view: View, spec: PixelSpec) -> str:
    """Each temporal patch after its time stamp, the mean of its frames' times."""
    if view.kind == "image":
        return _plain(view, spec)
    frames = VISION_START + VIDEO_TOKEN * _tokens(view, spec) + VISION_END
    step = max(1, len(view.times) // view.grid[0])
    moments = [(view.times[i], view.times[min(i + step, len(view.times)) - 1]) for i in range(0, len(view.times), step)]
    return "".join(f"<{(first + last) / 2:.1f} seconds>{frames}" for first, last in moments[: view.grid[0]])


FAMILIES: dict[str, Family] = {
    "qwen2_vl": Family(_plain),
    "qwen2_5_vl": Family(_plain),
    "qwen3_vl": Family(_timestamped),
    "qwen3_5": Family(_timestamped),
}
