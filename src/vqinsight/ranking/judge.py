"""Judging pairs: every pair is asked in both orders, and only two equal verdicts make a preference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.vision import EncodedClip
from vqinsight.ranking.votes import majority_choice
from vqinsight.results import Reply
from vqinsight.tasks.types import Clip, Preference, Question

_CHUNK = 16  # pairs between progress reports


@dataclass(frozen=True)
class Judgement:
    """One pair, judged.

    Attributes:
        verdict: the clip both orders name, a tie when they differ, ``None`` when an order has no answer.
        consistent: whether both orders agree; ``None`` without a verdict.
        forward: replies to (a, b).
        swapped: replies to (b, a), in which "A" is the second clip.
    """

    verdict: Preference | None
    consistent: bool | None
    forward: tuple[Reply, ...]
    swapped: tuple[Reply, ...]


def judge_pairs(
    assessor: Assessor,
    clips: Sequence[EncodedClip],
    pairs: Sequence[tuple[int, int]],
    prompt: str | None,
    *,
    samples: int = 1,
    temperature: float = 0.0,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Judgement]:
    """Judge pairs of encoded clips in both orders; no clip is encoded again.

    Args:
        pairs: indices into ``clips``; the first is Video A in the forward question.
        on_progress: called with (pairs done, all pairs).
    """
    judged: list[Judgement] = []
    for start in range(0, len(pairs), _CHUNK):
        asked = []
        for i, j in pairs[start : start + _CHUNK]:
            for a, b in ((clips[i], clips[j]), (clips[j], clips[i])):
                question = Question("compare", (Clip(a.processed.path, prompt), Clip(b.processed.path, prompt)))
                asked.append((question, (a, b)))
        replies = assessor.ask(asked, samples=samples, temperature=temperature, seed=seed)
        judged += [judgement(forward, swapped) for forward, swapped in zip(replies[::2], replies[1::2], strict=True)]
        if on_progress is not None:
            on_progress(len(judged), len(pairs))
    return judged


def judgement(forward: tuple[Reply, ...], swapped: tuple[Reply, ...]) -> Judgement:
    """A pair from the replies to both orders; in ``swapped`` "A" is the second clip."""
    first, second = _preference(forward), _preference(swapped)
    if first is None or second is None:
        return Judgement(None, None, forward, swapped)
    agreed = first == second.swap()
    return Judgement(first if agreed else Preference("tie"), agreed, forward, swapped)


def _preference(replies: Sequence[Reply]) -> Preference | None:
    choice = majority_choice(replies)
    return None if choice is None else Preference(choice)
