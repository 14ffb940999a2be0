"""An export's frames as they are, for verl. Runs in verl's environment.

verl's own loading enlarges frames and rounds their sides to multiples of 56 pixels, which blurs what is to be judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from verl.utils.dataset.rl_dataset import RLHFDataset

Video = tuple[torch.Tensor, dict[str, Any]]


class FrameDataset(RLHFDataset):
    """verl's dataset; images and videos are read as they were exported."""

    @classmethod
    async def process_vision_info(
        cls,
        messages: Sequence[dict[str, Any]],
        image_patch_size: int,  # noqa: ARG003 - verl's signature
        config: Any,  # noqa: ARG003
    ) -> tuple[list[Image.Image] | None, list[Video] | None]:
        """See verl: the images and videos of a question's messages."""
        return await asyncio.get_running_loop().run_in_executor(None, read_frames, messages)

    @classmethod
    def _process_multi_modal_info(
        cls,
        messages: Sequence[dict[str, Any]],
        image_patch_size: int,  # noqa: ARG003 - verl's signature
        config: Any,  # noqa: ARG003
    ) -> tuple[list[Image.Image] | None, list[Video] | None, None]:
        return (*read_frames(messages), None)


def read_frames(messages: Sequence[dict[str, Any]]) -> tuple[list[Image.Image] | None, list[Video] | None]:
    """The images, and the videos: (T, 3, h, w) float32 of 0 to 255, each with its times for the processor."""
    images, videos = [], []
    for message in messages:
        for item in message["content"] if isinstance(message["content"], list) else ():
            if item["type"] == "image":
                images.append(_open(item["image"]))
            elif item["type"] == "video":
                frames = np.stack([np.asarray(_open(file)) for file in item["video"]])
                times = {key: item[key] for key in ("fps", "frames_indices", "total_num_frames")}
                videos.append((torch.from_numpy(frames).permute(0, 3, 1, 2).float(), times))
    return images or None, videos or None


def _open(file: str) -> Image.Image:
    with Image.open(file) as image:
        return image.convert("RGB")
