"""UnifiedReward and UnifiedReward-Think (Wang et al., 2025), the versions on Qwen2.5-VL, through the assessor.

The questions and the format of answers are those of the weights' training; the wording is ours.
"""

from __future__ import annotations

import re

from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.next_token import encode
from vqinsight.inference.api import VQInsight
from vqinsight.tasks.parsing import answer_text
from vqinsight.tasks.prompt_set import clean
from vqinsight.tasks.types import Choice, Missing, Preference

# The lines of an answer, our name for each, and the range of its number.
LINES = {
    "visual quality": ("spatial", 1, 4),
    "temporal consistency": ("temporal", 1, 4),
    "dynamic degree": ("dynamic", 1, 4),
    "text-to-video alignment": ("alignment", 1, 4),
    "factual consistency": ("factual", 1, 4),
    "final score": ("quality", 1, 10),
}
SCORE = (
    "This video was generated from a text prompt. Judge it on five dimensions, each with one of the numbers 1 (bad), "
    "2 (average), 3 (good), 4 (perfect, as if real):\n"
    "visual quality: is it clear, well lit, of good resolution and colour?\n"
    "temporal consistency: do people and objects stay the same over time?\n"
    "dynamic degree: how much does change?\n"
    "text-to-video alignment: does it show what the prompt says?\n"
    "factual consistency: does it agree with common sense and facts?\n"
    "Write one line for each, the name, a colon and the number; then a last line 'Final Score:' with a number "
    "from 1 to 10 for the whole.\n"
    "Text Prompt: [{text}]"
)
COMPARE = (
    "Both videos were generated from one text caption. Compare them on two things: how closely each follows the "
    "caption (objects, their relations and attributes), and its overall quality (clarity, detail, colour, beauty). "
    "End with your verdict: 'Video 1 is better', 'Video 2 is better' or 'Both videos are equally good'.\n"
    "Text Caption: [{text}]"
)
THINK = (
    "Both videos were generated from one caption. Weigh them inside <think> </think> on semantic consistency, temporal "
    "coherence, authenticity and whatever else matters: give each video 1 to 10 points on every dimension with a short "
    "reason, and add the points up. Then write inside <answer> </answer> nothing but 'Video 1 is better' or "
    "'Video 2 is better', after the totals.\n"
    "Text Caption: [{text}]"
)
_BETTER = re.compile(r"video\s*([12])\s+is\s+(?:the\s+)?better|(both\s+videos\s+are\s+equally\s+good)", re.IGNORECASE)
_NO_PROMPT = Missing("UnifiedReward needs the text prompt")


class UnifiedReward(Scorer):
    """Scores five dimensions, 1 to 4, and ``quality``, 1 to 10; compares by questions in both orders.

    Args:
        judge: the weights, from ``vqinsight.load``.
        think: the Think version: it compares only, after reasoning.
        score_words, compare_words: the wording, with ``{text}`` for the prompt.
    """

    def __init__(
        self, judge: VQInsight, *, think: bool = False, score_words: str = SCORE, compare_words: str | None = None
    ) -> None:
        self.name = "unifiedreward_think" if think else "unifiedreward"
        self.ranges = {} if think else {key: (float(low), float(high)) for key, low, high in LINES.values()}
        self._assessor = judge.assessor
        self.digest = judge.assessor.loaded.digest
        self._think = think
        self._score_words = score_words
        self._compare_words = compare_words or (THINK if think else COMPARE)

    def overall(self, values: Scores) -> float:  # type: ignore[override]
        """The model's final score."""
        return values["quality"]

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``; missing without a prompt."""
        if self._think:
            return Missing("UnifiedReward-Think only compares here")
        if not prompt or not prompt.strip():
            return _NO_PROMPT
        return read_scores(self._ask(self._score_words, prompt, path))

    def compare(self, a: str, b: str, prompt: str | None = None) -> Preference | Missing:
        """See ``Baseline.compare``; missing without a prompt. Two different verdicts in both orders are a tie."""
        if not prompt or not prompt.strip():
            return _NO_PROMPT
        first = self._verdict(self._ask(self._compare_words, prompt, a, b))
        second = self._verdict(self._ask(self._compare_words, prompt, b, a))
        if isinstance(first, Missing):
            return first
        if isinstance(second, Missing):
            return second
        return first if first == second.swap() else Preference("tie")

    def _verdict(self, completion: str) -> Preference | Missing:
        if not self._think:
            return read_verdict(completion)
        answer = answer_text(completion)
        return answer if isinstance(answer, Missing) else read_verdict(answer)

    def _ask(self, words: str, prompt: str, *paths: str) -> str:
        text = words.replace("{text}", clean(prompt))
        content = [*({"type": "clip", "index": i} for i in range(len(paths))), {"type": "text", "text": text}]
        clips = [encode(self._assessor, path) for path in paths]
        return self._assessor.complete([([{"role": "user", "content": content}], clips)])[0][0]


def read_scores(completion: str) -> Scores | Missing:
    """The six numbers of an answer, the last of a repeated one; missing when one is absent."""
    values: Scores = {}
    for line, (key, low, high) in LINES.items():
        found = re.findall(rf"{line}\W{{0,6}}?:\W{{0,6}}?(\d{{1,3}}(?:\.\d+)?)", completion, re.IGNORECASE)
        if not found:
            return Missing(f"{line} is missing")
        if not low <= float(found[-1]) <= high:
            return Missing(f"{line} is {found[-1]}, outside {low}–{high}")
        values[key] = float(found[-1])
    return values


def read_verdict(completion: str) -> Preference | Missing:
    """The verdict in the last line with one; missing when there is none, or that line has two."""
    for line in reversed(completion.splitlines()):
        named: set[Choice] = {"tie" if tie else "A" if number == "1" else "B" for number, tie in _BETTER.findall(line)}
        if len(named) > 1:
            return Missing(f"two verdicts: {line.strip()[:60]!r}")
        if named:
            return Preference(named.pop())
    return Missing("no verdict such as 'Video 1 is better'")
