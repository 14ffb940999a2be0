"""Candidates by their scores: N questions instead of N (N - 1), for assessors that score better than they compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.vision import EncodedClip
from vqinsight.results import Reply
from vqinsight.tasks.types import Clip, Dimension, Missing, Question

NO_ANSWER = "no usable answer"


def comparable_scores(answers: Sequence[Sequence[dict[str, float]]]) -> list[float | Missing]:
    """Each clip's overall on 0–100: the mean over its dimensions of the mean over the samples that have it.

    The mean instead of the median of records: answers are integers, and medians of integers are often equal.

    Scores of different dimensions do not compare: only clips with the dimensions that most clips have, and of as many
    the larger set, have one. ``Missing`` says why another has none.

    Args:
        answers: from ``answered_scores``.
    """
    means = [_means(of) for of in answers]
    sets = Counter(tuple(mean) for mean in means if mean)
    if not sets:
        return [Missing(NO_ANSWER) for _ in means]
    usual = max(sets, key=lambda keys: (sets[keys], len(keys)))
    found: list[float | Missing] = []
    for mean in means:
        if tuple(mean) == usual:
            found.append(round(float(np.mean(list(mean.values()))), 9))  # one ulp of difference is a tie
        elif not mean:
            found.append(Missing(NO_ANSWER))
        else:
            found.append(Missing(f"scored on {', '.join(mean)}, and most candidates on {', '.join(usual)}"))
    return found


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


def _means(answers: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of each dimension that an answer has, by name, so that equal sets are equal tuples of keys."""
    keys = sorted({key for answer in answers for key in answer})
    return {key: float(np.mean([answer[key] for answer in answers if key in answer])) for key in keys}


def _on_one_scale(dimensions: Sequence[Dimension], replies: Sequence[Reply]) -> list[dict[str, float]]:
    given = [reply.value for reply in replies if isinstance(reply.value, dict)]
    return [
        {d.key: 100 * (value[d.key] - d.low) / (d.high - d.low) for d in dimensions if d.key in value}
        for value in given
    ]
