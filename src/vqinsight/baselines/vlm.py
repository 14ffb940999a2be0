"""Models that generate answers, through ``vqinsight.load``: zero-shot, fine-tuned, and the released weights."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from vqinsight.assessor.recognise import RELEASED
from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.frames import FrameScorer
from vqinsight.baselines.sampling import evenly
from vqinsight.inference.api import VQInsight, load
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.prompt_sets import prompt_set
from vqinsight.tasks.types import Missing, Preference, TaskName

_SUBFOLDERS = {"compare": "vqinsight-comp", "generated": "vqinsight-aigcvideo", "natural": "vqinsight-naturalvideo"}


def _digest(judge: VQInsight) -> str:
    """Changes with the weights, and with prompts of one's own."""
    asked, digest = judge.assessor.prompt_set, judge.assessor.loaded.digest
    return f"{digest} {asked.name}" if asked.base else digest


def _ranges(asked: PromptSet, *tasks: TaskName) -> dict[str, tuple[float, float]]:
    return {dim.key: (dim.low, dim.high) for task in tasks for dim in asked.scales[task]}


class VLM(Scorer):
    """A loaded assessor as a baseline; it compares by questions in both orders, not by its scores.

    Args:
        name: key in ``catalog.SYSTEMS``.
        judge: from ``vqinsight.load``.
    """

    def __init__(self, name: str, judge: VQInsight) -> None:
        self.name = name
        self.ranges = _ranges(judge.assessor.prompt_set, "natural", "generated")
        self.digest = _digest(judge)
        self._judge = judge

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``; dimensions and scales are the prompt set's."""
        return _scores(self._judge, path, prompt)

    def compare(self, a: str, b: str, prompt: str | None = None) -> Preference | Missing:
        """See ``Baseline.compare``; two different verdicts in both orders are a tie."""
        return _verdict(self._judge, a, b, prompt)


class ReleasedVQInsight:
    """The paper's own weights: three models for three questions, one in memory at a time.

    Args:
        place: hub id or folder with the three subfolders.
        options: for ``vqinsight.load``.
    """

    name = "vq_insight"

    def __init__(self, place: str = RELEASED, **options: Any) -> None:
        self._place = place
        self._options = {"template": "released", **options}
        asked = prompt_set(self._options["template"])
        self.ranges = _ranges(asked, "natural", "generated")
        self.digest = asked.name if asked.base else None  # three models, each loaded on use
        self._loaded: tuple[str, VQInsight] | None = None

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``: with a prompt as a generated clip, without as a natural one."""
        return _scores(self._judge("generated" if prompt and prompt.strip() else "natural"), path, prompt)

    def compare(self, a: str, b: str, prompt: str | None = None) -> Preference | Missing:
        """See ``Baseline.compare``."""
        return _verdict(self._judge("compare"), a, b, prompt)

    def _judge(self, question: str) -> VQInsight:
        if self._loaded is None or self._loaded[0] != question:
            self._loaded = None  # frees memory for the next one
            folder = Path(self._place) / _SUBFOLDERS[question]
            name = str(folder) if folder.is_dir() else f"{self._place}:{_SUBFOLDERS[question]}"
            self._loaded = (question, load(name, **self._options))
        return self._loaded[1]


class QInsight(FrameScorer):
    """An image model on a clip: the mean over frames of its quality score.

    Args:
        judge: from ``vqinsight.load``, trained to score images.
        frames: number of frames.
    """

    name = "q_insight"

    def __init__(self, judge: VQInsight, frames: int = 4) -> None:
        self.ranges = _ranges(judge.assessor.prompt_set, "image")
        self.digest = _digest(judge)
        self._judge = judge
        self.choose = partial(evenly, count=frames)

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:  # noqa: ARG002
        """See ``Baseline.score``; missing when any frame has no usable answer."""
        frames = self.frames(path)
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for index, frame in frames.items():
                files.append(f"{folder}/{index}.png")
                Image.fromarray(frame).save(files[-1])
            results = list(self._judge.score_all([(file, None) for file in files], task="image"))
        values = [result.scores["quality"] for result in results if result.scores is not None]
        if len(values) < len(results):
            lost = next(result.error for result in results if result.scores is None)
            return Missing(f"{len(results) - len(values)} of {len(results)} frames without an answer: {lost}")
        return {"quality": sum(values) / len(values)}


def _scores(judge: VQInsight, path: str, prompt: str | None) -> Scores | Missing:
    result = judge.score(path, prompt)
    if result.status == "unreadable":
        judge.assessor.clips.load(path)  # raises the error of the record
    return dict(result.scores) if result.scores is not None else Missing(result.error or "no usable answer")


def _verdict(judge: VQInsight, a: str, b: str, prompt: str | None) -> Preference | Missing:
    result = judge.compare(a, b, prompt)
    if result.status == "unreadable":
        judge.assessor.clips.load(a)
        judge.assessor.clips.load(b)
    return Preference(result.verdict) if result.verdict is not None else Missing(result.error or "no usable answer")
