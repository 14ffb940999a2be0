"""The rubric: the weighted sum of rewards for the answers to one question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vqinsight.rewards.comparison import comparison_reward
from vqinsight.rewards.format import format_reward
from vqinsight.rewards.length import length_reward
from vqinsight.rewards.scoring import multi_score_reward, worst_reward
from vqinsight.rewards.temporal import temporal_reward
from vqinsight.settings.train import RewardSettings
from vqinsight.tasks.labels import SCORING_TASKS
from vqinsight.tasks.types import Answer, Dimension, Missing, Question, Score

_TEMPORAL_TASKS = ("natural", "generated")  # the temporal reward applies to scored videos


@dataclass(frozen=True)
class Completion:
    """One parsed completion.

    Attributes:
        text: the whole completion.
        answer: the parsed answer.
        tokens: its length in tokens.
        truncated: whether it reaches the length limit.
    """

    text: str
    answer: Answer | Missing
    tokens: int
    truncated: bool = False


@dataclass(frozen=True)
class Group:
    """All completions of one question.

    Attributes:
        question: the question.
        label: the known answer, scores on the ranges of ``dimensions``.
        dimensions: of a scoring question; empty for the other tasks.
        completions: the N answers.
        shuffled: answers about the same clip with its visual tokens shuffled in time; may be empty.
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

    def wants_shuffled(self, question: Question) -> bool:
        """Whether the temporal reward applies to the question: to scored videos, not to pairs."""
        return self.weights.get("temporal", 0.0) > 0 and question.task in _TEMPORAL_TASKS

    def grade(self, group: Group) -> list[RewardBreakdown]:
        """Every part for every completion, unweighted; ``None`` where a part does not apply to the question."""
        scored = group.question.task in SCORING_TASKS
        correctness = [self._correctness(group, completion) for completion in group.completions]
        columns: dict[str, Sequence[float | None]] = {
            "format": [format_reward(completion.text) for completion in group.completions],
            "score": correctness if scored else [None] * len(correctness),
            "comparison": correctness if not scored else [None] * len(correctness),
            "temporal": self._temporal(group, correctness),
            "length": [self._length(completion) for completion in group.completions],
        }
        wanted = [name for name in PARTS if name in self.weights]
        return [{name: columns[name][i] for name in wanted} for i in range(len(group.completions))]

    def total(self, parts: RewardBreakdown) -> float:
        """The weighted sum of the parts that apply."""
        return sum(self.weights[name] * value for name, value in parts.items() if value is not None)

    def _correctness(self, group: Group, completion: Completion) -> float:
        if not isinstance(group.label, Score):
            return comparison_reward(completion.answer, group.label)
        if not isinstance(completion.answer, Score):
            return worst_reward(group.dimensions, self.settings.scale)
        return multi_score_reward(
            completion.answer.values,
            group.label.values,
            group.dimensions,
            self.settings.scale,
            self.settings.dimension_weights,
        )

    def _temporal(self, group: Group, correctness: Sequence[float]) -> Sequence[float | None]:
        if not group.shuffled:
            return [None] * len(correctness)
        shuffled = [self._correctness(group, completion) for completion in group.shuffled]
        given = self.settings
        return temporal_reward(correctness, shuffled, given.alpha, given.mu, given.correct)

    def _length(self, completion: Completion) -> float:
        if isinstance(completion.answer, Missing):
            return 0.0
        given = self.settings
        return length_reward(completion.tokens, given.gamma, given.l_min, given.l_max)
