from __future__ import annotations

import pytest

from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.bootstrap import Bootstrap
from vqinsight.evaluation.metrics.order_bias import both_orders
from vqinsight.ranking.tally import order_bias
from vqinsight.tasks.types import Missing, Preference

A, B, TIE = Preference("A"), Preference("B"), Preference("tie")


def test_by_hand():
    # Pair 1: b both times. Pair 2: the clip shown first both times. Pair 3: ties. Pair 4: one answer.
    found = both_orders([B, A, TIE, A], [A, A, TIE, Missing("no answer")])
    assert found.consistent.value == 2 / 3
    assert found.order_bias.value == pytest.approx(4 / 5 - 0.5)  # five answers name a clip, four the first
    assert found.order_bias.value == pytest.approx(order_bias([False, True, True, True, True]))
    assert (found.n, found.answered_twice, found.ties, found.missing) == (4, 3, 2, 1)
    assert found.warnings == ("1 of 8 answers are missing, in 1 of 4 pairs",)


@pytest.mark.parametrize(("choice", "bias"), [(A, 0.5), (B, -0.5)])
def test_one_place_always(choice, bias):
    found = both_orders([choice] * 5, [choice] * 5, bootstrap=Bootstrap(resamples=20))
    assert (found.order_bias.value, found.consistent.value) == (bias, 0.0)
    assert (found.order_bias.interval.low, found.order_bias.interval.high) == (bias, bias)


def test_a_clip_that_wins_in_either_place_shows_no_bias():
    found = both_orders([A] * 5, [B] * 5)
    assert (found.order_bias.value, found.consistent.value) == (0.0, 1.0)


def test_intervals_draw_the_pairs_of_a_prompt_together():
    # Two prompts, each answered with one bias throughout: between resamples of prompts only -1/2, 0 and 1/2 occur.
    forward = [A] * 10 + [B] * 10
    apart = both_orders(forward, forward).order_bias.interval
    together = both_orders(forward, forward, clusters=["one"] * 10 + ["two"] * 10).order_bias.interval
    assert (together.low, together.high) == (-0.5, 0.5)
    assert -0.5 < apart.low < apart.high < 0.5


def test_nothing_to_count_is_said():
    found = both_orders([TIE, None], [None, None])
    assert found.consistent.value is None and found.order_bias.value is None
    assert found.warnings == (
        "3 of 4 answers are missing, in 2 of 2 pairs",
        "no pair has two answers: consistency is undefined",
        "no answer names a clip: order bias is undefined",
    )


@pytest.mark.parametrize(("forward", "swapped"), [([], []), ([A], [A, B])])
def test_both_orders_are_needed(forward, swapped):
    with pytest.raises(UsageError, match="both orders are needed"):
        both_orders(forward, swapped)
