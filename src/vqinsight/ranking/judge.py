"""Judging pairs: every pair is asked in both orders, and only two equal verdicts make a preference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.vision import EncodedClip
from vqinsight.ranking.votes import majority_choice
from vqinsight.results import Reply
from vqinsight.tasks.types import Clip, Preference, Question

_CHUNK = 32  # questions between progress reports, at least


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

    Questions that show the same clip first are asked together: their prompts begin alike (``assessor.prefill``).

    Args:
        pairs: indices into ``clips``; the first is Video A in the forward question.
        on_progress: called with (pairs done, all pairs).
    """
    replies: dict[tuple[int, int], tuple[Reply, ...]] = {}
    waiting: list[tuple[int, int]] = []
    orders = sorted({order for i, j in pairs for order in ((i, j), (j, i))})  # questions with one first clip together
    for place, (first, second) in enumerate(orders):
        waiting.append((first, second))
        if place + 1 < len(orders) and (len(waiting) < _CHUNK or orders[place + 1][0] == first):
            continue
        shown = [(clips[a], clips[b]) for a, b in waiting]
        asked = [(_question(pair, prompt), pair) for pair in shown]
        said = assessor.ask(asked, samples=samples, temperature=temperature, seed=seed)
        replies.update(zip(waiting, said, strict=True))
        waiting = []
        if on_progress is not None:
            on_progress(sum((i, j) in replies and (j, i) in replies for i, j in pairs), len(pairs))
    return [judgement(replies[i, j], replies[j, i]) for i, j in pairs]


def _question(pair: tuple[EncodedClip, EncodedClip], prompt: str | None) -> Question:
    first, second = (Clip(clip.processed.path, prompt) for clip in pair)
    return Question("compare", (first, second))


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
