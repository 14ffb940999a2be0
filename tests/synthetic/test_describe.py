"""The truth in words, and the reader that gets it back."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from vqinsight.synthetic import describe, generate, photos, textures
from vqinsight.synthetic.captions import CHOICES, Facts, mutate
from vqinsight.synthetic.defects_spatial import SPATIAL
from vqinsight.synthetic.defects_temporal import TEMPORAL
from vqinsight.synthetic.describe import (
    LEVELS,
    NOUNS,
    Defect,
    GroundTruth,
    ParsedDescription,
    level,
    read,
    sentences,
    terse,
)
from vqinsight.synthetic.scene import CAMERA_MOVES

SEEDS = range(500)


def tiny_texture(rng, height, width):
    return np.zeros((1, 1, 3))


def tiny_photo(name):
    return np.zeros((1, 1, 3), np.uint8)


@pytest.fixture(scope="module")
def truths() -> list[GroundTruth]:
    """What 1000 seeds of both splits show, with backgrounds of one pixel, which cost nothing to paint."""
    with pytest.MonkeyPatch.context() as patch:
        for kinds in (textures.TRAINED, textures.HELD_OUT):
            for kind in kinds:
                patch.setitem(kinds, kind, tiny_texture)
        patch.setattr(photos, "photo", tiny_photo)
        return [generate.draw_clip(seed, split).truth for split in ("train", "held_out") for seed in SEEDS]


def heard(truth: GroundTruth, *, motion: bool = True, text: bool = True) -> ParsedDescription:
    """What a perfect listener takes from a description of ``truth``."""
    facts = truth.facts
    named = (facts.count, facts.colour, facts.shape, facts.direction if motion else None) if facts else (None,) * 4

    def told(defect: Defect | None) -> tuple[str, int]:
        return (defect.kind, level(defect.severity)) if defect else ("none", 0)

    return ParsedDescription(
        *named,
        told(truth.spatial),
        told(truth.temporal) if motion else None,
        truth.wrong if text and truth.claim is not None else None,
    )


def test_the_kinds_with_words_are_the_defects_there_are():
    assert tuple(SPATIAL) == describe.SPATIAL_KINDS
    assert tuple(TEMPORAL) == describe.TEMPORAL_KINDS
    assert len(set(NOUNS.values())) == len(NOUNS)


def test_terse_lines_are_read_back(truths):
    for truth in truths:
        assert read(terse(truth)) == heard(truth), terse(truth)
        assert read(terse(truth, still=True)) == heard(truth, motion=False, text=False), terse(truth, still=True)


def test_sentences_are_read_back(truths):
    rng = np.random.default_rng(0)
    for truth in truths:
        said = sentences(truth, rng)
        assert read(said) == heard(truth), said
        said = sentences(truth, rng, still=True)
        assert read(said) == heard(truth, motion=False), said


def test_the_seeds_cover_what_there_is_to_say(truths):
    """So that the round trips above have seen every word."""
    for name, choices in CHOICES.items():
        assert {getattr(truth.facts, name) for truth in truths if truth.facts} == set(choices)
    assert {truth.camera for truth in truths} == set(CAMERA_MOVES)
    for family, kinds in (("spatial", describe.SPATIAL_KINDS), ("temporal", describe.TEMPORAL_KINDS)):
        defects = [getattr(truth, family) for truth in truths]
        told = {(defect.kind, level(defect.severity)) for defect in defects if defect}
        assert told == {(kind, strength) for kind in kinds for strength in range(1, 6)}
        assert None in defects
    wrong = {truth.wrong for truth in truths if truth.claim}
    assert {len(names) for names in wrong} >= {0, 1, 2, 3}
    assert any(truth.facts is None for truth in truths)


@pytest.mark.parametrize("names", [*product((False, True), repeat=4)])
def test_every_set_of_wrong_facts_is_read_back(names):
    wrong = tuple(name for name, is_wrong in zip(CHOICES, names, strict=True) if is_wrong)
    rng = np.random.default_rng(0)
    facts = Facts(2, "purple", "star", "down")
    truth = GroundTruth(facts, "in", None, None, mutate(facts, wrong, rng))
    assert read(terse(truth)).wrong == wrong
    said = {sentences(truth, rng) for _ in range(30)}
    assert len(said) > 5
    assert {read(text).wrong for text in said} == {wrong}


def test_terse_lines_by_hand():
    facts = Facts(3, "cyan", "triangle", "up")
    claim = Facts(3, "blue", "triangle", "left")
    truth = GroundTruth(facts, "left", Defect("blur", 0.5), Defect("freeze", 0.1), claim)
    verdicts = (
        "count 3 seen 3 is right, colour blue seen cyan is wrong, "
        "shape triangle seen triangle is right, direction left seen up is wrong"
    )
    assert terse(truth) == f"3 cyan triangle up; camera left; blur 3; freeze 1; text {verdicts}"
    assert terse(truth, still=True) == "3 cyan triangle; blur 3"
    right = (
        "text count 3 seen 3 is right, colour cyan seen cyan is right, "
        "shape triangle seen triangle is right, direction up seen up is right"
    )
    assert (
        terse(GroundTruth(facts, "in", None, None, facts)) == f"3 cyan triangle up; camera in; clean; smooth; {right}"
    )
    assert terse(GroundTruth(None, "still", None, None, None)) == "no shapes; camera still; clean; smooth"


def test_wrong_needs_a_claim_and_shapes():
    facts = Facts(1, "red", "circle", "up")
    assert GroundTruth(facts, "still", None, None, None).wrong == ()
    assert GroundTruth(facts, "still", None, None, Facts(2, "red", "star", "up")).wrong == ("count", "shape")


@pytest.mark.parametrize(
    ("severity", "wanted"),
    [(0.01, 1), (0.1, 1), (0.2, 1), (0.201, 2), (0.4, 2), (0.6, 3), (0.61, 4), (0.8, 4), (0.81, 5), (1.0, 5)],
)
def test_levels(severity, wanted):
    assert level(severity) == wanted
    assert len(LEVELS) == 5


@pytest.mark.parametrize(
    "text",
    ["", "I cannot see anything.", "A blue sky over three red houses.", "text", "blur", "severe", "The text is wrong."],
)
def test_silence_is_heard_as_silence(text):
    assert read(text) == ParsedDescription(None, None, None, None, None, None, None)


def test_what_is_there_is_heard_whatever_is_around_it():
    text = "Well: TWO Green squares, I think. It shows compression artefacts, severe. It runs smoothly, though."
    assert read(text) == ParsedDescription(2, "green", "square", None, ("compression", 5), ("none", 0), None)
