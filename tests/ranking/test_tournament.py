"""Best and worst in few comparisons, against what all pairs would say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.ranking.tournament import best_and_worst
from vqinsight.tasks.types import Preference


class Table:
    """Verdicts of a judge with an opinion of every clip, and how often it was asked."""

    def __init__(self, quality: list[float]) -> None:
        self.quality, self.asked = quality, 0

    def __call__(self, pairs):
        self.asked += len(pairs)
        sign = [self.quality[i] - self.quality[j] for i, j in pairs]
        return [Preference("tie" if s == 0 else "A" if s > 0 else "B") for s in sign]


@given(st.lists(st.integers(0, 50), min_size=2, max_size=12, unique=True))
def test_a_consistent_judge_s_best_and_worst_are_found_in_three_halves_n_comparisons(quality):
    judge = Table(quality)
    best, worst = best_and_worst(len(quality), judge)
    assert quality[best] == max(quality) and quality[worst] == min(quality)
    assert judge.asked <= 3 * len(quality) / 2


def test_ten_clips_take_thirteen():
    judge = Table([3, 1, 4, 15, 9, 2, 6, 5, 35, 8])
    assert best_and_worst(10, judge) == (8, 1)
    assert judge.asked == 13


def test_a_circle_of_three_leaves_one_clip_in_both_places():
    # 0 beats 1, 1 beats 2, 2 beats 0: clip 2 plays in both halves, beats 0 and loses to 1.
    verdicts = {(0, 1): "A", (1, 2): "A", (0, 2): "B"}
    assert best_and_worst(3, lambda pairs: [Preference(verdicts[pair]) for pair in pairs]) == (2, 2)


def test_one_clip_cannot_play():
    with pytest.raises(ValueError, match="1 clips"):
        best_and_worst(1, Table([1.0]))
