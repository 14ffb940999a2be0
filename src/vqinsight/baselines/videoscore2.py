"""VideoScore2 (He et al., 2025): a Qwen2.5-VL that reasons, names three scores, and is read by its probabilities.

Sampling, sizes and times of frames and the readout are those of its inference script, whose wording is read from the
user's clone. The script draws an answer at temperature 0.7; here the most likely one is taken and read as if drawn so.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.generate import Decoder
from vqinsight.assessor.load import load_model
from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.clone import TEXT, digest_of, read_clone, remarks_on, wording
from vqinsight.baselines.next_token import about_one, encode
from vqinsight.common.device import cpu_threads
from vqinsight.errors import ModelError
from vqinsight.settings.inference import InferenceSettings
from vqinsight.tasks.prompt_set import clean
from vqinsight.tasks.types import Missing

REPOSITORY = "https://github.com/TIGER-AI-Lab/VideoScore2"
COMMIT = "e6abe26bf694c293023cb3863bd6c657128766ac"
SCRIPT = "vs2_inference.py"
LINES = {
    "visual quality:": "spatial",
    "text-to-video alignment:": "alignment",
    "physical/common-sense consistency:": "factual",
}
DIGITS = "12345"
_ALL = re.compile(r"\s*(\d+).*?".join(re.escape(line) for line in LINES) + r"\s*(\d+)", re.DOTALL | re.IGNORECASE)
_TEMPERATURE = 0.7
_TOP_K = 50  # of a drawn answer, where the weights' generation settings name none: transformers 4's own
# Two frames a second, from 128 to 768 tokens of 28 x 28 pixels each, told as one second a pair.
_SEEN = InferenceSettings(
    fps=2.0, min_frames=4, max_frames=768, min_pixels=128 * 784, max_pixels=768 * 784, seconds_per_grid=1.0
)


class VideoScore2(Scorer):
    """Scores ``spatial`` (visual quality), ``alignment`` and ``factual`` (physical and common-sense consistency).

    A score is the likeliest of the digits 1 to 5 times its share of their probability, so that 0.2 is the least.

    Args:
        model: hub id or folder of the weights.
        code: clone of ``REPOSITORY``, for the wording.
        device, dtype: as for ``vqinsight.load``.

    Raises:
        ModelError: the model is no Qwen2.5-VL with a token for each digit, or the clone lacks the wording.
    """

    name = "videoscore2"
    ranges = dict.fromkeys(LINES.values(), (1 / len(DIGITS), 5.0))

    def __init__(self, model: str, code: str, *, device: str = "auto", dtype: str = "auto") -> None:
        self._words = wording(read_clone(code, SCRIPT, REPOSITORY), "VS2_QUERY_TEMPLATE", "$t2v_prompt", SCRIPT)
        self.remarks = remarks_on(self.name, code, COMMIT)
        loaded = load_model(model, device=device, dtype=dtype)
        if loaded.model.config.model_type != "qwen2_5_vl":
            raise ModelError(f"{loaded.name} is a {loaded.model.config.model_type}, VideoScore2 a qwen2_5_vl.")
        spec = replace(loaded.spec, min_pixels=_SEEN.min_pixels, max_pixels=_SEEN.max_pixels)
        self._assessor = Assessor(replace(loaded, settings=_SEEN, spec=spec))
        ids = [loaded.tokenizer(digit, add_special_tokens=False)["input_ids"] for digit in DIGITS]
        if any(len(each) != 1 for each in ids):
            raise ModelError(f"{loaded.name}: its tokenizer has no token of its own for each digit.")
        self._digits = [each[0] for each in ids]
        self._processors = _processors(loaded.model.generation_config)
        self.digest = f"{loaded.digest} {digest_of(self._words)}"

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``; missing without a prompt, and where the answer names no three scores."""
        if not prompt or not prompt.strip():
            return Missing("VideoScore2 needs the text prompt")
        ids, scores_TD = self.answer(path, prompt)
        return read_scores(self._assessor.loaded.tokenizer, ids, scores_TD)

    @torch.no_grad()
    def answer(self, path: str, prompt: str) -> tuple[list[int], torch.Tensor]:
        """The most likely answer's T token ids, and the score of each digit in the place of each, (T, 5) float32."""
        assessor = self._assessor
        loaded = assessor.loaded
        clip = encode(assessor, path)
        asked = assessor.build(about_one(self._words.replace(TEXT, clean(prompt))), [clip])
        room = loaded.settings.max_new_tokens
        ids, digits = list(asked.ids), []
        with cpu_threads(loaded.threads):
            pad = loaded.tokenizer.pad_token_id
            decoder = Decoder(loaded.model, [asked], [clip.views], [1], assessor.output_type, pad, room)
            logits_1V = decoder.logits_RV
            while True:
                context_1P = torch.tensor([ids], device=logits_1V.device)
                scores_1V = self._processors(context_1P, logits_1V.float())
                digits.append(scores_1V[0, self._digits].cpu())
                ids.append(int(scores_1V.argmax()))
                if ids[-1] in assessor.stop_tokens or len(digits) == room:
                    return ids[len(asked.ids) :], torch.stack(digits)
                logits_1V = decoder.step(torch.tensor(ids[-1:], device=logits_1V.device))


def read_scores(tokenizer: Any, ids: Sequence[int], scores_TD: torch.Tensor) -> Scores | Missing:
    """The three scores of an answer.

    Args:
        ids: its T tokens.
        scores_TD: (T, 5) score of each digit in the place of each token, -inf for one that cannot be drawn.
    """
    if not _ALL.search(tokenizer.decode(ids, skip_special_tokens=True)):
        return Missing("the answer names no three scores")
    values: Scores = {}
    for line, key in LINES.items():
        place = digit_place(tokenizer, ids, line)
        if place is None or not torch.isfinite(scores_TD[place]).any():
            return Missing(f"no digit from 1 to 5 can stand behind {line!r}")
        best = scores_TD[place].softmax(0).max(0)
        values[key] = (int(best.indices) + 1) * float(best.values)
    return values


def digit_place(tokenizer: Any, ids: Sequence[int], line: str) -> int | None:
    """The place of the token that ends with the first digit behind the first mention of a line; ``None`` without."""
    text = tokenizer.decode(ids, skip_special_tokens=False)
    named = re.search(rf"{re.escape(line)}\D*?\d", text, re.IGNORECASE)
    if named is None:
        return None

    def until(place: int) -> str:
        said: str = tokenizer.decode(ids[: place + 1], skip_special_tokens=False)
        return said

    place = bisect_left(range(len(ids)), named.end(), key=lambda i: len(until(i)))
    return place if until(place) == text[: named.end()] else None


def _processors(config: Any) -> LogitsProcessorList:
    """What transformers 4 does to logits before it draws with the generation settings of the weights."""
    found = LogitsProcessorList()
    penalty, top_p = getattr(config, "repetition_penalty", None), getattr(config, "top_p", None)
    if penalty is not None and penalty != 1.0:
        found.append(RepetitionPenaltyLogitsProcessor(penalty))
    found.append(TemperatureLogitsWarper(_TEMPERATURE))
    found.append(TopKLogitsWarper(getattr(config, "top_k", None) or _TOP_K))
    if top_p is not None and top_p < 1.0:
        found.append(TopPLogitsWarper(top_p))
    return found
