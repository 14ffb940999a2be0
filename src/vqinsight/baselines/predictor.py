"""A baseline as predictor of a benchmark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from vqinsight.baselines.base import Baseline, Scorer
from vqinsight.baselines.published import Published
from vqinsight.common.version import __version__
from vqinsight.errors import UnreadableVideo
from vqinsight.evaluation.metrics.pairwise import side
from vqinsight.evaluation.predictor import Prediction, Setting
from vqinsight.tasks.types import Example, Missing, Preference, Question, Score

_NAMED = 3  # rows listed in a note


class BaselinePredictor:
    """Answers a benchmark's questions with a baseline; an ``evaluation.predictor.Predictor``.

    The margin of a pair is the difference of two overall scores where the baseline compares by its scores, else +1, -1
    or 0 for its verdict, which already covers both orders.

    Args:
        baseline: from ``open.open_baseline``.
        settings: its options, on which its answers depend.
    """

    def __init__(self, baseline: Baseline, settings: Mapping[str, Setting] | None = None) -> None:
        self._baseline = baseline
        self.name = baseline.name
        self.settings: Mapping[str, Setting] = {**(settings or {}), "version": __version__}
        told = json.dumps([self.name, dict(self.settings), baseline.digest], sort_keys=True)
        self.digest = hashlib.blake2b(told.encode(), digest_size=6).hexdigest()

    def notes(self, examples: Sequence[Example]) -> tuple[str, ...]:
        """Remarks of the baseline, or answers in a file that belong to none of the questions."""
        if not isinstance(self._baseline, Published):
            return self._baseline.remarks if isinstance(self._baseline, Scorer) else ()
        asked = (tuple(clip.path for clip in example.question.clips) for example in examples)
        unused = self._baseline.without_question(asked)
        named = ", ".join(unused[:_NAMED])
        return (
            (f"{len(unused)} rows of the predictions are about nothing that is asked, such as {named}",)
            if unused
            else ()
        )

    def answer(self, examples: Sequence[Example]) -> list[Prediction]:
        """A prediction for each example, in order; see ``Predictor.answer``."""
        return [self._answer(example) for example in examples]

    def _answer(self, example: Example) -> Prediction:
        try:
            if isinstance(example.answer, Score):
                return self._score(example.question, example.answer)
            if isinstance(example.answer, Preference):
                return self._compare(example.question)
        except UnreadableVideo as error:
            return Prediction("unreadable", reason=str(error))
        return Prediction("missing", reason=f"{self.name} answers no questions")

    def _score(self, question: Question, wanted: Score) -> Prediction:
        clip = question.clips[0]
        values = self._baseline.score(clip.path, clip.prompt)
        if isinstance(values, Missing):
            return Prediction("missing", reason=values.reason)
        scores = {key: value for key, value in values.items() if key in wanted.values}
        if not scores:
            return Prediction("missing", reason=f"{self.name} does not score {', '.join(wanted.values)}")
        ends = {key: self._baseline.ranges[key] for key in scores if key in self._baseline.ranges}
        return Prediction(scores=scores, ranges=ends if len(ends) == len(scores) else None)

    def _compare(self, question: Question) -> Prediction:
        a, b = question.clips
        if isinstance(self._baseline, Scorer) and type(self._baseline).compare is Scorer.compare:
            margin = self._baseline.margin(a.path, b.path, a.prompt)
            return (
                Prediction("missing", reason=margin.reason)
                if isinstance(margin, Missing)
                else Prediction(margin=margin)
            )
        said = self._baseline.compare(a.path, b.path, a.prompt)
        if isinstance(said, Missing):
            return Prediction("missing", reason=said.reason)
        return Prediction(margin=float(side(said)))
