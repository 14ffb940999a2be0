"""UnifiedReward-2.0 and UnifiedReward-Think on Qwen3-VL and Qwen3.5 (Wang et al., 2025), through the assessor.

Frames go to the model as images, chosen and compressed as in the makers' scripts, whose wordings are read from the
user's clone. Their scripts ask a server, which may draw answers; here an answer is the most likely one.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.clone import TEXT, digest_of, read_clone, remarks_on, wording
from vqinsight.baselines.next_token import encode
from vqinsight.baselines.sampling import between, starts
from vqinsight.baselines.stills import StillViews, load_for_stills
from vqinsight.baselines.unifiedreward import UnifiedReward
from vqinsight.inference.api import VQInsight
from vqinsight.tasks.prompt_set import clean
from vqinsight.tasks.types import Missing

REPOSITORY = "https://github.com/CodeGoat24/UnifiedReward"
COMMIT = "ff6f520247a2d36e2aff7b2ba53a935afd437f66"
POINT = "inference_qwen/UnifiedReward-2.0-inference/point_score_APS_video_generation.py"
PAIR = "inference_qwen/UnifiedReward-2.0-inference/pair_score_video_generation.py"
THINK = "UnifiedReward-Think/inference_qwen/UnifiedReward-Think-qwen3-inference/qwen3_infer_cot_video_generation.py"
POINT_FRAMES, PAIR_FRAMES = 16, 8
ROOM = 4096  # tokens of an answer
# The names of an answer's lines, and ours: of one clip from 1 to 5, of two clips parts of 1.
LINES = {"alignment": "alignment", "physics": "factual", "style": "spatial"}
RANGE = (1.0, 5.0)
PARTS = ("alignment", "coherence", "style")
_NUMBER = r"(\d+(?:\.\d+)?)"
_NO_PROMPT = Missing("UnifiedReward needs the text prompt")


class UnifiedReward2(Scorer):
    """Scores ``alignment``, ``factual`` (physics) and ``spatial`` (style), 1 to 5; compares by parts of 1.

    Args:
        model: hub id or folder of UnifiedReward-2.0 on a Qwen2.5-VL, Qwen3-VL or Qwen3.5.
        code: clone of ``REPOSITORY``, for the wordings.
        options: for ``vqinsight.load``.

    Raises:
        ModelError: the model cannot be loaded, or the clone lacks the wordings.
    """

    name = "unifiedreward2"

    def __init__(self, model: str, code: str, **options: Any) -> None:
        self._point, self._pair = _words(code, POINT), _words(code, PAIR)
        views = [StillViews(partial(starts, count=count), jpegs=2) for count in (POINT_FRAMES, PAIR_FRAMES)]
        self._single, self._double = load_for_stills(model, views, options, ROOM)
        self.ranges = dict.fromkeys(LINES.values(), RANGE)
        self.remarks = remarks_on(self.name, code, COMMIT)
        self.digest = f"{self._single.assessor.loaded.digest} {digest_of(self._point + self._pair)}"

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``; missing without a prompt."""
        if not prompt or not prompt.strip():
            return _NO_PROMPT
        return read_points(_ask(self._single, self._point, prompt, path))

    def margin(self, a: str, b: str, prompt: str | None = None) -> float | Missing:
        """The sum of the first clip's parts minus the second's, the mean over both orders; missing without a prompt."""
        if not prompt or not prompt.strip():
            return _NO_PROMPT
        first = read_parts(_ask(self._double, self._pair, prompt, a, b))
        second = read_parts(_ask(self._double, self._pair, prompt, b, a))
        if isinstance(first, Missing):
            return first
        if isinstance(second, Missing):
            return second
        return (first - second) / 2


class UnifiedReward2Think(UnifiedReward):
    """Compares only, after reasoning, by questions in both orders; arguments and errors as of ``UnifiedReward2``."""

    def __init__(self, model: str, code: str, **options: Any) -> None:
        words = _words(code, THINK)
        views = StillViews(partial(between, count=PAIR_FRAMES), jpegs=1)
        super().__init__(load_for_stills(model, [views], options, ROOM)[0], think=True, compare_words=words)
        self.name = "unifiedreward2_think"
        self.remarks = remarks_on(self.name, code, COMMIT)
        self.digest = f"{self.digest} {digest_of(words)}"


def read_points(completion: str) -> Scores | Missing:
    """The three numbers of an answer about one clip, the last of a repeated one; missing when one is absent."""
    values: Scores = {}
    for line, key in LINES.items():
        found = re.findall(rf"{line} score\s*(?:\(1-5\))?\W{{0,6}}?:\W{{0,6}}?{_NUMBER}", completion, re.IGNORECASE)
        if not found:
            return Missing(f"the {line} score is missing")
        if not RANGE[0] <= float(found[-1]) <= RANGE[1]:
            return Missing(f"the {line} score is {found[-1]}, outside {RANGE[0]:g}–{RANGE[1]:g}")
        values[key] = float(found[-1])
    return values


def read_parts(completion: str) -> float | Missing:
    """Of an answer about two clips the sum of the first's parts minus the second's; missing when one is absent."""
    total = 0.0
    for part in PARTS:
        pattern = rf"{part} score\W+video 1\W{{0,6}}?:\s*{_NUMBER}\W+video 2\W{{0,6}}?:\s*{_NUMBER}"
        found = re.findall(pattern, completion, re.IGNORECASE)
        if not found:
            return Missing(f"the {part} scores are missing")
        first, second = map(float, found[-1])
        if max(first, second) > 1:
            return Missing(f"the {part} scores are {first:g} and {second:g}, outside 0–1")
        total += first - second
    return total


def _words(code: str, file: str) -> str:
    return wording(read_clone(code, file, REPOSITORY), "problem", "{prompt}", file)


def _ask(judge: VQInsight, words: str, prompt: str, *paths: str) -> str:
    content: list[dict[str, Any]] = [{"type": "clip", "index": number} for number in range(len(paths))]
    content.append({"type": "text", "text": words.replace(TEXT, clean(prompt))})
    clips = [encode(judge.assessor, path) for path in paths]
    return judge.assessor.complete([([{"role": "user", "content": content}], clips)])[0][0]
