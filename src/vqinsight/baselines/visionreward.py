"""VisionReward-Video's readout (Xu et al., 2024): weighted yes/no questions about a clip, asked of any of our models.

Questions and weights are read from the user's clone; nothing of them is in this repository. The clip is decoded and
encoded once, and what the questions begin with is forwarded once.
"""

from __future__ import annotations

import json

import torch

from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.clone import digest_of, read_clone, remarks_on
from vqinsight.baselines.next_token import about_one, encode, next_logits
from vqinsight.errors import ModelError
from vqinsight.inference.api import VQInsight
from vqinsight.tasks.prompt_set import clean
from vqinsight.tasks.types import Missing

REPOSITORY = "https://github.com/THUDM/VisionReward"
COMMIT = "511960d61a777b2008cd486a85a090ba96792a32"
QUESTIONS, WEIGHTS = "VisionReward_Video/VisionReward_video_qa_select.txt", "VisionReward_Video/weight.json"
HOLE = "[[prompt]]"
YES, NO = ("Yes", "yes"), ("No", "no")


class VisionRewardQuestions(Scorer):
    """Scores ``quality``: the mean over questions of weight x (+1 for yes, -1 for no).

    The answer is yes where its first token is likelier than that of no. The published model says either word and
    nothing else; another model is taken at what it would say if it did.

    Args:
        judge: the model.
        code: clone of ``REPOSITORY``.

    Raises:
        ModelError: the clone lacks questions or weights, or their numbers differ; or the model's tokenizer cannot tell
            yes from no by the first token.
    """

    name = "visionreward_questions"

    def __init__(self, judge: VQInsight, code: str) -> None:
        self._assessor = judge.assessor
        self._questions, self._weights = read_questions(code)
        most = float(self._weights.abs().mean())
        self.ranges = {"quality": (-most, most)}
        self.remarks = remarks_on(self.name, code, COMMIT)
        asked = json.dumps([self._questions, self._weights.tolist()])
        self.digest = f"{judge.assessor.loaded.digest} {digest_of(asked)}"
        tokenizer = self._assessor.loaded.tokenizer
        self._yes, self._no = (
            sorted({tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in words}) for words in (YES, NO)
        )
        if set(self._yes) & set(self._no):
            raise ModelError("this tokenizer cannot tell yes from no by the first token.")

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``; missing without a prompt."""
        if not prompt or not prompt.strip():
            return Missing("VisionReward's questions need the text prompt")
        yes_Q = self.answers(path, prompt) > 0.5
        return {"quality": float((self._weights * torch.where(yes_Q, 1.0, -1.0)).mean())}

    def answers(self, path: str, prompt: str) -> torch.Tensor:
        """(questions,) the probability of yes, of yes and no together; 0 to 1.

        Raises:
            UnreadableVideo: the clip cannot be used.
        """
        clip = encode(self._assessor, path)
        texts = [question.replace(HOLE, clean(prompt)) for question in self._questions]
        asked = [self._assessor.build(about_one(text), [clip]) for text in texts]
        logits_QV = next_logits(self._assessor, asked, [clip])
        return (logits_QV[:, self._yes].logsumexp(-1) - logits_QV[:, self._no].logsumexp(-1)).sigmoid()


def read_questions(code: str) -> tuple[list[str], torch.Tensor]:
    """The questions of a clone and their weights, one for each.

    Raises:
        ModelError: they are not there, not to be read, or not as many of one as of the other.
    """
    questions = [line.strip() for line in read_clone(code, QUESTIONS, REPOSITORY).splitlines() if line.strip()]
    try:
        weights = torch.tensor(json.loads(read_clone(code, WEIGHTS, REPOSITORY)), dtype=torch.float64)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{code}/{WEIGHTS} is no list of numbers ({error}).") from error
    if not questions or weights.shape != (len(questions),):
        raise ModelError(f"{code}: {len(questions)} questions and weights of shape {tuple(weights.shape)}.")
    return questions, weights
