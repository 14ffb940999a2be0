"""The oracle and the simple synthetic set: what is drawn is seen, what is damaged is marked down."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from vqinsight.errors import UsageError
from vqinsight.synthetic.captions import caption
from vqinsight.synthetic.defects_spatial import SPATIAL
from vqinsight.synthetic.defects_temporal import TEMPORAL
from vqinsight.synthetic.oracle import measure, read_prompt
from vqinsight.synthetic.simple import FRAMES, SIDE, draw_simple, is_held_out, quality_words

CLEAN = [draw_simple(seed, defects=0, errors=0) for seed in range(4)]


def test_a_clip_is_drawn_from_its_seed_and_split() -> None:
    first, again = draw_simple(5), draw_simple(5)
    assert first.frames.shape == (FRAMES, SIDE, SIDE, 3)
    assert np.array_equal(first.frames, again.frames)
    for split, held_out in (("train", False), ("held_out", True)):
        claims = [draw_simple(seed, split).truth.claim for seed in range(20)]  # type: ignore[arg-type]
        assert all(claim is not None and is_held_out(claim) == held_out for claim in claims)


def test_quality_is_put_into_words() -> None:
    assert quality_words(CLEAN[0].truth) == "clean and smooth"


@pytest.mark.parametrize("clip", CLEAN)
def test_a_clean_clip_is_seen_as_it_is(clip: object) -> None:
    measured = measure(clip.frames, clip.prompt)  # type: ignore[attr-defined]
    assert measured.facts == asdict(clip.truth.facts)  # type: ignore[attr-defined]
    assert measured.scores["alignment"] == 100
    assert measured.scores["spatial"] > 80
    assert measured.scores["temporal"] > 80
    assert measured.scores["overall"] == pytest.approx(
        np.mean([measured.scores[name] for name in ("spatial", "temporal", "alignment")])
    )


@pytest.mark.parametrize("kind", ["blur", "noise"])
def test_spatial_scores_fall_with_severity(kind: str) -> None:
    clip = CLEAN[1]
    scores = [
        measure(SPATIAL[kind](clip.frames, s, np.random.default_rng(0)), clip.prompt).scores["spatial"]
        for s in (0.2, 0.5, 0.9)
    ]
    assert scores[0] > scores[1] > scores[2]


@pytest.mark.parametrize("kind", ["flicker", "freeze", "morphing"])
def test_temporal_scores_fall_with_severity(kind: str) -> None:
    clip = CLEAN[1]
    scores = [
        measure(
            TEMPORAL[kind](lambda at: clip.frames[at], FRAMES, np.arange(FRAMES), s, np.random.default_rng(0)),
            clip.prompt,
        ).scores["temporal"]
        for s in (0.15, 0.9)
    ]
    assert scores[0] > scores[1] + 20


def test_a_wrong_word_costs_a_quarter() -> None:
    clip = CLEAN[0]
    facts = clip.truth.facts
    assert facts is not None
    other = "red" if facts.colour != "red" else "blue"
    wrong = clip.prompt.replace(facts.colour, other)
    assert measure(clip.frames, wrong).scores["alignment"] == 75


def test_an_empty_clip_is_bad_and_not_a_crash() -> None:
    scores = measure(np.full((FRAMES, SIDE, SIDE, 3), 90, np.uint8), CLEAN[0].prompt).scores
    assert scores == {"spatial": 10.0, "temporal": 10.0, "alignment": 0.0, "overall": pytest.approx(20 / 3)}


def test_prompts_are_read_back_and_others_refused() -> None:
    rng = np.random.default_rng(0)
    for clip in CLEAN:
        assert clip.truth.facts is not None
        assert read_prompt(caption(clip.truth.facts, rng) + ", blurred and smooth") == clip.truth.facts
    with pytest.raises(UsageError, match="direction"):
        read_prompt("two red circles")
