"""The frames that a server is sent: those that a local model would see, resized by the same code."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image

from vqinsight.video.patches import PixelSpec
from vqinsight.video.sampling import Sampling
from vqinsight.video.views import Frames, OverviewViews, View, overview_frame

Codec = Literal["png", "jpeg"]
JPEG_QUALITY = 95  # with colour at full resolution: a JPEG adds the very blocking that is judged


@dataclass(frozen=True)
class FileView(View):
    """A view as files in memory, without patches.

    Attributes:
        files: a PNG or JPEG file a frame.
        sampling: of the clip; ``None`` for an image.
    """

    files: tuple[bytes, ...]
    sampling: Sampling | None = None


class FileViews:
    """The sampled frames, resized, as files; a ``ViewBuilder``."""

    extra: tuple[str, ...] = ()

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def needed_frames(self, sampling: Sampling) -> tuple[int, ...]:
        """See ``ViewBuilder``: the sampled frames."""
        return OverviewViews().needed_frames(sampling)

    def build(self, frames: Frames, sampling: Sampling, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``: one view."""
        made = {index: self._file(frame, spec) for index, frame in frames}
        files = tuple(made[index] for index in sampling.indices)
        return (FileView("video", torch.empty(0), (len(files), 1, 1), 0.0, sampling.times, files, sampling),)

    def build_image(self, image: np.ndarray, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``: one view."""
        return (FileView("image", torch.empty(0), (1, 1, 1), 0.0, (0.0,), (self._file(image, spec),)),)

    def _file(self, frame: np.ndarray, spec: PixelSpec) -> bytes:
        return encode(overview_frame(frame, spec).permute(1, 2, 0).numpy(), self._codec)


def encode(frame: np.ndarray, codec: Codec) -> bytes:
    """An (h, w, 3) uint8 frame as a file: lossless, or as a JPEG of quality 95 in 4:4:4."""
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(frame))
    if codec == "png":
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
