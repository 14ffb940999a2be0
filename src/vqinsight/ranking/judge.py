"""Judging pairs: every pair is asked in both orders, and only two equal verdicts make a preference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.vision import EncodedClip
from vqinsight.ranking.votes import majority_choice
from vqinsight.results import Reply
from vqinsight.tasks.types import Clip, Preference, Question


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
) -> list[Judgement]:
    """Judge pairs of encoded clips in both orders; no clip is encoded again.

    All questions are asked together: those that show the same clip first begin alike (``assessor.prefill``).

    Args:
        pairs: indices into ``clips``; the first is Video A in the forward question.
    """
    orders = list(dict.fromkeys(both_orders(pairs)))
    shown = [(clips[a], clips[b]) for a, b in orders]
    asked = [(_question(pair, prompt), pair) for pair in shown]
    replies = assessor.ask(asked, samples=samples, temperature=temperature, seed=seed)
    said = dict(zip(orders, replies, strict=True))
    return [judgement(said[i, j], said[j, i]) for i, j in pairs]


def both_orders(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """(i, j), then (j, i), of each pair."""
    return [order for i, j in pairs for order in ((i, j), (j, i))]


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
