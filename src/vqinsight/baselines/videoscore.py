"""VideoScore (He et al., EMNLP 2024): an Idefics2 with a linear head that regresses five scores.

Frames are decoded and prepared as for every system here; the number of frames, their choice, the processor and the
place of the readout are those of its inference script. The wording is read from the user's clone.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import nn
from transformers import (
    AutoConfig,
    AutoProcessor,
    Idefics2Model,
    Idefics2PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from vqinsight.assessor.load import pick_dtype, weights_digest
from vqinsight.baselines.base import Scores
from vqinsight.baselines.clone import TEXT, digest_of, read_clone, remarks_on, wording
from vqinsight.baselines.frames import FrameScorer
from vqinsight.baselines.sampling import strided
from vqinsight.common.device import pick_device
from vqinsight.errors import ModelError
from vqinsight.tasks.prompt_set import clean
from vqinsight.tasks.types import Missing

REPOSITORY = "https://github.com/TIGER-AI-Lab/VideoScore"
COMMIT = "8e449734bbeb4aba327b82f2269e7247633a7abc"
SCRIPT = "examples/run_videoscore.py"
# Visual quality, temporal consistency, dynamic degree, text-to-video alignment, factual consistency; labels are 1 to 4.
DIMENSIONS = ("spatial", "temporal", "dynamic", "alignment", "factual")


class Idefics2Regression(Idefics2PreTrainedModel):
    """Parameters named as in the released weights: ``model`` and ``score``."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.model = Idefics2Model(config)
        self.score = nn.Linear(config.text_config.hidden_size, config.num_labels)
        self.post_init()


class VideoScore(FrameScorer):
    """Scores five dimensions, trained on labels from 1 to 4 and unbounded; a comparison is by their mean.

    Args:
        model: hub id or folder of the weights.
        code: clone of ``REPOSITORY``, for the wording.
        frames: most frames: 16 for VideoScore, 48 for VideoScore-v1.1.
        device, dtype: as for ``vqinsight.load``.

    Raises:
        ModelError: the weights are no VideoScore's, or the clone lacks the wording.
    """

    name = "videoscore"
    ranges = {}  # noqa: RUF012

    def __init__(self, model: str, code: str, *, frames: int = 16, device: str = "auto", dtype: str = "auto") -> None:
        words = wording(read_clone(code, SCRIPT, REPOSITORY), "REGRESSION_QUERY_PROMPT", "{text_prompt}", SCRIPT)
        self.remarks = remarks_on(self.name, code, COMMIT)
        self._words = words
        self.choose = partial(strided, most=frames)
        target = pick_device(device, None)
        self._model, self._processor = _load(model, pick_dtype(dtype, target))
        self._model = self._model.eval().requires_grad_(False).to(target)
        self.digest = f"{weights_digest(model, {}, None, self._model.config)} {digest_of(words)}"

    @torch.no_grad()
    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``; missing without a prompt."""
        if not prompt or not prompt.strip():
            return Missing("VideoScore needs the text prompt")
        frames = self.frames(path)
        text = self._words.replace(TEXT, clean(prompt)) + "<image> " * len(frames)
        images = [Image.fromarray(frame) for frame in frames.values()]
        inputs = self._processor(text=text, images=images, return_tensors="pt").to(self._model.device)
        hidden = self._model.model(**inputs, use_cache=False).last_hidden_state
        values = self._model.score(hidden[0, -1]).float().tolist()
        return dict(zip(DIMENSIONS, values, strict=True))


def _load(place: str, dtype: torch.dtype) -> tuple[Any, Any]:
    transformers_logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(place)
        if config.model_type != "idefics2" or config.num_labels != len(DIMENSIONS):
            raise ModelError(
                f"{place}: VideoScore is an idefics2 with {len(DIMENSIONS)} outputs, this is a "
                f"{config.model_type} with {config.num_labels}."
            )
        model, told = Idefics2Regression.from_pretrained(place, dtype=dtype, output_loading_info=True)
        processor = AutoProcessor.from_pretrained(place)
        # Its own pipeline: the class that transformers 5 makes of it puts other spaces behind image tokens.
        processor.tokenizer = PreTrainedTokenizerFast.from_pretrained(place)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"{place}: cannot be loaded ({str(error).strip().splitlines()[0]}). "
            "Get it: hf download TIGER-Lab/VideoScore --local-dir DIR"
        ) from error
    if lost := sorted(told["missing_keys"]):
        raise ModelError(f"{place}: the weights lack {len(lost)} parameters, such as {lost[0]}.")
    return model, processor
