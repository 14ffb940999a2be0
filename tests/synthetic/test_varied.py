"""Varied clips: several defects, quality as perceived, kinds held out, and the same frames whichever are wanted."""

from __future__ import annotations

import numpy as np
import pytest

from vqinsight.datasets.varied import VariedExamples
from vqinsight.synthetic import perception
from vqinsight.synthetic.clips import named_clip
from vqinsight.synthetic.describe import NOUNS, Defect, GroundTruth
from vqinsight.synthetic.varied import ALL_SPATIAL, ALL_TEMPORAL, UNSEEN, defects, overall, quality, varied_siblings
from vqinsight.tasks.shapes import names_shapes
from vqinsight.tasks.types import Score

SEEDS = range(60)


def test_quality_by_hand() -> None:
    """Blur .5 costs .75 * .5, a further compression of .25 costs .8 * .25; sliding 1 costs .8."""
    truth = GroundTruth(
        None, "still", Defect("blur", 0.5), Defect("sliding", 1.0), None, (Defect("compression", 0.25),)
    )
    assert quality(truth) == pytest.approx({"spatial": 100 * 0.625 * 0.8, "temporal": 20.0})
    assert overall(truth) == pytest.approx((50.0 * 20.0) ** 0.5)
    assert perception.score([]) == 100


@pytest.mark.parametrize("kind", perception.COST)
def test_a_stronger_defect_costs_more(kind: str) -> None:
    scores = [perception.score([Defect(kind, severity)]) for severity in (0.1, 0.4, 0.7, 1.0)]
    assert scores == sorted(scores, reverse=True) and scores[0] < 100 and scores[-1] > 5


def test_every_kind_has_a_cost_and_a_name() -> None:
    assert {*ALL_SPATIAL, *ALL_TEMPORAL} == set(perception.COST) == set(NOUNS)


def test_a_third_of_the_kinds_is_named_by_no_measurement() -> None:
    unmeasured = {"deformed", "ghosting", "morphing", "transforming", "sliding"}
    assert len(unmeasured) / len(perception.COST) >= 1 / 3


def test_some_kinds_are_only_in_held_out_clips() -> None:
    drawn = {
        split: {
            defect.kind for seed in range(200) for c in varied_siblings(seed, 2, split) for defect in defects(c.truth)
        }
        for split in ("train", "held_out")
    }
    assert drawn["held_out"] == set(perception.COST)
    assert drawn["held_out"] - drawn["train"] == set(UNSEEN)


@pytest.mark.parametrize("seed", range(6))
def test_frames_do_not_depend_on_which_others_are_wanted(seed: int) -> None:
    [clip] = varied_siblings(seed, 1)
    if any(defect.kind in ("compression", "noise") for defect in defects(clip.truth)) or clip.scene.handling.crf:
        pytest.skip("an encoder and its noise see all frames that are wanted")
    everything, some = clip.frames(np.arange(clip.scene.frames)), clip.frames(np.array([1, 5]))
    if np.abs(everything[[1, 5]].astype(int) - some).max() > 0:  # a mild encoding of what is wanted
        assert np.abs(everything[[1, 5]].astype(int) - some).mean() < 4


@pytest.mark.parametrize("kind", ["boiling", "transforming", "sliding", "deformed"])
def test_a_new_defect_shows_and_grows(kind: str) -> None:
    [clip] = varied_siblings(3, 1)
    clean = clip._rendered(np.arange(12))
    changed = []
    for severity in (0.2, 0.9):
        rng = np.random.default_rng(0)
        if kind in ALL_SPATIAL:
            shown = ALL_SPATIAL[kind](clean, severity, rng)
        else:
            shown = ALL_TEMPORAL[kind](lambda at: clean[at], 12, np.arange(12), severity, rng)
        assert shown.shape == clean.shape and shown.dtype == np.uint8
        changed.append(np.abs(shown.astype(int) - clean).mean())
    assert 0.2 < changed[0] < changed[1]


def test_examples_are_of_the_clips_that_they_name() -> None:
    for task in ("image", "natural", "generated", "alignment", "compare", "yesno"):
        for example in VariedExamples(task, start=100, count=5):  # type: ignore[arg-type]
            clip, still = named_clip(example.question.clips[0].path)
            assert still == (task == "image")
            if isinstance(example.answer, Score):
                exact = clip.quality
                for key, value in example.answer.values.items():
                    assert value == pytest.approx(
                        exact.get(key, exact["spatial"] if still else (exact["spatial"] * exact["temporal"]) ** 0.5)
                    )
            text = example.question.clips[0].prompt
            assert text is None or names_shapes(text)
            assert (text is not None) == (task == "alignment") or task == "compare"
    names = [example.question.clips[0].path for example in VariedExamples("natural", count=100)]
    assert 0.2 < np.mean([name.endswith(":unmeasured") for name in names]) < 0.47
