"""The effect of the order of presentation on verdicts: order bias, and consistency between both orders."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.bootstrap import (
    DEFAULT,
    Bootstrap,
    Measure,
    percentile_interval,
    point,
    resample,
    share,
)
from vqinsight.evaluation.metrics.pairwise import side
from vqinsight.tasks.types import Missing, Preference


@dataclass(frozen=True)
class OrderReport:
    """Pairs asked in both orders.

    Attributes:
        n: pairs.
        consistent: the share of pairs answered twice whose two answers name the same clip, or are both ties.
        order_bias: the share of answers naming the clip shown first, among those naming one, minus one half:
            +0.5 always the first, 0 none, -0.5 always the second.
        answered_twice: pairs with an answer in both orders.
        ties, missing: answers, out of 2 n, that are a tie, or are none.
        warnings: remarks on the figures.
    """

    n: int
    consistent: Measure
    order_bias: Measure
    answered_twice: int
    ties: int
    missing: int
    warnings: tuple[str, ...] = ()


def both_orders(
    forward: Sequence[Preference | Missing | None],
    swapped: Sequence[Preference | Missing | None],
    *,
    clusters: Sequence[Hashable] | None = None,
    bootstrap: Bootstrap | None = DEFAULT,
) -> OrderReport:
    """Order bias and consistency of pairs shown as (a, b) and as (b, a).

    Args:
        forward: (n,) answers to (a, b).
        swapped: (n,) answers to (b, a), unchanged: "A" is the clip shown first, which is b.
        clusters: (n,) groups that a resample draws together, such as prompts.

    Raises:
        UsageError: unequal lengths, no pairs, or as for ``draws``.
    """
    if len(forward) != len(swapped) or not forward:
        raise UsageError(f"{len(forward)} pairs shown as (a, b) and {len(swapped)} as (b, a): both orders are needed")
    n = len(forward)
    answers = np.array(
        [
            [np.nan if not isinstance(p, Preference) else side(p) for p in row]
            for row in zip(forward, swapped, strict=True)
        ]
    )
    twice = np.isfinite(answers).all(1)
    same = twice & (answers[:, 0] == -answers[:, 1])
    named, first = (np.abs(answers) == 1).sum(1), (answers == 1).sum(1)
    bias = share(first - named / 2, named)
    figures = {"consistent": share(same, twice), "order_bias": bias}
    samples = resample(figures, n, bootstrap, clusters) if bootstrap is not None else {}
    found = {
        name: Measure(
            point(s, n), percentile_interval(samples[name], bootstrap.level) if bootstrap is not None else None
        )
        for name, s in figures.items()
    }
    missing, said = int(np.isnan(answers).sum()), []
    if missing:
        said.append(f"{missing} of {2 * n} answers are missing, in {int((~twice).sum())} of {n} pairs")
    if not twice.any():
        said.append("no pair has two answers: consistency is undefined")
    if not named.any():
        said.append("no answer names a clip: order bias is undefined")
    return OrderReport(
        n=n,
        answered_twice=int(twice.sum()),
        ties=int((answers == 0).sum()),
        missing=missing,
        warnings=tuple(said),
        **found,
    )
