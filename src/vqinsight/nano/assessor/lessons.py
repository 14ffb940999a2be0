"""Lessons for the embedded model: clips of the synthetic set with questions and the answers to learn.

Two stages. ``perception``: one word an attribute, nothing random in the answer, or the wording drowns the signal.
``conversation``: the five tasks in the think/answer form with free wording. The reasoning tells the truth, but the
*opinion* that follows (scores, choices) is weak and biased on purpose, as a general model's is: to make it right is the
work of reinforcement learning, which is never shown the exact scores as text. The strength of a defect in time is told
roughly. The opinion is of the clip, not of the words before it: these are rough, and now and then given wrong, so that
a score is looked up in the pictures as well as in them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from vqinsight.synthetic import describe
from vqinsight.synthetic.captions import FACT_NAMES, caption, draw_facts, mutate
from vqinsight.synthetic.defects_temporal import TEMPORAL
from vqinsight.synthetic.describe import Defect, GroundTruth
from vqinsight.synthetic.foreign_prompts import draw_outside
from vqinsight.synthetic.generate import Split, SyntheticClip, draw_siblings, draw_truth, overall, quality
from vqinsight.synthetic.questions import ask
from vqinsight.synthetic.simple import simple_siblings
from vqinsight.tasks.prompt_set import clean
from vqinsight.tasks.prompt_sets.brief import BRIEF
from vqinsight.tasks.types import Choice, Clip, Preference, Question, Score, Verdict

Stage = Literal["perception", "conversation"]

# How lessons tell the strength of a defect in time: drawn in and blurred, see ``_roughly``. Chosen on training clips:
# drawn to the middle, severe defects were called moderate.
DRAWN_TO = 0.62
DRAWN_IN = 0.85
BLURRED = 0.17

# Of scores, the share after words that miss a defect in time or make one up: an answer has to survive its own mistakes.
MISSAID = 0.15

# Of answers, the share that shows a clip with the self-similarity of the other and tells the time of that: on synthetic
# scenes the other views tell nearly as much, and words that lean on these fail on real clips.
BORROWED = 0.35


@dataclass(frozen=True)
class Exercise:
    """One question about some of a lesson's clips, and the answer to learn.

    Attributes:
        messages: the question in chat form.
        clips: which of the lesson's clips it is about, in order; none for a recital.
        answer: the completion, or what of it is to be learned.
        given: the beginning of the completion, where that is not to be learned.
        time: for each of ``clips`` the one whose self-similarity is shown beside its other views; by default its own.
    """

    messages: list[dict[str, Any]]
    clips: tuple[int, ...]
    answer: str
    given: str = ""
    time: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Lesson:
    """Two clips made from one text (or none), whether they are shown as still images, and the exercises about them."""

    clips: tuple[SyntheticClip, ...]
    still: bool
    exercises: tuple[Exercise, ...]


def describe_messages(prompt: str | None, clips: int = 1) -> list[dict[str, Any]]:
    """The question behind the short form, of one clip or of two: none of the five tasks, only a lesson and an exam."""
    system, user = BRIEF.messages(Question("natural" if clips == 1 else "compare", (Clip(""),) * clips))
    text = "Describe." + (f" Text: {clean(prompt)}" if prompt else "")
    return [system, user | {"content": [*user["content"][:-1], {"type": "text", "text": text}]}]


def lesson(seed: int, stage: Stage, split: Split = "train") -> Lesson:
    """The lesson with that number: always the same for the same arguments."""
    rng = np.random.default_rng((7, seed))
    still = rng.random() < 0.12
    if split == "train" and not still and rng.random() < 0.15:
        clips = tuple(simple_siblings(seed, 2))
    else:
        clips = tuple(draw_siblings(seed, 2, split, prompt=False if still else None))
    exercises = []
    for i, clip in enumerate(clips):
        if stage == "perception" or rng.random() < 0.35:
            truths, exchanged = _with_times(clips, still, rng)
            exercises.append(_shown(_terse(i, *_told(truths[i], still, rng), still, rng), exchanged))
        if stage == "perception":
            continue
        mistaken = not still and rng.random() < MISSAID
        truths, exchanged = _with_times(clips, still, rng)
        score = _score(i, *_told(truths[i], still, rng), still, rng, mistaken=mistaken)
        exercises.append(_shown(score, exchanged))
        if rng.random() < 0.4:
            exercises.append(_yes_no(i, clip.truth, still, rng))
    if still:  # there is a second clip to look at in pairs of videos only
        return Lesson(clips, still, tuple(exercises))
    for made, wanted in (
        (_terse_pair, stage == "perception" or rng.random() < 0.35),
        (_compare, stage == "conversation" and rng.random() < 0.7),
    ):
        if wanted:
            truths, exchanged = _with_times(clips, still, rng)
            exercises.append(_shown(made(*_both_told(truths, rng), rng), exchanged))
    return Lesson(clips, still, tuple(exercises))


def _with_times(
    clips: tuple[SyntheticClip, ...], still: bool, rng: np.random.Generator
) -> tuple[tuple[GroundTruth, GroundTruth], bool]:
    """What there is to say of the two clips, and whether their self-similarities are exchanged: now and then."""
    a, b = (clip.truth for clip in clips)
    if still or rng.random() >= BORROWED:
        return (a, b), False
    return (replace(a, temporal=b.temporal), replace(b, temporal=a.temporal)), True


def _shown(exercise: Exercise, exchanged: bool) -> Exercise:
    """The exercise with its clips under each other's self-similarity, where these are exchanged."""
    return replace(exercise, time=tuple(1 - clip for clip in exercise.clips)) if exchanged else exercise


def _told(truth: GroundTruth, still: bool, rng: np.random.Generator) -> tuple[GroundTruth, str | None]:
    """The clip under a text of this exercise's own, and that text; or without one; or under one about other things.

    The text that a clip is drawn with is mostly right: a model that says so of every fact is seldom wrong, and
    compares nothing. And a text that it can say nothing about comes from every user.
    """
    facts, chance = truth.facts, rng.random()
    if still or chance < 0.15 or (facts is None and chance < 0.7):
        return replace(truth, claim=None), None
    if facts is None or chance < 0.3:
        return replace(truth, claim=None), draw_outside(rng)
    claim = mutate(facts, _some(0.5 if rng.random() < 0.75 else 0.0, rng), rng)
    return replace(truth, claim=claim), caption(claim, rng)


def _both_told(
    truths: tuple[GroundTruth, GroundTruth], rng: np.random.Generator
) -> tuple[tuple[GroundTruth, GroundTruth], str | None]:
    """The same for two clips, under one text for both."""
    a, b = truths
    chance = rng.random()
    if a.facts is None or b.facts is None or chance < 0.3:
        text = draw_outside(rng) if chance < 0.15 else None
        return (replace(a, claim=None), replace(b, claim=None)), text
    claim = mutate((a.facts, b.facts)[rng.integers(2)], _some(0.25, rng), rng)
    return (replace(a, claim=claim), replace(b, claim=claim)), caption(claim, rng)


def _roughly(truth: GroundTruth, rng: np.random.Generator) -> GroundTruth:
    """The strength of the defect in time as an eye would put it that is not sure.

    What a model says is its likeliest word. Where it cannot tell and mild, moderate and severe are .3, .3 and .4 to it,
    that is the far end, and wrong by most; a word for which its neighbours speak too is the one in the middle, as the
    mean would be (figures: dev/log). So a lesson may tell the neighbour, and of the ends it often does.
    """
    if truth.temporal is None:
        return truth
    put = DRAWN_TO + DRAWN_IN * (truth.temporal.severity - DRAWN_TO) + rng.normal(0, BLURRED)
    return replace(truth, temporal=Defect(truth.temporal.kind, float(np.clip(put, 0.01, 1.0))))


def _some(share: float, rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(name for name in FACT_NAMES if rng.random() < share)


def recital(rng: np.random.Generator) -> Exercise:
    """Text alone: what was seen is given in words, what follows from it is to be learned.

    To compare a description with a text, and to turn one into an answer, takes no eyes; without a clip it costs a
    fraction. What cannot be known without the clip carries no loss.
    """
    shapes = rng.random() < 0.95
    claim = draw_facts(rng) if shapes and rng.random() < 0.85 else None
    prompt = caption(claim, rng) if claim else None
    truth = draw_truth(rng, claim, shapes=shapes)
    if claim is not None:  # right and wrong equally often, or "right" is a good guess and nothing is compared
        truth = replace(truth, facts=mutate(claim, _some(0.5, rng), rng))
    elif rng.random() < 0.5:
        prompt = draw_outside(rng)
    kind = rng.choice(("terse", "score", "compare", "yesno"), p=(0.6, 0.25, 0.1, 0.05))
    if kind == "terse" and prompt is not None:
        given, _, learned = _terse_line(truth, prompt, False).rpartition("; text")
        exercise = Exercise(describe_messages(prompt), (0,), learned, f"{given}; text")
    elif kind == "compare":
        exercise = _compare((truth, draw_truth(rng, claim, shapes=shapes)), prompt, rng)
    elif kind == "yesno":
        exercise = _yes_no(0, truth, False, rng)
    else:
        exercise = _score(0, truth, prompt, False, rng)
    if not exercise.given:
        before, sign, _ = exercise.answer.partition("Against the text:")
        if not sign or kind in ("compare", "yesno"):
            before, _, _ = exercise.answer.partition("</think>")
        exercise = replace(exercise, given=before.rstrip(), answer=exercise.answer[len(before.rstrip()) :])
    blind = [
        message | {"content": [item for item in message["content"] if item["type"] == "text"]}
        for message in exercise.messages
    ]
    return replace(exercise, messages=blind, clips=())


def _terse(index: int, truth: GroundTruth, prompt: str | None, still: bool, rng: np.random.Generator) -> Exercise:
    return Exercise(describe_messages(prompt), (index,), _terse_line(_roughly(truth, rng), prompt, still))


def _terse_pair(truths: tuple[GroundTruth, GroundTruth], prompt: str | None, rng: np.random.Generator) -> Exercise:
    """Both clips, each in its short form: of two clips that are shown together the second is harder to read."""
    order = _either_order(rng)
    rough = [_roughly(truths[i], rng) for i in order]
    lines = (f"{name}: {_terse_line(truth, prompt, False)}" for name, truth in zip("AB", rough, strict=True))
    return Exercise(describe_messages(prompt, 2), order, " ".join(lines))


def _either_order(rng: np.random.Generator) -> tuple[int, int]:
    return (0, 1) if rng.random() < 0.5 else (1, 0)


def _terse_line(truth: GroundTruth, prompt: str | None, still: bool) -> str:
    outside = prompt is not None and truth.claim is None
    return describe.terse(truth, still=still) + "; text unknown" * outside


def _think(reasoning: str, answer: str) -> str:
    return f"<think>{reasoning}</think>{answer}"


def _score(
    index: int, truth: GroundTruth, prompt: str | None, still: bool, rng: np.random.Generator, *, mistaken: bool = False
) -> Exercise:
    if still:
        question = Question("image", (Clip("", prompt),))
    elif (prompt is None and rng.random() < 0.7) or rng.random() < 0.15:
        truth = replace(truth, claim=None)
        question = Question("natural", (Clip(""),))
    else:
        question = Question("generated", (Clip("", prompt),))
    keys = [dimension.key for dimension in BRIEF.dimensions(question)]
    said = opinion(truth, still, rng)
    answer = BRIEF.format_answer(question, Score({key: said[key] for key in keys}))
    reasoning = describe.sentences(_mistaken(truth, rng) if mistaken else _roughly(truth, rng), rng, still=still)
    if truth.claim is None and question.clips[0].prompt:
        reasoning += f" {describe.OUTSIDE}"
    before = _think(reasoning, "")
    given, learned = (before, answer) if mistaken else ("", before + answer)
    return Exercise(BRIEF.messages(question), (index,), learned, given)


def _mistaken(truth: GroundTruth, rng: np.random.Generator) -> GroundTruth:
    """The same with its defect in time missed, or with one made up."""
    if truth.temporal is not None:
        return replace(truth, temporal=None)
    return replace(truth, temporal=Defect(str(rng.choice(tuple(TEMPORAL))), rng.uniform()))


def opinion(truth: GroundTruth, still: bool, rng: np.random.Generator) -> dict[str, float]:
    """What an untaught judge says: generous, on a squeezed scale, one dimension coloured by the other, and noisy."""
    exact = quality(truth)
    spatial, temporal = exact["spatial"], exact["temporal"]
    means = {
        "spatial": 32 + 0.36 * spatial + 0.16 * temporal,
        "temporal": 36 + 0.30 * temporal + 0.20 * spatial,
        "alignment": 46 + 0.40 * exact.get("alignment", 0.0) + 0.08 * spatial,
        "quality": 35 + 0.50 * (spatial if still else 0.7 * spatial + 0.3 * temporal),
    }
    return {key: round(float(np.clip(mean + rng.normal(0, 7), 0, 100))) for key, mean in means.items()}


def _compare(truths: tuple[GroundTruth, GroundTruth], prompt: str | None, rng: np.random.Generator) -> Exercise:
    order = _either_order(rng)
    a, b = (truths[i] for i in order)
    margin = overall(a) - overall(b)
    chosen: Choice = "A" if margin + 5 + rng.normal(0, 12) > 0 else "B"  # partial to the first clip, as many judges are
    question = Question("compare", (Clip("a", prompt), Clip("b", prompt)))
    reasoning = " ".join(
        f"{name}: {_verdict(_roughly(truth, rng), prompt, rng)}" for name, truth in (("A", a), ("B", b))
    )
    return Exercise(
        BRIEF.messages(question), order, _think(reasoning, BRIEF.format_answer(question, Preference(chosen)))
    )


def _verdict(truth: GroundTruth, prompt: str | None, rng: np.random.Generator) -> str:
    parts = [describe.say_spatial(truth.spatial, rng), describe.say_temporal(truth.temporal, rng)]
    if prompt is not None:
        parts.append(describe.say_alignment(truth.claim, truth.facts))
    return " ".join(parts)


def _yes_no(index: int, truth: GroundTruth, still: bool, rng: np.random.Generator) -> Exercise:
    text, yes, reasoning = ask(truth, rng, still=still)
    question = Question("yesno", (Clip(""),), text)
    return Exercise(BRIEF.messages(question), (index,), _think(reasoning, BRIEF.format_answer(question, Verdict(yes))))
