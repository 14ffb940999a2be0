"""CLIP-IQA and CLIPScore through torchmetrics, averaged over frames.

torchmetrics' metrics get model and processor from a function; ours loads any CLIP folder or hub id and converts the
features of transformers 5 to the plain tensors that torchmetrics expects.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from transformers import CLIPModel, CLIPProcessor

from vqinsight.baselines.base import Scores
from vqinsight.baselines.frames import FrameScorer
from vqinsight.baselines.sampling import evenly
from vqinsight.common.device import pick_device
from vqinsight.common.extras import needed
from vqinsight.errors import ModelError
from vqinsight.tasks.types import Missing

CLIP = "openai/clip-vit-base-patch16"
ORIGINAL_IQA = "clip_iqa"  # torchmetrics' name of CLIP-IQA's own ResNet-50, which piq brings
_FRAMES = 8


class CLIPIQA(FrameScorer):
    """Scores ``quality``: the mean over frames of the probability of "Good photo." against "Bad photo.", 0 to 1.

    Args:
        model: ``clip_iqa`` for the published ResNet-50, which needs the package piq, or any CLIP folder or hub id.
        frames: number of frames.
        device: where the model runs, as ``pick_device`` takes it.

    Raises:
        ModelError: torchmetrics or piq is not installed, or there is no such model.
    """

    name = "clip_iqa"
    ranges = {"quality": (0.0, 1.0)}  # noqa: RUF012

    def __init__(self, model: str = ORIGINAL_IQA, *, frames: int = _FRAMES, device: str = "auto") -> None:
        self._metric = needed("torchmetrics.functional.multimodal", "clip").clip_image_quality_assessment
        self._device = pick_device(device)
        self.choose = partial(evenly, count=frames)
        if model == ORIGINAL_IQA:
            needed("piq", "clip-iqa")
        self._model: Any = model if model == ORIGINAL_IQA else _Loaded(model)
        # torchmetrics divides by the range, and a CLIP processor divides by 255 again; piq's model does not.
        self._range = 255.0 if model == ORIGINAL_IQA else 1.0

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:  # noqa: ARG002
        """See ``Baseline.score``; the prompt is ignored."""
        values = [
            float(self._metric(_pixels(frame)[None].float().to(self._device), self._model, data_range=self._range))
            for frame in self.frames(path).values()
        ]
        return {"quality": float(np.mean(values))}


class CLIPScore(FrameScorer):
    """Scores ``alignment``: the mean over frames of 100 times the cosine between frame and prompt, clipped at 0.

    Args:
        model: any CLIP folder or hub id.
        frames: number of frames.
        device: where the model runs, as ``pick_device`` takes it.

    Raises:
        ModelError: torchmetrics is not installed, or there is no such model.
    """

    name = "clipscore"
    ranges = {"alignment": (0.0, 100.0)}  # noqa: RUF012

    def __init__(self, model: str = CLIP, *, frames: int = _FRAMES, device: str = "auto") -> None:
        self._metric = needed("torchmetrics.functional.multimodal", "clip").clip_score
        self._device = pick_device(device)
        self.choose = partial(evenly, count=frames)
        self._model = _Loaded(model)

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``; missing without a prompt. CLIP reads the first 77 tokens of a prompt."""
        if not prompt or not prompt.strip():
            return Missing("CLIPScore needs the text prompt")
        values = [
            float(self._metric(_pixels(frame).to(self._device), prompt, self._model))
            for frame in self.frames(path).values()
        ]
        return {"alignment": float(np.mean(values))}


class _Loaded:
    """A factory for torchmetrics that always returns the same model, loaded once."""

    def __init__(self, place: str) -> None:
        try:
            self._model = _Features(CLIPModel.from_pretrained(place).eval().requires_grad_(False))
            self._processor = CLIPProcessor.from_pretrained(place)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{place}: no CLIP model here ({str(error).splitlines()[0]}). Give a folder or a hub id such as {CLIP}."
            ) from error

    def __call__(self) -> tuple[_Features, Any]:
        return self._model, self._processor


class _Features:
    """A CLIP model whose features are plain tensors, (rows, width)."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.config = model.config

    def to(self, device: Any) -> _Features:
        self._model.to(device)
        return self

    def get_image_features(self, pixels: torch.Tensor) -> torch.Tensor:
        return _tensor(self._model.get_image_features(pixels))

    def get_text_features(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return _tensor(self._model.get_text_features(ids, mask))


def _tensor(features: Any) -> torch.Tensor:
    found: torch.Tensor = features if isinstance(features, torch.Tensor) else features.pooler_output
    return found


def _pixels(frame: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)
