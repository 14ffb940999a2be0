"""Wins, strengths, circles and order bias, for any set of judged pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from vqinsight.ranking.tally import (
    PRIOR_TIES,
    all_pairs,
    bradley_terry,
    cycles,
    order_bias,
    ranks,
    winner_and_loser,
    wins,
)
from vqinsight.tasks.types import Preference

A, B, TIE = Preference("A"), Preference("B"), Preference("tie")
PREFERENCES = (A, B, TIE, None)
unhurried = settings(deadline=None)


@st.composite
def tournaments(draw, low=2, high=6):
    """(n, outcomes): any clips may meet any number of times, and any answer may be missing."""
    n = draw(st.integers(low, high))
    clip = st.integers(0, n - 1)
    met = st.tuples(clip, clip, st.sampled_from(PREFERENCES)).filter(lambda outcome: outcome[0] != outcome[1])
    return n, draw(st.lists(met, max_size=30))


def mirrored(outcomes):
    """The same answers with the two clips shown in the other order."""
    return [(j, i, None if preference is None else preference.swap()) for i, j, preference in outcomes]


@pytest.mark.parametrize("n", [0, 1, 2, 10])
def test_every_pair_once(n):
    pairs = all_pairs(n)
    assert len(pairs) == n * (n - 1) // 2 == len({frozenset(pair) for pair in pairs})
    assert all(0 <= i < j < n for i, j in pairs)


@unhurried
@given(tournaments())
def test_every_answer_that_could_be_read_gives_one_win(tournament):
    n, outcomes = tournament
    read = [outcome for outcome in outcomes if outcome[2] is not None]
    assert wins(n, outcomes).shape == (n,)
    assert wins(n, outcomes).sum() == len(read)
    np.testing.assert_array_equal(wins(n, outcomes), wins(n, read))
    np.testing.assert_array_equal(bradley_terry(n, outcomes), bradley_terry(n, read))
    assert cycles(n, outcomes) == cycles(n, read)
    assert winner_and_loser(n, outcomes) == winner_and_loser(n, read)


@unhurried
@given(tournaments(), st.randoms(use_true_random=False))
def test_relabelling_the_clips_permutes_the_result(tournament, random):
    n, outcomes = tournament
    new = random.sample(range(n), n)
    renamed = [(new[i], new[j], preference) for i, j, preference in outcomes]
    random.shuffle(renamed)
    np.testing.assert_array_equal(wins(n, renamed)[new], wins(n, outcomes))
    np.testing.assert_allclose(bradley_terry(n, renamed)[new], bradley_terry(n, outcomes), atol=2e-9)
    assert {frozenset(group) for group in cycles(n, renamed)} == {
        frozenset(new[clip] for clip in group) for group in cycles(n, outcomes)
    }
    ends = winner_and_loser(n, outcomes)
    assert winner_and_loser(n, renamed) == (ends and (new[ends[0]], new[ends[1]]))


@unhurried
@given(tournaments())
def test_the_order_in_which_two_clips_are_shown_changes_nothing(tournament):
    n, outcomes = tournament
    np.testing.assert_array_equal(wins(n, mirrored(outcomes)), wins(n, outcomes))
    np.testing.assert_array_equal(bradley_terry(n, mirrored(outcomes)), bradley_terry(n, outcomes))
    assert cycles(n, mirrored(outcomes)) == cycles(n, outcomes)
    assert winner_and_loser(n, mirrored(outcomes)) == winner_and_loser(n, outcomes)


def log_posterior(strengths, outcomes):
    """The definition, written outcome by outcome: each clip also has PRIOR_TIES ties with the average."""
    s = strengths - strengths.mean()
    share = {"A": (1.0, 0.0), "B": (0.0, 1.0), "tie": (0.5, 0.5)}
    total = -PRIOR_TIES * 0.5 * (np.logaddexp(0, -s) + np.logaddexp(0, s)).sum()
    for i, j, preference in outcomes:
        if preference is not None:
            first, second = share[preference.choice]
            total -= first * np.logaddexp(0, s[j] - s[i]) + second * np.logaddexp(0, s[i] - s[j])
    return total


@settings(parent=unhurried, max_examples=40)
@given(tournaments())
def test_strengths_are_the_most_likely_ones(tournament):
    n, outcomes = tournament
    strengths = bradley_terry(n, outcomes)
    assert abs(strengths.mean()) < 1e-9
    slope = [
        (log_posterior(strengths + h, outcomes) - log_posterior(strengths - h, outcomes)) / 2e-5
        for h in 1e-5 * np.eye(n)
    ]
    np.testing.assert_allclose(slope, 0, atol=1e-7)
    direct = minimize(lambda s: -log_posterior(s, outcomes), np.zeros(n), method="BFGS", options={"gtol": 1e-7}).x
    np.testing.assert_allclose(strengths, direct - direct.mean(), atol=1e-4)


@pytest.mark.parametrize("rounds", [1, 1000])
def test_strengths_stay_finite_when_the_better_clip_always_wins(rounds):
    outcomes = [(i, j, A) for i, j in all_pairs(12)] * rounds
    strengths = bradley_terry(12, outcomes)
    assert np.isfinite(strengths).all()
    assert (np.diff(strengths) < 0).all()  # clip 0 always wins, clip 11 always loses
    np.testing.assert_allclose(strengths, -strengths[::-1], atol=2e-9)


def test_strengths_of_a_long_chain_of_neighbours():
    strengths = bradley_terry(60, [(i, i + 1, A) for i in range(59)] * 100)
    assert (np.diff(strengths) < -1).all()


def test_clips_in_the_same_position_have_exactly_the_same_strength():
    # 0 beats 1, 2 and 3, which beat each other in a circle.
    outcomes = [(0, 1, A), (0, 2, A), (0, 3, A), (1, 2, A), (2, 3, A), (3, 1, A)]
    strengths = bradley_terry(4, outcomes)
    assert strengths[1] == strengths[2] == strengths[3] < strengths[0]
    assert ranks(strengths) == [1, 2, 2, 2]
    assert cycles(4, outcomes) == [[1, 2, 3]]
    assert winner_and_loser(4, outcomes) is None  # no clip is the loser


def test_nothing_was_read():
    outcomes = [(i, j, None) for i, j in all_pairs(3)]
    assert wins(3, outcomes).tolist() == bradley_terry(3, outcomes).tolist() == [0, 0, 0]
    assert cycles(3, outcomes) == []
    assert winner_and_loser(3, outcomes) is None


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_clips_to_compare(n):
    assert wins(n, []).tolist() == bradley_terry(n, []).tolist() == [0.0] * n
    assert cycles(n, []) == []
    assert winner_and_loser(n, []) is None


def test_two_circles_and_a_contradiction():
    first = [(0, 1, A), (1, 2, A), (2, 0, A)]
    second = [(3, 4, A), (4, 5, A), (5, 6, A), (6, 3, A)]
    assert cycles(8, [*second, *first, (0, 3, A), (2, 5, A)]) == [[0, 1, 2], [3, 4, 5, 6]]
    assert cycles(8, [*second, *first, (0, 3, A), (6, 2, A)]) == [[0, 1, 2, 3, 4, 5, 6]]
    assert cycles(2, [(0, 1, A), (0, 1, B)]) == [[0, 1]]
    assert cycles(2, [(0, 1, A), (1, 0, B)]) == []
    assert cycles(3, [(0, 1, A), (1, 2, A), (2, 0, TIE)]) == []


@unhurried
@given(st.permutations(range(5)), st.data())
def test_a_strict_order_has_no_circle(order, data):
    place = {clip: k for k, clip in enumerate(order)}
    outcomes = [
        (i, j, data.draw(st.sampled_from((TIE, None, A if place[i] < place[j] else B)))) for i, j in all_pairs(5)
    ]
    assert cycles(5, outcomes) == []


@unhurried
@given(st.lists(st.integers(-3, 3)))
def test_ranks_count_the_better_ones(values):
    assert ranks(values) == [1 + sum(other > value for other in values) for value in values]


def test_ranks_are_shared_and_skipped():
    assert ranks(np.array([2.5, 4.0, 2.5, -1.0])) == [2, 1, 2, 4]
    assert all(type(rank) is int for rank in ranks(np.array([1.0, 2.0])))
    with pytest.raises(ValueError, match="not a number"):
        ranks([1.0, float("nan")])


def test_strength_decides_between_clips_chosen_equally_often():
    # 0 and 1 are chosen twice each and never lose, but 1 was chosen over the weak clip 2 only, 0 also over 3, which
    # was chosen over 2 itself.
    outcomes = [(0, 2, A), (0, 3, A), (1, 2, A), (1, 2, A), (3, 2, A)]
    assert wins(4, outcomes).tolist() == [2, 2, 0, 1]
    strengths = bradley_terry(4, outcomes)
    assert strengths[0] > strengths[1]
    assert winner_and_loser(4, outcomes) == (0, 2)


@pytest.mark.parametrize(
    "outcomes",
    [
        [(i, j, TIE) for i, j in all_pairs(3)],
        [(0, 1, A), (1, 2, A), (2, 0, A)],
        [(0, 2, A), (1, 2, A), (0, 1, TIE)],  # two winners
        [(0, 1, A), (0, 2, A), (1, 2, TIE)],  # two losers
    ],
)
def test_no_winner_and_loser_when_a_place_is_shared(outcomes):
    assert winner_and_loser(3, outcomes) is None


def test_a_clip_never_judged_is_not_the_loser():
    # Every answer about clip 2 is missing: it has no wins, but neither has it lost. Clip 3 is chosen once in three.
    outcomes = [(0, 1, A), (1, 3, A), (0, 3, A), (0, 3, B), (0, 2, None), (1, 2, None), (2, 3, None)]
    assert wins(4, outcomes).tolist() == [2, 1, 0, 1]
    assert winner_and_loser(4, outcomes) == (0, 3)


def test_order_bias():
    assert order_bias([]) is None
    assert order_bias([True] * 4) == 0.5
    assert order_bias([False] * 4) == -0.5
    assert order_bias([True, False]) == 0


@pytest.mark.parametrize("outcome", [(0, 0, A), (0, 3, A), (-1, 1, None)])
@pytest.mark.parametrize("tally", [wins, bradley_terry, cycles, winner_and_loser])
def test_a_clip_that_is_not_there(tally, outcome):
    with pytest.raises(ValueError, match="not two of 3 clips"):
        tally(3, [outcome])
