"""Clips as series of images: for models that were taught to see the frames of a clip one by one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image
from transformers.image_processing_base import ImageProcessingMixin

from vqinsight.assessor.assessor import Assessor
from vqinsight.baselines.sampling import Choose
from vqinsight.inference.api import VQInsight, load
from vqinsight.video.patches import PixelSpec
from vqinsight.video.sampling import Sampling
from vqinsight.video.views import Frames, View, overview_frame, view

_QUALITY = 95  # of the JPEG files in which frames are sent to a server


@dataclass(frozen=True)
class StillViews:
    """One image for each chosen frame; a ``video.views.ViewBuilder``.

    Attributes:
        choose: maps the clip's frame count to frame indices, ascending; one that repeats is shown again.
        jpegs: how many times a frame is compressed as JPEG on its way to the model.
    """

    choose: Choose
    jpegs: int

    @property
    def extra(self) -> tuple[str, ...]:
        """See ``ViewBuilder``."""
        return ("frames chosen and shown as single images",)

    def needed_frames(self, sampling: Sampling) -> tuple[int, ...]:
        """See ``ViewBuilder``: the chosen frames."""
        return tuple(sorted(set(self.choose(sampling.source_frames))))

    def build(self, frames: Frames, sampling: Sampling, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``."""
        images = {index: self.build_image(frame, spec)[0] for index, frame in frames}
        return tuple(images[index] for index in self.choose(sampling.source_frames))

    def build_image(self, image: np.ndarray, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``."""
        for _ in range(self.jpegs):
            image = as_jpeg(image)
        return (view("image", overview_frame(image, spec)[None], spec, 0.0, (0.0,)),)


def as_jpeg(frame: np.ndarray) -> np.ndarray:
    """An (H, W, 3) uint8 RGB frame after JPEG compression."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=_QUALITY)
    return np.array(Image.open(buffer).convert("RGB"))


def load_for_stills(model: str, views: Sequence[StillViews], options: dict[str, Any], room: int) -> list[VQInsight]:
    """A model, loaded once, that sees clips as images; one judge for each way of showing them.

    Images have the limits of size of the model's own preprocessor unless ``max_pixels`` sets them. A model that may
    reason before it answers is told not to, by its chat template.

    Args:
        options: for ``vqinsight.load``.
        room: longest answer, in tokens.
    """
    loaded = load(model, **options).assessor.loaded
    settings = loaded.settings.model_copy(update={"max_new_tokens": room})
    place, _, subfolder = model.partition(":")
    where = {"subfolder": subfolder} if subfolder else {}
    spec = loaded.spec if "max_pixels" in options else own_limits(loaded.spec, place, where)
    template = loaded.tokenizer.chat_template
    loaded.tokenizer.chat_template = "{%- set enable_thinking = false %}" + template
    told = replace(loaded, settings=settings, spec=spec)
    folder_fps = options.get("folder_fps")
    return [VQInsight(Assessor(replace(told, views=each), folder_fps=folder_fps)) for each in views]


def own_limits(spec: PixelSpec, place: str, where: dict[str, str]) -> PixelSpec:
    """The spec with the limits on an image's pixels that the model's preprocessor states."""
    values, _ = ImageProcessingMixin.get_image_processor_dict(place, **where)
    size = values.get("size") or {}
    low = values.get("min_pixels") or size.get("shortest_edge") or spec.min_pixels
    high = values.get("max_pixels") or size.get("longest_edge") or spec.max_pixels
    return replace(spec, min_pixels=int(low), max_pixels=int(high))
