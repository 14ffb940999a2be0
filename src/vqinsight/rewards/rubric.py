"""The rubric: the weighted sum of rewards for the answers to one question."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from vqinsight.rewards.comparison import comparison_reward
from vqinsight.rewards.format import format_reward
from vqinsight.rewards.length import length_reward
from vqinsight.rewards.scoring import multi_score_reward
from vqinsight.rewards.temporal import WRONG, answer_rule, likelihood_rule, released_rule, share_rule
from vqinsight.settings.train import RELEASED_ABOVE, RewardSettings
from vqinsight.tasks.labels import SCORING_TASKS
from vqinsight.tasks.types import Answer, Dimension, Missing, Question, Score, Verdict


@dataclass(frozen=True)
class Completion:
    """One parsed completion.

    Attributes:
        text: the whole completion.
        answer: the parsed answer.
        tokens: its length in tokens.
        truncated: whether it reaches the length limit.
        gap: mean log-probability of its tokens under the clip in order minus under the shuffled clip, in nats, where
            the rule of Eq. 4 is ``likelihood`` and the clip can be shuffled.
    """

    text: str
    answer: Answer | Missing
    tokens: int
    truncated: bool = False
    gap: float | None = None


@dataclass(frozen=True)
class Group:
    """All completions of one question.

    Attributes:
        question: the question.
        label: the known answer, scores on the ranges of ``dimensions``.
        dimensions: of a scoring question; empty for the other tasks.
        completions: the N answers.
        shuffled: answers about the same clip shuffled in time; may be empty.
    """

    question: Question
    label: Answer
    dimensions: tuple[Dimension, ...]
    completions: tuple[Completion, ...]
    shuffled: tuple[Completion, ...] = ()


RewardBreakdown = dict[str, float | None]


PARTS = ("format", "score", "comparison", "temporal", "length")


class Rubric:
    """Computes the rewards of a group and their weighted sum.

    Args:
        settings: weights of the parts and parameters of the equations.
        parts: those of ``PARTS`` to compute; a part with weight 0 is left out.

    Raises:
        ValueError: an unknown part.
    """

    def __init__(self, settings: RewardSettings, parts: Sequence[str] = PARTS) -> None:
        if unknown := sorted(set(parts) - set(PARTS)):
            raise ValueError(f"unknown rewards {unknown}; known: {', '.join(PARTS)}")
        self.settings = settings
        weights = {name: float(getattr(settings, name)) for name in parts}
        self.weights = {name: weight for name, weight in weights.items() if weight > 0}

    def wants_shuffled(self, question: Question, label: Answer) -> bool:
        """Whether the temporal reward (Eq. 4) applies to the question.

        It applies to what depends on time: the score of a natural clip, the temporal dimension of a generated one where
        it has a label, yes or no about one video. Not to images, nor to pairs, whose label need not hold for shuffled
        clips.
        """
        if self.weights.get("temporal", 0.0) == 0:
            return False
        return question.task == "yesno" or bool(_timed(question, label))

    def grade(self, group: Group) -> list[RewardBreakdown]:
        """Every part for every completion, unweighted; ``None`` where a part does not apply to the question."""
        scored = group.question.task in SCORING_TASKS
        correctness = [self._correctness(group, completion) for completion in group.completions]
        columns: dict[str, Sequence[float | None]] = {
            "format": [format_reward(completion.text) for completion in group.completions],
            "score": correctness if scored else [None] * len(correctness),
            "comparison": correctness if not scored else [None] * len(correctness),
            "temporal": self._temporal(group),
            "length": [self._length(completion) for completion in group.completions],
        }
        wanted = [name for name in PARTS if name in self.weights]
        return [{name: columns[name][i] for name in wanted} for i in range(len(group.completions))]

    def total(self, parts: RewardBreakdown) -> float:
        """The weighted sum of the parts that apply."""
        return sum(self.weights[name] * value for name, value in parts.items() if value is not None)

    def _correctness(self, group: Group, completion: Completion) -> float:
        given = self.settings
        if not isinstance(group.label, Score):
            return comparison_reward(completion.answer, group.label)
        labels, shape = group.label.values, (given.scale, given.dimension_weights, given.combine)
        said = completion.answer.values if isinstance(completion.answer, Score) else {}
        return multi_score_reward(said, labels, group.dimensions, *shape)

    def _temporal(self, group: Group) -> Sequence[float | None]:
        given, nothing = self.settings, [None] * len(group.completions)
        if not self.wants_shuffled(group.question, group.label):
            return nothing
        errors = [_error(group, each) for each in group.completions]
        if given.rule == "likelihood":
            gaps = [each.gap for each in group.completions if each.gap is not None]
            if not gaps:  # a clip of one frame
                return nothing
            return likelihood_rule(errors, gaps, alpha=given.alpha, tolerance=given.tolerance)
        if not group.shuffled:
            return nothing
        if given.rule == "released":
            w_seq, w_rand = (
                [_relative(group, each) for each in several] for several in (group.completions, group.shuffled)
            )
            return released_rule(w_seq, w_rand, alpha=given.alpha, mu=given.mu, above=RELEASED_ABOVE)
        rule = share_rule if given.rule == "share" else answer_rule
        shuffled = [_error(group, each) for each in group.shuffled]
        return rule(errors, shuffled, alpha=given.alpha, mu=given.mu, tolerance=given.tolerance)

    def _length(self, completion: Completion) -> float:
        if isinstance(completion.answer, Missing):
            return 0.0
        given = self.settings
        return length_reward(completion.tokens, given.gamma, given.l_min, given.l_max)


def _timed(question: Question, label: Answer) -> dict[str, float]:
    """The labels that depend on the order of the frames."""
    if not isinstance(label, Score) or question.task not in ("natural", "generated"):
        return {}
    return {key: value for key, value in label.values.items() if question.task == "natural" or key == "temporal"}


def _error(group: Group, completion: Completion) -> float:
    """The error for Eq. 4, see ``rewards.temporal``."""
    if isinstance(group.label, Verdict):
        return 0.0 if completion.answer == group.label else WRONG
    if not isinstance(completion.answer, Score):
        return WRONG
    said, labels = completion.answer.values, _timed(group.question, group.label)
    if not labels.keys() <= said.keys():
        return WRONG
    return statistics.fmean(
        abs(said[dim.key] - labels[dim.key]) / (dim.high - dim.low) for dim in group.dimensions if dim.key in labels
    )


def _relative(group: Group, completion: Completion) -> float:
    """The reward that the released code compares in Eq. 4."""
    if isinstance(group.label, Verdict):
        return comparison_reward(completion.answer, group.label)
    if not isinstance(completion.answer, Score):
        return 0.0
    return multi_score_reward(
        completion.answer.values, _timed(group.question, group.label), group.dimensions, "relative"
    )
