"""The rubric: a named, weighted sum of rewards for the answers to one question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vqinsight.rewards.comparison import comparison_reward
from vqinsight.rewards.format import format_reward
from vqinsight.rewards.length import length_reward
from vqinsight.rewards.scoring import Scale, multi_score_reward, worst_reward
from vqinsight.rewards.temporal import temporal_reward
from vqinsight.tasks.types import Answer, Dimension, Missing, Question, Score

SCORED = ("image", "natural", "generated")  # tasks that are answered with numbers
ORDERED = ("natural", "generated")  # of these, those about videos: they also know the temporal reward


@dataclass(frozen=True)
class Completion:
    """One completion, read.

    Attributes:
        completion: the whole text.
        answer: what was read from it.
        tokens: its length.
        clipped: it ran into the length limit.
    """

    completion: str
    answer: Answer | Missing
    tokens: int
    truncated: bool = False


@dataclass(frozen=True)
class Group:
    """All attempts at one question.

    Attributes:
        question: what was asked.
        label: the known answer, scores on the ranges of ``dimensions``.
        dimensions: what a scoring question asked for; empty for the other tasks.
        attempts: the N answers.
        shuffled: answers about the same clip with its visual tokens shuffled in time; may be empty.
    """

    question: Question
    label: Answer
    dimensions: tuple[Dimension, ...]
    completions: tuple[Completion, ...]
    shuffled: tuple[Completion, ...] = ()


RewardBreakdown = dict[str, float | None]


@dataclass(frozen=True)
class Rubric:
    """Which rewards count, and how much.

    Attributes:
        weights: weight of each part by name: ``format``, ``score`` (Eq. 3, 6), ``comparison`` (Eq. 7), ``temporal``
            (Eq. 4), ``length`` (Eq. 5). A part without a weight is not computed.
        scale: of Eq. 3 and 6.
        dimension_weights: lambda_j of Eq. 6.
        alpha, mu, correct: of Eq. 4; ``correct`` is what an answer must earn by Eq. 3 or 6 to share in the bonus.
        gamma, l_min, l_max: of Eq. 5.
    """

    weights: Mapping[str, float]
    scale: Scale = "unit"
    dimension_weights: Mapping[str, float] = field(default_factory=dict)
    alpha: float = 0.3
    mu: float = 0.8
    correct: float = 0.1
    gamma: float = 0.1
    l_min: int = 320
    l_max: int = 512

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.weights) - set(PARTS)):
            raise ValueError(f"unknown rewards {unknown}; known: {', '.join(PARTS)}")

    def wants_shuffled(self, question: Question) -> bool:
        """Whether the question takes the temporal reward: videos that are scored, never pairs, where it confuses."""
        return self.weights.get("temporal", 0.0) > 0 and question.task in ORDERED

    def grade(self, group: Group) -> list[RewardBreakdown]:
        """Every part of every attempt, unweighted; ``None`` where a part does not apply to the question."""
        scored = group.question.task in SCORED
        correctness = [self._correctness(group, completion) for completion in group.completions]
        columns: dict[str, Sequence[float | None]] = {
            "format": [format_reward(completion.completion) for completion in group.completions],
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
            return worst_reward(group.dimensions, self.scale)
        return multi_score_reward(
            completion.answer.values, group.label.values, group.dimensions, self.scale, self.dimension_weights
        )

    def _temporal(self, group: Group, correctness: Sequence[float]) -> Sequence[float | None]:
        if not group.shuffled:
            return [None] * len(correctness)
        shuffled = [self._correctness(group, completion) for completion in group.shuffled]
        return temporal_reward(correctness, shuffled, self.alpha, self.mu, self.correct)

    def _length(self, completion: Completion) -> float:
        if isinstance(completion.answer, Missing):
            return 0.0
        return length_reward(completion.tokens, self.gamma, self.l_min, self.l_max)


PARTS = ("format", "score", "comparison", "temporal", "length")


def on_scale(label: Answer, scale: tuple[float, float] | None, dimensions: Sequence[Dimension]) -> Answer:
    """A dataset's label on the ranges that the question asks for: MOS 1 to 5 becomes 0 to 100, linearly.

    Dimensions that the question does not ask for (alignment without a prompt) are left out.
    """
    if not isinstance(label, Score) or scale is None:
        return label
    low, high = scale
    asked = {dim.key: dim for dim in dimensions if dim.key in label.values}
    return Score(
        {key: dim.low + (label.values[key] - low) / (high - low) * (dim.high - dim.low) for key, dim in asked.items()}
    )
