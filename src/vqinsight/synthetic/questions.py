"""Yes/no questions about a synthetic clip, with the correct answer and its reason."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vqinsight.synthetic.captions import FACT_NAMES, NUMBER_WORDS, Facts, caption, mutate
from vqinsight.synthetic.describe import (
    MORE_SPATIAL_KINDS,
    MORE_TEMPORAL_KINDS,
    NOUNS,
    SPATIAL_KINDS,
    TEMPORAL_KINDS,
    Defect,
    GroundTruth,
    say_alignment,
    say_spatial,
    say_temporal,
)

Asked = tuple[str, bool, str]


def ask(truth: GroundTruth, rng: np.random.Generator, *, still: bool = False, varied: bool = False) -> Asked:
    """A question about a clip, whether yes is correct, and the reason.

    Args:
        still: leaves out motion.
        varied: asks about the further kinds of defects of varied clips, and never about shapes.
    """
    if varied:
        return _ask_varied(truth, rng, still=still)
    askers: list[Callable[[GroundTruth, np.random.Generator], Asked]] = [_ask_spatial, _ask_spatial_kind]
    if not still:
        askers += [_ask_temporal, _ask_temporal, _ask_temporal_kind, _ask_temporal_kind]
    if truth.facts is not None:
        askers += [_ask_colour_and_shape, _ask_text] if not still else [_ask_colour_and_shape]
    return askers[rng.integers(len(askers))](truth, rng)


def _ask_varied(truth: GroundTruth, rng: np.random.Generator, *, still: bool) -> Asked:
    if still or rng.random() < 0.4:
        if rng.random() < 0.5:
            return _ask_spatial(truth, rng)
        kinds = SPATIAL_KINDS + MORE_SPATIAL_KINDS
        return _ask_kind(truth.spatial, kinds, say_spatial(truth.spatial, rng), rng)
    if rng.random() < 0.5:
        return _ask_temporal(truth, rng)
    return _ask_kind(truth.temporal, TEMPORAL_KINDS + MORE_TEMPORAL_KINDS, say_temporal(truth.temporal, rng), rng)


def _one_of(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[rng.integers(len(options))]


def _ask_spatial(truth: GroundTruth, rng: np.random.Generator) -> Asked:
    good, bad = (
        ("Is the picture clean?", "Are the frames sharp and clean?", "Is the image quality good?"),
        ("Does the picture have a defect?", "Is the image quality damaged?", "Is there any spatial defect?"),
    )
    positive = rng.random() < 0.6
    clean_picture = truth.spatial is None
    question = _one_of(good if positive else bad, rng)
    return question, clean_picture == positive, say_spatial(truth.spatial, rng)


def _ask_temporal(truth: GroundTruth, rng: np.random.Generator) -> Asked:
    good, bad = (
        ("Is the motion smooth?", "Is the motion reasonable?", "Does it move naturally?", "Is the video stable?"),
        ("Does the motion have a defect?", "Is the motion strange?", "Is there any temporal defect?"),
    )
    positive = rng.random() < 0.6
    smooth = truth.temporal is None
    question = _one_of(good if positive else bad, rng)
    return question, smooth == positive, say_temporal(truth.temporal, rng)


def _ask_kind(defect: Defect | None, kinds: tuple[str, ...], sentence: str, rng: np.random.Generator) -> Asked:
    present = defect.kind if defect else None
    kind = present if present and rng.random() < 0.55 else kinds[rng.integers(len(kinds))]
    noun = NOUNS[kind]
    question = _one_of((f"Is there {noun}?", f"Do you see {noun}?", f"Does it suffer from {noun}?"), rng)
    return question, kind == present, sentence


def _ask_spatial_kind(truth: GroundTruth, rng: np.random.Generator) -> Asked:
    sentence = say_spatial(truth.spatial, rng)
    return _ask_kind(truth.spatial, SPATIAL_KINDS, sentence, rng)


def _ask_temporal_kind(truth: GroundTruth, rng: np.random.Generator) -> Asked:
    sentence = say_temporal(truth.temporal, rng)
    return _ask_kind(truth.temporal, TEMPORAL_KINDS, sentence, rng)


def _ask_colour_and_shape(truth: GroundTruth, rng: np.random.Generator) -> Asked:
    facts = _facts(truth)
    names: tuple[str, ...] = ("colour", "shape", "count")
    claim = mutate(facts, (names[rng.integers(3)],), rng) if rng.random() < 0.5 else facts
    thing = f"{NUMBER_WORDS[claim.count]} {claim.colour} {claim.shape}{'s' * (claim.count > 1)}"
    seen = f"{NUMBER_WORDS[facts.count]} {facts.colour} {facts.shape}{'s' * (facts.count > 1)}"
    verb = "Are" if claim.count > 1 else "Is"
    return f"{verb} there {thing}?", claim == facts, f"I see {seen}."


def _ask_text(truth: GroundTruth, rng: np.random.Generator) -> Asked:
    facts = _facts(truth)
    wrong = (FACT_NAMES[rng.integers(len(FACT_NAMES))],) if rng.random() < 0.5 else ()
    claim = mutate(facts, wrong, rng)
    return f"Does it show {caption(claim, rng)}?", not wrong, say_alignment(claim, facts)


def _facts(truth: GroundTruth) -> Facts:
    assert truth.facts is not None
    return truth.facts
