"""Equation 4, each rule worked by hand. Errors are shares of the range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vqinsight.rewards.temporal import WRONG, answer_rule, likelihood_rule, released_rule, share_rule

A = 0.3  # alpha
RULES: dict[str, Any] = {"alpha": A, "mu": 0.8, "tolerance": 0.1}


def test_share() -> None:
    """One of three is right, of the shuffled one of two: 1/3 is not above .8 * 1/2, and it is above .8 * 1/3."""
    assert share_rule([0.02, 0.12, 0.40], [0.05, 0.60], **RULES) == [0, 0, 0]
    assert share_rule([0.02, 0.12, 0.40], [0.05, 0.60, 0.70], **RULES) == [A, 0, 0]
    assert share_rule([0.02, 0.08, 0.40], [0.05, 0.60], **RULES) == [A, A, 0]


def test_share_is_strict_and_its_tolerance_is_not() -> None:
    assert share_rule([0.02, 0.03, 0.5, 0.5, 0.5], [0.05, 0.60], **RULES) == [0] * 5  # 2/5 is .8 * 1/2
    assert share_rule([0.10, 0.101], [0.5], **RULES) == [A, 0]
    assert share_rule([0.5], [0.5], **RULES) == [0]


def test_share_of_wrong_and_missing_answers() -> None:
    """They are never correct, the shuffled ones neither: 1/2 against 1/3, and 1/2 against 2/3 where one more is."""
    assert share_rule([0.0, WRONG], [0.0, WRONG, WRONG], **RULES) == [A, 0]
    assert share_rule([0.0, WRONG], [0.0, 0.0, WRONG], **RULES) == [0, 0]


def test_answer() -> None:
    """w = .819, .301, .018, mean .379, against .223: above it, and the answers above .8 * .223 = .179 earn."""
    assert answer_rule([0.02, 0.12, 0.40], [0.15, 0.15], **RULES) == [A, A, 0]
    assert answer_rule([0.02, 0.12, 0.40], [0.02, 0.12, 0.40], **RULES) == [0, 0, 0]  # the mean is not above itself
    assert answer_rule([0.02, 0.12, 0.40], [0.09, 0.09], **RULES) == [0, 0, 0]  # .407
    # An answer at the bound: w_rand = 1/2, and w = .8 * 1/2 is not above it.
    assert answer_rule([0.0, 0.0, 0.1], [0.0, WRONG], alpha=A, mu=0.73576, tolerance=0.1) == [A, A, 0]
    assert answer_rule([0.0, 0.0, 0.1], [0.0, WRONG], alpha=A, mu=0.73575, tolerance=0.1) == [A, A, A]


def test_answer_with_yes_and_no() -> None:
    """1 or 0: three of four right against one of two earns, whoever is right; a missing answer has w = 0."""
    assert answer_rule([0.0, 0.0, 0.0, WRONG], [0.0, WRONG], **RULES) == [A, A, A, 0]
    assert answer_rule([0.0, WRONG], [0.0, WRONG], **RULES) == [0, 0]
    assert answer_rule([0.3, WRONG], [WRONG, WRONG], **RULES) == [A, 0]  # .05 > 0: little, but more than nothing


def test_likelihood() -> None:
    """d = .30, .10, .05, -.02, median .075; the third is not correct."""
    errors, gaps = [0.02, 0.08, 0.40, 0.05], [0.30, 0.10, 0.05, -0.02]
    assert likelihood_rule(errors, gaps, alpha=A, tolerance=0.1) == [A, A, 0, 0]
    # The median is that of all N: of the correct ones alone it would be .10.
    assert likelihood_rule([0.5, 0.5, 0.0, 0.0], [-0.3, -0.2, 0.1, 0.2], alpha=A, tolerance=0.1) == [0, 0, A, A]
    # Above the median is not enough where d is not above 0, nor d above 0 where the median is as high.
    assert likelihood_rule([0.0] * 4, [-0.1, -0.2, -0.3, -0.4], alpha=A, tolerance=0.1) == [0] * 4
    assert likelihood_rule([0.0, 0.0, 0.0], [0.2, 0.2, 0.2], alpha=A, tolerance=0.1) == [0] * 3
    assert likelihood_rule([0.0, 0.0, 0.0], [0.0, -0.1, -0.2], alpha=A, tolerance=0.1) == [0] * 3
    assert likelihood_rule([WRONG, 0.1, 0.0], [0.9, 0.8, 0.1], alpha=A, tolerance=0.1) == [0, 0, 0]
    assert likelihood_rule([0.1, WRONG, 0.0], [0.9, 0.8, 0.1], alpha=A, tolerance=0.1) == [A, 0, 0]


def test_released() -> None:
    """30, 55 and 95 for a label of 50 earn .6, .9 and .1, mean .53, against .5; exactly .8 * .5 is enough."""
    rule: dict[str, Any] = {"alpha": A, "mu": 0.8, "above": 0.1}
    assert released_rule([0.6, 0.9, 0.1], [0.5, 0.5], **rule) == [A, A, 0]
    assert released_rule([0.4, 0.4], [0.5], **rule) == [A, A]
    assert released_rule([0.39, 0.39], [0.5], **rule) == [0, 0]


@pytest.mark.parametrize("rule", [share_rule, answer_rule])
def test_there_is_something_to_compare_with(rule: Callable[..., list[float]]) -> None:
    for given in (([0.5], []), ([], [0.5])):
        with pytest.raises(ValueError, match="empty"):
            rule(*given, **RULES)
    with pytest.raises(ValueError, match="empty"):
        released_rule([0.5], [], alpha=A, mu=0.8, above=0.1)
    with pytest.raises(ValueError, match="1 gaps, 2 answers"):
        likelihood_rule([0.1, 0.2], [0.3], alpha=A, tolerance=0.1)
