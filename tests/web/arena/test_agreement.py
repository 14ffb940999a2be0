"""Agreement by cases of the literature, worked by hand there."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pytest
from web.arena.test_schedule import PAIRS, said

from vqinsight.evaluation.metrics.bootstrap import Bootstrap, draws, percentile_interval
from vqinsight.tasks.types import Choice, Missing
from vqinsight.web.arena.agreement import (
    alpha_interval,
    assessor_agreement,
    krippendorff_alpha,
    majorities,
    rater_agreement,
)


@pytest.mark.parametrize(("raters", "alpha"), [
    (("0100000010", "1110010000"), 0.095),
    (("aabbdcccedda", "babbbcccedDd".lower()), 0.692),
    (("123321412...", "1233224125.3", ".3332342251.", "1233244" "1251."), 0.743),
])  # fmt: skip
def test_the_examples_of_krippendorff_2011(raters: tuple[str, ...], alpha: float) -> None:
    """Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", sections A to C."""
    units = [[value for value in unit if value != "."] for unit in zip_longest(*raters, fillvalue=".")]
    found = krippendorff_alpha(units)
    assert isinstance(found, float) and round(found, 3) == alpha


def test_where_alpha_is_not_defined() -> None:
    for units, reason in (
        ([], "two raters"),
        ([["A"], ["B"]], "two raters"),
        ([["A", "A"]] * 3, "all votes are the same"),
    ):
        found = krippendorff_alpha(units)
        assert isinstance(found, Missing) and reason in found.reason


def test_agreement_of_raters() -> None:
    """The side is not what counts but the clip; skips are no votes, "both bad" is one."""
    present = [
        said(PAIRS[0], "A", 1), said(PAIRS[0], "A", 2, swapped=True), said(PAIRS[1], "B", 1), said(PAIRS[1], "B", 2),
        said(PAIRS[2], "both_bad", 1), said(PAIRS[2], "both_bad", 2), said(PAIRS[3], "A", 1), said(PAIRS[3], "skip", 2),
    ]  # fmt: skip
    found = rater_agreement(present)
    assert found.alpha == 1.0 and (found.pairs, found.votes, found.raters) == (3, 6, 2)
    assert (found.left, found.sided) == (2, 5)


@pytest.mark.parametrize("flip", [False, True])
def test_alpha_does_not_depend_on_names(flip: bool) -> None:
    """With both names A A B and A tie have n = 10, n_A = n_B = 4, n_tie = 2, Σ o_cc = 2: (18 − 26) / (90 − 26)."""
    second: tuple[Choice, Choice] = ("B", "tie") if flip else ("A", "tie")
    votes: list[tuple[int, tuple[Choice, ...]]] = [(0, ("A", "A", "B")), (1, second)]
    present = [said(PAIRS[i], choice, n) for i, choices in votes for n, choice in enumerate(choices)]
    assert rater_agreement(present).alpha == -8 / 64


def test_the_interval_is_of_alpha_itself() -> None:
    """Every resample has the alpha of the pairs drawn, computed plainly."""
    votes = [("A", "A", "B"), ("A", "tie"), ("B", "B"), ("A", "B")]
    groups = [[list(unit), [{"A": "B", "B": "A"}.get(value, value) for value in unit]] for unit in votes]
    bootstrap = Bootstrap(resamples=200)
    plain = []
    for chunk in draws(4, bootstrap):
        for counts in chunk.T:
            drawn = [unit for group, count in zip(groups, counts, strict=True) for unit in group * int(count)]
            value = krippendorff_alpha(drawn)
            plain.append(value if isinstance(value, float) else float("nan"))
    assert alpha_interval(groups, bootstrap) == percentile_interval(np.array(plain), 0.95)
    assert alpha_interval(groups[:1]) is None


def test_the_majority() -> None:
    votes: dict[int, list[str]] = {
        0: ["A", "A", "B"], 1: ["A", "B"], 2: ["both_bad", "skip"], 3: ["both_bad", "B"], 4: ["tie", "tie", "A"],
    }  # fmt: skip
    present = [said(PAIRS[i], choice, n) for i, choices in votes.items() for n, choice in enumerate(choices)]  # type: ignore[arg-type]
    assert list(majorities(present).values()) == ["A", "tie", None, "B", "tie"]


def test_the_assessor_agrees_on_what_both_decide() -> None:
    labels: dict[str, Choice | None] = {"1": "A", "2": "A", "3": "B", "4": "B", "5": "tie", "6": None, "7": "A"}
    verdicts: dict[str, Choice | None] = {"1": "A", "2": "B", "3": "B", "4": "tie", "5": "A", "6": "A", "7": None}
    found = assessor_agreement(labels, verdicts)
    assert (found.agrees, found.differs, found.ties, found.missing) == (2, 1, 1, 1) and found.share == 2 / 3
    assert isinstance(assessor_agreement({"1": "A"}, {"1": "tie"}).share, Missing)
