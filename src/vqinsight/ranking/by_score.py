"""Candidates by their scores: N questions instead of N (N - 1), for assessors that score better than they compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.vision import EncodedClip
from vqinsight.results import Reply
from vqinsight.tasks.types import Clip, Dimension, Question


def mean_scores(answers: Sequence[Sequence[dict[str, float]]]) -> list[float | None]:
    """Each clip's overall on 0–100: the mean over its dimensions and its samples; ``None`` without a usable answer.

    The mean instead of the median of records: answers are integers, and medians of integers are often equal.

    Args:
        answers: from ``answered_scores``.
    """
    each = ([score for answer in of for score in answer.values()] for of in answers)
    return [float(np.mean(scores)) if scores else None for scores in each]


def answered_scores(
    assessor: Assessor,
    clips: Sequence[EncodedClip],
    prompt: str,
    *,
    samples: int = 1,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[list[dict[str, float]]]:
    """Each clip's usable answers, each with its dimensions on 0–100."""
    questions = [Question("generated", (Clip(clip.processed.path, prompt),)) for clip in clips]
    asked = [(question, (clip,)) for question, clip in zip(questions, clips, strict=True)]
    replies = assessor.ask(asked, samples=samples, temperature=temperature, seed=seed)
    return [
        _on_one_scale(assessor.prompt_set.dimensions(question), said)
        for question, said in zip(questions, replies, strict=True)
    ]


def best_and_worst_score(scores: Sequence[float | None]) -> tuple[int, int] | None:
    """Indices of the highest and the lowest score, the first of equals; ``None`` where all scores are equal."""
    places = [place for place, score in enumerate(scores) if score is not None]
    known = np.array([score for score in scores if score is not None])
    if known.size < 2 or np.ptp(known) == 0:
        return None
    return places[int(known.argmax())], places[int(known.argmin())]


def _on_one_scale(dimensions: Sequence[Dimension], replies: Sequence[Reply]) -> list[dict[str, float]]:
    given = [reply.value for reply in replies if isinstance(reply.value, dict)]
    return [{d.key: 100 * (value[d.key] - d.low) / (d.high - d.low) for d in dimensions} for value in given]
