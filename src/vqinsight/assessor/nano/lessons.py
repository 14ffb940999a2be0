"""Lessons for the embedded model: clips of the embedded world with questions and the answers to learn.

Two stages. ``perception``: one terse line, one word an attribute, nothing random in the answer; the other way round the
wording drowns the signal. ``conversation``: the five tasks in the think/answer form with free wording. The reasoning
tells the truth, but the *opinion* that follows (scores, choices) is weak and biased on purpose, as a general model's
is: to make it right is the work of reinforcement learning, which is never shown the exact scores as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vqinsight.tasks.prompts import BRIEF, clean
from vqinsight.tasks.types import Choice, Clip, Preference, Question, Score, Verdict
from vqinsight.world import describe
from vqinsight.world.ask import ask
from vqinsight.world.draw import Split, WorldClip, draw_siblings, overall, without_prompt

Stage = Literal["perception", "conversation"]


@dataclass(frozen=True)
class Exercise:
    """One question about some of a lesson's clips, and the answer to learn.

    Attributes:
        messages: the question in chat form.
        clips: which of the lesson's clips it is about, in order.
        answer: the whole completion.
    """

    messages: list[dict[str, Any]]
    clips: tuple[int, ...]
    answer: str


@dataclass(frozen=True)
class Lesson:
    """Two clips made from one text (or none), whether they are shown as still images, and the exercises about them."""

    clips: tuple[WorldClip, ...]
    still: bool
    exercises: tuple[Exercise, ...]


def describe_messages(prompt: str | None) -> list[dict[str, Any]]:
    """The question behind the terse line; not one of the five tasks, only a lesson and an exam."""
    text = "Describe." + (f" Text: {clean(prompt)}" if prompt else "")
    return [
        {"role": "system", "content": [{"type": "text", "text": BRIEF.system}]},
        {"role": "user", "content": [{"type": "clip", "index": 0}, {"type": "text", "text": text}]},
    ]


def lesson(seed: int, stage: Stage, split: Split = "train") -> Lesson:
    """The lesson with that number: always the same for the same arguments."""
    rng = np.random.default_rng((7, seed))
    still = rng.random() < 0.12
    clips = tuple(draw_siblings(seed, 2, split, prompt=False if still else None))
    if stage == "perception":
        exercises = [_terse(i, clip, still) for i, clip in enumerate(clips)]
    else:
        exercises = []
        for i, clip in enumerate(clips):
            exercises.append(_terse(i, clip, still) if rng.random() < 0.25 else _score(i, clip, still, rng))
            if rng.random() < 0.4:
                exercises.append(_yes_no(i, clip, still, rng))
        if not still and rng.random() < 0.6:
            exercises.append(_compare(clips, rng))
    return Lesson(clips, still, tuple(exercises))


def _terse(index: int, clip: WorldClip, still: bool) -> Exercise:
    return Exercise(describe_messages(clip.prompt), (index,), describe.terse(clip.truth, still=still))


def _think(reasoning: str, answer: str) -> str:
    return f"<think>{reasoning}</think>{answer}"


def _score(index: int, clip: WorldClip, still: bool, rng: np.random.Generator) -> Exercise:
    asked = Clip("", clip.prompt)
    if still:
        question = Question("image", (asked,))
    elif (clip.prompt is None and rng.random() < 0.7) or rng.random() < 0.15:
        clip = without_prompt(clip)
        question = Question("natural", (Clip(""),))
    else:
        question = Question("generated", (asked,))
    keys = [dimension.key for dimension in BRIEF.dimensions(question)]
    said = opinion(clip, still, rng)
    answer = BRIEF.format_answer(question, Score({key: said[key] for key in keys}))
    reasoning = describe.sentences(clip.truth, rng, still=still)
    return Exercise(BRIEF.messages(question), (index,), _think(reasoning, answer))


def opinion(clip: WorldClip, still: bool, rng: np.random.Generator) -> dict[str, float]:
    """What an untaught judge says: generous, on a squeezed scale, one dimension coloured by the other, and noisy."""
    exact = clip.quality
    spatial, temporal = exact["spatial"], exact["temporal"]
    means = {
        "spatial": 32 + 0.36 * spatial + 0.16 * temporal,
        "temporal": 36 + 0.30 * temporal + 0.20 * spatial,
        "alignment": 46 + 0.40 * exact.get("alignment", 0.0) + 0.08 * spatial,
        "quality": 35 + 0.50 * (spatial if still else 0.7 * spatial + 0.3 * temporal),
    }
    return {key: round(float(np.clip(mean + rng.normal(0, 7), 0, 100))) for key, mean in means.items()}


def _compare(clips: tuple[WorldClip, ...], rng: np.random.Generator) -> Exercise:
    order = (0, 1) if rng.random() < 0.5 else (1, 0)
    a, b = (clips[i] for i in order)
    if rng.random() < 0.2:
        a, b = without_prompt(a), without_prompt(b)
    margin = overall(a.truth) - overall(b.truth)
    chosen: Choice = "A" if margin + 5 + rng.normal(0, 12) > 0 else "B"  # partial to the first clip, as many judges are
    question = Question("compare", (Clip("a", a.prompt), Clip("b", b.prompt)))
    reasoning = " ".join(f"{name}: {_verdict(clip, rng)}" for name, clip in (("A", a), ("B", b)))
    return Exercise(
        BRIEF.messages(question), order, _think(reasoning, BRIEF.format_answer(question, Preference(chosen)))
    )


def _verdict(clip: WorldClip, rng: np.random.Generator) -> str:
    parts = [describe.say_spatial(clip.truth.spatial, rng), describe.say_temporal(clip.truth.temporal, rng)]
    if clip.truth.claim is not None:
        parts.append(describe.say_alignment(clip.truth.wrong))
    return " ".join(parts)


def _yes_no(index: int, clip: WorldClip, still: bool, rng: np.random.Generator) -> Exercise:
    text, yes, reasoning = ask(clip, rng, still=still)
    question = Question("yesno", (Clip(""),), text)
    return Exercise(BRIEF.messages(question), (index,), _think(reasoning, BRIEF.format_answer(question, Verdict(yes))))
