"""Eq. 8 by hand: of N clips made from one prompt, the most chosen wins and the least chosen loses."""

from __future__ import annotations

import numpy as np
import pytest

from vqinsight.ranking.tally import all_pairs, bradley_terry, cycles, order_bias, ranks, winner_and_loser, wins
from vqinsight.tasks.types import Preference

A, B, TIE = Preference("A"), Preference("B"), Preference("tie")

# Four clips 0, 1, 2, 3 have six pairs. "A" is the first clip of a pair, "B" the second.
OUTCOMES = [
    (0, 1, A),  # 0 is chosen
    (0, 2, A),  # 0 is chosen
    (0, 3, TIE),  # half a win for 0, half for 3
    (1, 2, B),  # 2 is chosen
    (1, 3, B),  # 3 is chosen
    (2, 3, None),  # the answer could not be read: counts for nobody
]


def test_four_clips_have_six_pairs():
    assert all_pairs(4) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_wins_by_hand():
    # clip 0: 1 over clip 1, 1 over clip 2, 1/2 with clip 3 = 2.5
    # clip 1: 0 of clip 0, 0 of clip 2, 0 of clip 3         = 0
    # clip 2: 0 of clip 0, 1 over clip 1, - with clip 3     = 1
    # clip 3: 1/2 with clip 0, 1 over clip 1, - with clip 2 = 1.5
    np.testing.assert_array_equal(wins(4, OUTCOMES), [2.5, 0, 1, 1.5])
    # Five answers were read, so five wins were given.
    assert wins(4, OUTCOMES).sum() == 5


def test_winner_and_loser_by_hand():
    assert winner_and_loser(4, OUTCOMES) == (0, 1)
    assert ranks(wins(4, OUTCOMES)) == [1, 4, 3, 2]


def test_no_clip_beats_another_in_a_circle():
    # 0 > 1, 0 > 2, 2 > 1, 3 > 1: following the arrows never leads back.
    assert cycles(4, OUTCOMES) == []


def test_a_circle_by_hand():
    # Were 1 chosen over 0, the arrows 1 > 0 > 2 > 1 would close. 3 > 1 leads into the circle, but nobody beats 3.
    assert cycles(4, [(0, 1, B), *OUTCOMES[1:]]) == [[0, 1, 2]]


def test_order_bias_by_hand():
    # Of the answers that name a clip, 0>1 and 0>2 name the one shown first, 2>1 and 3>1 the second: 2/4 - 1/2 = 0.
    assert order_bias([True, True, False, False]) == 0
    # Three of four name the first: 3/4 - 1/2.
    assert order_bias([True, True, True, False]) == 0.25


def test_strengths_by_hand():
    # Two clips, three answers for the first and one for the second. With s = (d/2, -d/2) and p = 1 / (1 + exp(-d)) the
    # log-likelihood 3 log p + log(1 - p) has the slope 3 (1 - p) - p = 3 - 4 p in d. The prior is half a tie of each
    # clip with the average, which lies d/2 away: with q = 1 / (1 + exp(-d/2)) that is 2 * 1/4 * (log q + log(1 - q)),
    # whose slope in d is 2 * 1/4 * 1/2 * (1 - 2 q) = -(q - 1/2) / 2. At the solution the slopes cancel.
    d = 2 * bradley_terry(2, [(0, 1, A), (0, 1, A), (1, 0, B), (0, 1, B)])[0]
    p, q = 1 / (1 + np.exp(-d)), 1 / (1 + np.exp(-d / 2))
    assert 3 - 4 * p == pytest.approx((q - 0.5) / 2, abs=1e-8)
    # Without the prior it would be ln 3 = 1.0986; the prior shrinks it a little.
    assert 0.9 < d < np.log(3)
