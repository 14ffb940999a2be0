"""Q-Align's scoring: probabilities of five level words after "The quality of the video is" (Wu et al., ICML 2024).

It works with any model that the assessor loads. The released OneAlign weights are an mPLUG-Owl2, which transformers 5
does not support: they run in a separate environment, see ``subprocess``.
"""

from __future__ import annotations

import torch

from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.next_token import about_one, begun, encode, first_tokens, next_logits
from vqinsight.inference.api import VQInsight
from vqinsight.tasks.types import Missing

LEVELS = ("excellent", "good", "fair", "poor", "bad")
WORTH = (5.0, 4.0, 3.0, 2.0, 1.0)
QUESTION = "What do you say of the quality of this video?"
ANSWER = "The quality of the video is"


class LevelWords(Scorer):
    """Scores ``quality``: the mean level under the softmax of the five words, 1 (bad) to 5 (excellent).

    Args:
        judge: the model.
        question, answer: the wording; the level follows the answer's beginning.

    Raises:
        ModelError: its tokenizer gives two of the levels the same first token.
    """

    name = "level_words"
    ranges = {"quality": (1.0, 5.0)}  # noqa: RUF012

    def __init__(self, judge: VQInsight, question: str = QUESTION, answer: str = ANSWER) -> None:
        self._assessor = judge.assessor
        self.digest = judge.assessor.loaded.digest
        self._question, self._answer = question, answer
        self._levels = first_tokens(self._assessor.loaded.tokenizer, [f" {level}" for level in LEVELS])

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:  # noqa: ARG002
        """See ``Baseline.score``; the prompt is ignored."""
        clip = encode(self._assessor, path)
        asked = self._assessor.build(about_one(self._question), [clip])
        (logits,) = next_logits(self._assessor, [begun(self._assessor, asked, self._answer)], [clip])
        return {"quality": float(logits[self._levels].softmax(0) @ torch.tensor(WORTH))}
