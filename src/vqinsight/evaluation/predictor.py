"""The interface of systems under evaluation, and their answers: one ``Prediction`` per example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from vqinsight.evaluation.metrics.pairwise import side
from vqinsight.tasks.types import Choice, Example, Preference

Setting = str | int | float | bool | None
Outcome = Literal["ok", "missing", "unreadable"]


@dataclass(frozen=True)
class Prediction:
    """A system's answer to one example.

    Attributes:
        outcome: ``missing``: no usable answer, which counts as wrong; ``unreadable``: a clip of the question cannot be
            read, and the item is left out.
        scores: value by dimension, on the system's own ranges; ``None`` unless scores are asked for and given.
        ranges: lowest and highest possible value by dimension; ``None`` where the system has no bounds, so that only
            its correlations are meaningful, not its errors.
        margin: of a pair, the preference for A: the difference of two scores, or that of ``from_orders``.
        forward, swapped: of a pair asked in both orders, the verdict on (a, b), and the unchanged verdict on (b, a), in
            which "A" is b. ``None`` where it is missing.
        yes: the answer to a yes/no question.
        reason: what is wrong, unless the outcome is ok.
        texts: the completions as generated; ``swapped_texts``: those on (b, a).
        missing_dimensions: why a dimension is not in ``scores``, where others are; it is left out of that dimension's
            figures alone.
    """

    outcome: Outcome = "ok"
    scores: Mapping[str, float] | None = None
    ranges: Mapping[str, tuple[float, float]] | None = None
    margin: float | None = None
    forward: Choice | None = None
    swapped: Choice | None = None
    yes: bool | None = None
    reason: str | None = None
    texts: tuple[str, ...] = ()
    swapped_texts: tuple[str, ...] = ()
    missing_dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PredictedExample:
    """An example with its prediction."""

    example: Example
    prediction: Prediction


class Predictor(Protocol):
    """A model or a baseline.

    Attributes:
        name: as the user gave it.
        digest: of the weights, or of the code where there are none.
        settings: everything else that its answers depend on. Predictions of different settings are never mixed.
    """

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, Setting]: ...

    def answer(self, examples: Sequence[Example]) -> Sequence[Prediction]:
        """A prediction for each example, in order. It must not depend on the other examples."""
        ...


def from_orders(
    forward: Choice | None,
    swapped: Choice | None,
    *,
    reason: str | None = None,
    texts: tuple[str, ...] = (),
    swapped_texts: tuple[str, ...] = (),
) -> Prediction:
    """One margin from two verdicts on a pair, shown as (a, b) and as (b, a): +1 or -1 if they agree, else 0.

    Args:
        swapped: unchanged, so that "A" is the clip b.
        reason: why a verdict is ``None``; the margin needs both.
    """
    if forward is None or swapped is None:
        return Prediction("missing", None, None, None, forward, swapped, None, reason, texts, swapped_texts)
    first, second = Preference(forward), Preference(swapped).swap()
    margin = float(side(first)) if first == second else 0.0
    return Prediction("ok", None, None, margin, forward, swapped, None, None, texts, swapped_texts)
