"""Folds: a group is never on both sides; and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.calibration.folds import FEWEST_CLIPS, folds, groupings
from vqinsight.calibration.ratings import RatedClip
from vqinsight.errors import UsageError


def clips(n: int, prompts: int = 0, generators: int = 0) -> list[RatedClip]:
    return [
        RatedClip(
            f"{row}.mp4",
            (float(row),),
            f"prompt {row % prompts}" if prompts else None,
            f"model {row % generators}" if generators else None,
        )
        for row in range(n)
    ]


@given(st.lists(st.sampled_from("abcdefghijklmnopqrs"), min_size=3, max_size=80), st.integers(2, 10))
def test_a_group_lies_in_one_fold_and_a_clip_in_exactly_one(groups: list[str], most: int) -> None:
    found = folds(groups, most)
    assert sorted(np.concatenate(found).tolist()) == list(range(len(groups)))
    assert len(found) == min(most, len(set(groups))) and all(len(fold) for fold in found)
    for fold in found:
        inside = {groups[row] for row in fold}
        assert inside.isdisjoint({groups[row] for row in range(len(groups)) if row not in fold.tolist()})


def test_up_to_ten_groups_each_is_left_out_alone() -> None:
    assert [fold.tolist() for fold in folds(["a", "b", "a", "c"])] == [[0, 2], [1], [3]]
    assert len(folds([str(row % 25) for row in range(100)])) == 10


def test_prompts_that_differ_in_spaces_and_case_are_one_group() -> None:
    rated = clips(20, prompts=4, generators=4)
    rated[0] = RatedClip("0.mp4", (1.0,), " Prompt  0 ", "MODEL 0")
    found, _ = groupings(rated)
    assert len(set(found["prompt"])) == 4 and len(set(found["generator"])) == 4


def test_clips_without_a_prompt_stay_together() -> None:
    rated = [*clips(20, prompts=4), RatedClip("x.mp4", (1.0,)), RatedClip("y.mp4", (2.0,))]
    found, notes = groupings(rated)
    assert found["prompt"][-1] == found["prompt"][-2] and list(found) == ["prompt"]
    assert "2 clips without a prompt stay together." in notes
    assert "No figure by generator: no clip has one. Add a column generator to see how it does on new ones." in notes


def test_without_either_single_clips_are_left_out() -> None:
    found, notes = groupings(clips(20))
    assert len(set(found["clip"])) == 20 and len(notes) == 2


def test_too_few_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^19 rated clips are too few for a scale: it takes at least 20\."):
        groupings(clips(FEWEST_CLIPS - 1, prompts=5))
    with pytest.raises(UsageError, match=r"the clips have 2, and it takes 3\. .* rate clips of at least 3 of either"):
        groupings(clips(FEWEST_CLIPS, prompts=2))
    assert list(groupings(clips(FEWEST_CLIPS, prompts=2, generators=3))[0]) == ["generator"]
