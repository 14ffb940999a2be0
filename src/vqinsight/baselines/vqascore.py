"""VQAScore: the probability of "Yes" when asked whether the clip shows its text (Lin et al., ECCV 2024).

It works with any model that the assessor loads. The original CLIP-FlanT5 weights run in a separate environment, see
``subprocess``.
"""

from __future__ import annotations

from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.next_token import about_one, encode, first_tokens, next_logits
from vqinsight.inference.api import VQInsight
from vqinsight.tasks.prompt_set import clean
from vqinsight.tasks.types import Missing

QUESTION = "Is this what the video shows: “{text}”? Reply with Yes or No."


class VQAScore(Scorer):
    """Scores ``alignment``: the probability of the token "Yes" among all tokens, 0 to 1.

    Args:
        judge: the model.
        question: the wording, with ``{text}`` for the prompt.
    """

    name = "vqascore"
    ranges = {"alignment": (0.0, 1.0)}  # noqa: RUF012

    def __init__(self, judge: VQInsight, question: str = QUESTION) -> None:
        self._assessor = judge.assessor
        self.digest = judge.assessor.loaded.digest
        self._question = question
        (self._yes,) = first_tokens(self._assessor.loaded.tokenizer, ["Yes"])

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``; missing without a prompt."""
        if not prompt or not prompt.strip():
            return Missing("VQAScore needs the text prompt")
        clip = encode(self._assessor, path)
        asked = self._assessor.build(about_one(self._question.replace("{text}", clean(prompt))), [clip])
        return {"alignment": float(next_logits(self._assessor, [asked], [clip])[0].softmax(0)[self._yes])}
