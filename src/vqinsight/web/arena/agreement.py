"""Agreement: of raters with each other (Krippendorff's alpha), and of the assessor with the raters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqinsight.evaluation.metrics.bootstrap import DEFAULT, Bootstrap, Interval, percentile_interval, resample
from vqinsight.ranking.votes import majority
from vqinsight.tasks.types import Choice, Missing
from vqinsight.web.arena.votes import Vote

_OTHER = {"A": "B", "B": "A"}


@dataclass(frozen=True)
class RaterAgreement:
    """Agreement between raters.

    Attributes:
        alpha: 1 is perfect, 0 as by chance; or why it is not defined.
        interval: of alpha, by resampling pairs; ``None`` where it is not defined, or with fewer than two pairs.
        pairs: that two raters or more judged.
        votes: on these pairs; skips are none.
        raters: who gave them.
        left: of the votes for a side, how many were for the left one.
        sided: votes for a side.
    """

    alpha: float | Missing
    interval: Interval | None
    pairs: int
    votes: int
    raters: int
    left: int
    sided: int


@dataclass(frozen=True)
class AssessorAgreement:
    """How the assessor's verdicts, the same in both orders, fit the majority of raters on the pairs that they decide.

    Attributes:
        agrees, differs: pairs with a verdict for one clip.
        ties: pairs of which the assessor says tie, or the other in the other order.
        missing: pairs without a verdict.
    """

    agrees: int
    differs: int
    ties: int
    missing: int

    @property
    def share(self) -> float | Missing:
        """Of the pairs that both decide, those on which they agree."""
        both = self.agrees + self.differs
        return self.agrees / both if both else Missing("no pair that raters and assessor both decide")


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | Missing:
    """Krippendorff's alpha for nominal values (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability").

    With the coincidences o_cc of equal values, n_c how often a value occurs in units of two values or more, n = Σ n_c:

        α = ((n − 1) Σ o_cc − Σ n_c (n_c − 1)) / (n (n − 1) − Σ n_c (n_c − 1))

    Args:
        units: of each thing judged the values given to it, by any number of raters, in any order.
    """
    frequency: Counter[Hashable] = Counter()
    same = 0.0
    for unit in units:
        if len(unit) < 2:
            continue
        counts = Counter(unit)
        frequency.update(counts)
        same += sum(count * (count - 1) for count in counts.values()) / (len(unit) - 1)
    n = sum(frequency.values())
    if n == 0:
        return Missing("no pair was judged by two raters")
    by_chance = sum(count * (count - 1) for count in frequency.values())
    if by_chance == n * (n - 1):
        return Missing("all votes are the same, so chance explains them, too")
    return ((n - 1) * same - by_chance) / (n * (n - 1) - by_chance)


def alpha_interval(units: Sequence[Sequence[Sequence[Hashable]]], bootstrap: Bootstrap = DEFAULT) -> Interval | None:
    """The bootstrap interval of ``krippendorff_alpha``.

    Args:
        units: groups of as many units each, as ``krippendorff_alpha`` takes them; whole groups are drawn.
    """
    if len(units) < 2:
        return None
    values = list(dict.fromkeys(value for group in units for unit in group for value in unit))
    counts = np.array([[[unit.count(value) for value in values] for unit in group] for group in map(_listed, units)])
    raters = counts.sum(-1)  # (groups, units)
    same = ((counts * (counts - 1)).sum(-1) / (raters - 1)).sum(-1)
    frequencies = counts.sum(1)  # (groups, values)

    def statistic(drawn: np.ndarray) -> np.ndarray:
        frequency = frequencies.T @ drawn
        n = frequency.sum(0)
        by_chance = (frequency * (frequency - 1)).sum(0)
        top, bottom = (n - 1) * (same @ drawn) - by_chance, n * (n - 1) - by_chance
        found: np.ndarray = np.divide(top, bottom, out=np.full(len(n), np.nan), where=bottom != 0)
        return found

    return percentile_interval(resample({"alpha": statistic}, len(units), bootstrap)["alpha"], bootstrap.level)


def _listed(group: Sequence[Sequence[Hashable]]) -> list[list[Hashable]]:
    return [list(unit) for unit in group]


def rater_agreement(present: Sequence[Vote]) -> RaterAgreement:
    """Agreement on A, B, tie and "both bad"; a skip is no vote.

    Which clip of a pair is called A is arbitrary: each pair counts with both names, so alpha does not depend on it.
    """
    units: dict[str, list[Vote]] = {}
    for vote in present:
        if vote.said != "skip":
            units.setdefault(vote.pair, []).append(vote)
    shared = [votes for votes in units.values() if len(votes) > 1]
    named: list[list[str]] = [[vote.choice or vote.said for vote in votes] for votes in shared]
    renamed = [[_OTHER.get(value, value) for value in values] for values in named]
    alpha = krippendorff_alpha(named + renamed)
    sided = [vote.said for vote in present if vote.said in ("left", "right")]
    who = {vote.rater for votes in shared for vote in votes}
    interval = None if isinstance(alpha, Missing) else alpha_interval(list(zip(named, renamed, strict=True)))
    return RaterAgreement(
        alpha, interval, len(shared), sum(map(len, shared)), len(who), sided.count("left"), len(sided)
    )


def majorities(present: Sequence[Vote]) -> dict[str, Choice | None]:
    """What most raters say of each pair: a draw is a tie, ``None`` where all skipped it or found both bad."""
    said: dict[str, list[Choice]] = {}
    for vote in present:
        of = said.setdefault(vote.pair, [])
        if vote.choice is not None:
            of.append(vote.choice)
    return {pair: majority(choices, "tie") for pair, choices in said.items()}


def assessor_agreement(labels: Mapping[str, Choice | None], verdicts: Mapping[str, Choice | None]) -> AssessorAgreement:
    """Both by pair; "A" is the pair's clip ``a``. Pairs that the raters do not decide are not counted."""
    count = Counter[str]()
    for pair, label in labels.items():
        if label not in ("A", "B"):
            continue
        verdict = verdicts.get(pair)
        if verdict is None:
            count["missing"] += 1
        elif verdict == "tie":
            count["ties"] += 1
        else:
            count["agrees" if verdict == label else "differs"] += 1
    return AssessorAgreement(count["agrees"], count["differs"], count["ties"], count["missing"])
