"""Lessons for the embedded model: varied clips with questions and the answers to learn.

Two stages. ``perception``: one word per attribute in a deterministic answer, as random wording hides the signal.
``conversation``: the tasks in the think/answer form. The reasoning is correct, but the *opinion* that follows (scores,
choices) is biased by design, like that of a general model: correcting it is left to reinforcement learning, which never
sees exact scores as text. What is seen is asked without the text, and agreement with the text by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from vqinsight.nano.assessor.exercise import Exercise, without_clips
from vqinsight.synthetic import describe, perception
from vqinsight.synthetic.captions import FACT_NAMES, caption, draw_facts, mutate
from vqinsight.synthetic.describe import Defect, GroundTruth
from vqinsight.synthetic.generate import Split
from vqinsight.synthetic.questions import ask
from vqinsight.synthetic.varied import (
    ALL_TEMPORAL,
    VariedClip,
    draw_truth,
    measurable,
    overall,
    quality,
    varied_siblings,
)
from vqinsight.tasks.prompt_set import clean
from vqinsight.tasks.prompt_sets.separate import SEPARATE
from vqinsight.tasks.types import Choice, Clip, Preference, Question, Score, Verdict

Stage = Literal["perception", "conversation"]

# Label smoothing of the strength of temporal defects, see ``_roughly``. Chosen on training clips: with levels drawn to
# the middle, severe defects are called moderate.
DRAWN_TO = 0.62
DRAWN_IN = 0.85
BLURRED = 0.17

# Share of scores after words that miss or invent a temporal defect, for robustness to errors of the reasoning.
MISSAID = 0.15
STILLS = 0.12  # share of lessons on still images
# Share of questions that state nothing of what is measured, so that frames are learned too.
UNMEASURED = 1 / 3


@dataclass(frozen=True)
class Lesson:
    """Two clips made from one text (or none), whether they are shown as still images, and the exercises about them."""

    clips: tuple[VariedClip, ...]
    still: bool
    exercises: tuple[Exercise, ...]


def describe_messages(prompt: str | None, clips: int = 1) -> list[dict[str, Any]]:
    """The question for the short form, about one clip or two; used in lessons and ``probe`` only."""
    system, user = SEPARATE.messages(Question("natural" if clips == 1 else "compare", (Clip(""),) * clips))
    text = "Describe." + (f" Text: {clean(prompt)}" if prompt else "")
    return [system, user | {"content": [*user["content"][:-1], {"type": "text", "text": text}]}]


def clips_of(seed: int, split: Split = "train") -> tuple[tuple[VariedClip, ...], bool]:
    """The two clips of the lesson of a seed, and whether they are shown as still images."""
    still = bool(np.random.default_rng((7, seed)).random() < STILLS)
    return tuple(varied_siblings(seed, 2, split, prompt=False if still else None)), still


def lesson(seed: int, stage: Stage, split: Split = "train", epoch: int = 0) -> Lesson:
    """The lesson of a seed, deterministic; every epoch asks other things about the same clips."""
    clips, still = clips_of(seed, split)
    rng = np.random.default_rng((7, seed, epoch))
    exercises = []
    for i, clip in enumerate(clips):
        if stage == "perception" or rng.random() < 0.35:
            exercises.append(_terse(i, *_told(clip.truth, still, rng), still, rng))
        if stage == "perception":
            continue
        mistaken = not still and rng.random() < MISSAID
        exercises.append(_score(i, clip.truth, still, rng, mistaken=mistaken))
        truth, text = _told(clip.truth, still, rng)
        if text is not None:
            exercises.append(_align(i, truth, text, rng))
        if rng.random() < 0.4:
            exercises.append(_yes_no(i, clip.truth, still, rng))
    if not still:  # pairs are of videos only
        truths, text = _both_told((clips[0].truth, clips[1].truth), rng)
        if stage == "perception" or rng.random() < 0.35:
            exercises.append(_terse_pair(truths, text, rng))
        if stage == "conversation" and rng.random() < 0.7:
            exercises.append(_compare(truths, text, rng))
    return Lesson(clips, still, tuple(replace(each, measured=rng.random() >= UNMEASURED) for each in exercises))


def _told(truth: GroundTruth, still: bool, rng: np.random.Generator) -> tuple[GroundTruth, str | None]:
    """The ground truth with a new text for this exercise, and that text; or without one.

    A clip's own text is mostly correct, so a model can call every fact correct without comparing.
    """
    facts = truth.facts
    if still or facts is None or rng.random() < 0.2:
        return replace(truth, claim=None), None
    claim = mutate(facts, _some(0.5 if rng.random() < 0.75 else 0.0, rng), rng)
    return replace(truth, claim=claim), caption(claim, rng)


def _both_told(
    truths: tuple[GroundTruth, GroundTruth], rng: np.random.Generator
) -> tuple[tuple[GroundTruth, GroundTruth], str | None]:
    """The same for two clips, with one text for both."""
    a, b = truths
    if a.facts is None or b.facts is None or rng.random() < 0.3:
        return (replace(a, claim=None), replace(b, claim=None)), None
    claim = mutate((a.facts, b.facts)[rng.integers(2)], _some(0.25, rng), rng)
    return (replace(a, claim=claim), replace(b, claim=claim)), caption(claim, rng)


def _roughly(truth: GroundTruth, rng: np.random.Generator) -> GroundTruth:
    """The ground truth with a smoothed strength of the temporal defect.

    Greedy decoding gives the most probable word. With probabilities .3, .3 and .4 for mild, moderate and severe that is
    the far end; smoothed labels move the mode towards the mean (figures: dev/log). So a lesson may name a neighbouring
    level, most often at the ends.
    """
    if truth.temporal is None:
        return truth
    put = DRAWN_TO + DRAWN_IN * (truth.temporal.severity - DRAWN_TO) + rng.normal(0, BLURRED)
    return replace(truth, temporal=Defect(truth.temporal.kind, float(np.clip(put, 0.01, 1.0))))


def _some(share: float, rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(name for name in FACT_NAMES if rng.random() < share)


def text_only_exercise(rng: np.random.Generator) -> Exercise:
    """A text-only exercise: the description is given, the conclusion is trained.

    Comparing a description with a text, and deriving an answer from it, needs no clip, and costs a fraction without
    one. What depends on the clip carries no loss.
    """
    claim = draw_facts(rng) if rng.random() < 0.8 else None
    text = caption(claim, rng) if claim else None
    truth = draw_truth(rng, claim, shapes=claim is not None, movers=True, split="train")
    if claim is not None:  # balanced, so that always answering "right" does not pay
        truth = replace(truth, facts=mutate(claim, _some(0.5, rng), rng))
    kind = rng.choice(("terse", "align", "score", "compare", "yesno"), p=(0.45, 0.25, 0.15, 0.1, 0.05))
    if kind == "terse" and text is not None:
        given, _, learned = describe.terse(truth).rpartition("; text")
        exercise = Exercise(describe_messages(text), (0,), learned, f"{given}; text")
    elif kind == "align" and text is not None:
        exercise = _align(0, truth, text, rng)
    elif kind == "compare":
        other = draw_truth(rng, claim, shapes=claim is not None, movers=True, split="train")
        exercise = _compare((truth, other), text, rng)
    elif kind == "yesno":
        exercise = _yes_no(0, truth, False, rng)
    else:
        exercise = _score(0, truth, False, rng)
    if not exercise.given:
        before, sign, _ = exercise.answer.partition("Against the text:")
        if not sign or kind in ("compare", "yesno"):
            before, _, _ = exercise.answer.partition("</think>")
        exercise = replace(exercise, given=before.rstrip(), answer=exercise.answer[len(before.rstrip()) :])
    return without_clips(exercise)


def evidence_exercise(truth: GroundTruth, still: bool, rng: np.random.Generator) -> Exercise | None:
    """A question about a clip that is not shown, to be answered from what is measured; ``None`` where that cannot be.

    A small language model takes tens of thousands of examples to read numbers, and text costs a fiftieth of a clip.
    """
    if not measurable(truth):
        return None
    exercise = _score(0, truth, still, rng)
    if rng.random() < 0.5:
        parts = describe.terse(replace(_roughly(truth, rng), claim=None), still=still).split("; ")
        seen = 1 if still else 2  # shapes and the camera's motion
        exercise = Exercise(describe_messages(None), (0,), "; " + "; ".join(parts[seen:]), "; ".join(parts[:seen]))
    return replace(exercise, measured=True)


def _terse(index: int, truth: GroundTruth, text: str | None, still: bool, rng: np.random.Generator) -> Exercise:
    return Exercise(describe_messages(text), (index,), describe.terse(_roughly(truth, rng), still=still))


def _terse_pair(truths: tuple[GroundTruth, GroundTruth], text: str | None, rng: np.random.Generator) -> Exercise:
    """Both clips, each in its short form, as the second of two clips is harder to perceive."""
    order = _either_order(rng)
    rough = [_roughly(truths[i], rng) for i in order]
    lines = (f"{name}: {describe.terse(truth)}" for name, truth in zip("AB", rough, strict=True))
    return Exercise(describe_messages(text, 2), order, " ".join(lines))


def _either_order(rng: np.random.Generator) -> tuple[int, int]:
    return (0, 1) if rng.random() < 0.5 else (1, 0)


def _think(reasoning: str, answer: str) -> str:
    return f"<think>{reasoning}</think>{answer}"


def _score(
    index: int, truth: GroundTruth, still: bool, rng: np.random.Generator, *, mistaken: bool = False
) -> Exercise:
    """What is seen: nothing of the text is shown, and nothing of the shapes is said."""
    if still:
        question = Question("image", (Clip(""),))
    else:
        question = Question("natural" if rng.random() < 0.35 else "generated", (Clip(""),))
    keys = [dimension.key for dimension in SEPARATE.dimensions(question)]
    said = opinion(truth, still, rng)
    answer = SEPARATE.format_answer(question, Score({key: said[key] for key in keys}))
    shown = _mistaken(truth, rng) if mistaken else _roughly(truth, rng)
    before = _think(describe.seen(shown, rng, still=still), "")
    given, learned = (before, answer) if mistaken else ("", before + answer)
    return Exercise(SEPARATE.messages(question), (index,), learned, given)


def _align(index: int, truth: GroundTruth, text: str, rng: np.random.Generator) -> Exercise:
    """Agreement with the text."""
    question = Question("alignment", (Clip("", text),))
    answer = SEPARATE.format_answer(question, Score({"alignment": opinion(truth, False, rng)["alignment"]}))
    reasoning = describe.content(replace(truth, spatial=None, temporal=None), rng)
    return Exercise(SEPARATE.messages(question), (index,), _think(reasoning, answer))


def _mistaken(truth: GroundTruth, rng: np.random.Generator) -> GroundTruth:
    """The ground truth with its temporal defect removed, or with an invented one."""
    if truth.temporal is not None:
        return replace(truth, temporal=None)
    return replace(truth, temporal=Defect(str(rng.choice(tuple(ALL_TEMPORAL))), rng.uniform()))


def opinion(truth: GroundTruth, still: bool, rng: np.random.Generator) -> dict[str, float]:
    """Biased scores: too high, on a compressed scale, correlated across dimensions, and noisy."""
    exact = quality(truth)
    spatial, temporal = exact["spatial"], exact["temporal"]
    means = {
        "spatial": 32 + 0.40 * spatial + 0.16 * temporal,
        "temporal": 36 + 0.36 * temporal + 0.18 * spatial,
        "alignment": 46 + 0.45 * exact.get("alignment", 0.0),
        "quality": 35 + 0.50 * (spatial if still else perception.overall(spatial, temporal)),
    }
    return {key: round(float(np.clip(mean + rng.normal(0, 4), 0, 100))) for key, mean in means.items()}


def _compare(truths: tuple[GroundTruth, GroundTruth], text: str | None, rng: np.random.Generator) -> Exercise:
    order = _either_order(rng)
    a, b = (truths[i] for i in order)
    margin = overall(a) - overall(b)
    chosen: Choice = "A" if margin + 5 + rng.normal(0, 12) > 0 else "B"  # biased to the first clip, like many models
    question = Question("compare", (Clip("a", text), Clip("b", text)))
    reasoning = " ".join(f"{name}: {_verdict(_roughly(truth, rng), text, rng)}" for name, truth in (("A", a), ("B", b)))
    return Exercise(
        SEPARATE.messages(question), order, _think(reasoning, SEPARATE.format_answer(question, Preference(chosen)))
    )


def _verdict(truth: GroundTruth, text: str | None, rng: np.random.Generator) -> str:
    parts = [describe.say_spatial(truth.spatial, rng), describe.say_temporal(truth.temporal, rng)]
    if text is not None:
        parts.append(describe.say_alignment(truth.claim, truth.facts))
    return " ".join(parts)


def _yes_no(index: int, truth: GroundTruth, still: bool, rng: np.random.Generator) -> Exercise:
    text, yes, reasoning = ask(truth, rng, still=still, varied=truth.facts is None or rng.random() < 0.5)
    question = Question("yesno", (Clip(""),), text)
    answer = SEPARATE.format_answer(question, Verdict(yes))
    return Exercise(SEPARATE.messages(question), (index,), _think(reasoning, answer))
