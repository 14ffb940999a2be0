"""What is measured: anything that answers a benchmark's questions. And what it said: a ``Prediction`` each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from vqinsight.evaluation.metrics.pairwise import side
from vqinsight.tasks.types import Choice, Example, Preference

Setting = str | int | float | bool | None
Outcome = Literal["ok", "missing", "unreadable"]


@dataclass(frozen=True)
class Prediction:
    """A judge's answer to one example.

    Attributes:
        outcome: ``missing``: no usable answer, which counts against the judge; ``unreadable``: a clip of the question
            cannot be read, so that nobody could have answered and the item is left out.
        scores: value by dimension, on the judge's own ranges; ``None`` unless scores were asked for and given.
        ranges: lowest and highest possible value by dimension; ``None`` where the judge has no such ends, so that its
            errors mean nothing and only correlations do.
        margin: of a pair, how far A is ahead: the difference of two scores, or what ``from_orders`` makes of verdicts.
        forward, swapped: of a pair asked in both orders, the verdict on (a, b) and the verdict on (b, a) as given: in
            the latter "A" is b. ``None`` where there was none.
        yes: the answer to a yes/no question.
        reason: what was wrong, unless the outcome is ok.
        texts: the completions behind it, as the judge wrote them; ``swapped_texts``: those on (b, a).
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


@dataclass(frozen=True)
class PredictedExample:
    """An example with what a judge said about it."""

    example: Example
    prediction: Prediction


class Predictor(Protocol):
    """A model or a baseline.

    Attributes:
        name: what the user called it.
        digest: changes with the weights, or with the code where there are none.
        settings: everything else that its answers depend on. Predictions made with other settings are never mixed.
    """

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, Setting]: ...

    def answer(self, examples: Sequence[Example]) -> Sequence[Prediction]:
        """A prediction for each example, in order. It must not depend on what else is among the examples."""
        ...


def from_orders(
    forward: Choice | None,
    swapped: Choice | None,
    *,
    reason: str | None = None,
    texts: tuple[str, ...] = (),
    swapped_texts: tuple[str, ...] = (),
) -> Prediction:
    """Two verdicts on a pair, shown as (a, b) and as (b, a), make one margin: +1 or -1 if they agree, else 0.

    Args:
        swapped: as given, so that "A" is the clip b.
        reason: why a verdict is ``None``; without both there is no margin.
    """
    if forward is None or swapped is None:
        return Prediction("missing", None, None, None, forward, swapped, None, reason, texts, swapped_texts)
    first, second = Preference(forward), Preference(swapped).swap()
    margin = float(side(first)) if first == second else 0.0
    return Prediction("ok", None, None, margin, forward, swapped, None, None, texts, swapped_texts)
