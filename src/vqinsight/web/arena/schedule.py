"""Which pair a rater sees next: fewest votes first, then the least certain; and which clip stands left."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from vqinsight.ranking.tally import Outcome, bradley_terry
from vqinsight.tasks.types import Preference
from vqinsight.web.arena.votes import Pair, Vote


def next_pair(
    pairs: Sequence[Pair],
    prompts: Mapping[str, str | None],
    present: Sequence[Vote],
    rater: int,
    held: Collection[str] = (),
) -> Pair | None:
    """The pair that a rater sees next; ``None`` when none is left.

    Of the pairs with the fewest votes (skips are none) the one whose outcome is least certain: p (1 - p) is largest,
    where p is the probability by the Bradley-Terry strengths of its prompt's clips. What is equal comes in an order of
    the rater's own, so that raters who vote at once get different pairs.

    Args:
        prompts: by clip.
        present: what counts, of all raters.
        held: pairs that the rater has before the eyes or in another tab.
    """
    done = {vote.pair for vote in present if vote.rater == rater} | set(held)
    open_pairs = [pair for pair in pairs if pair.id not in done]
    if not open_pairs:
        return None
    votes = Counter(vote.pair for vote in present if vote.said != "skip")
    fewest = min(votes[pair.id] for pair in open_pairs)
    rarest = [pair for pair in open_pairs if votes[pair.id] == fewest]
    certain = {prompt: _strengths(prompt, pairs, prompts, present) for prompt in {prompts[pair.a] for pair in rarest}}

    def margin(pair: Pair) -> float:
        """Distance of the strengths, with which p (1 - p) falls."""
        strengths = certain[prompts[pair.a]]
        return abs(strengths[pair.a] - strengths[pair.b])

    return min(rarest, key=lambda pair: (margin(pair), _lot(rater, pair.id)))


def is_swapped(pair: Pair, present: Sequence[Vote], rater: int) -> bool:
    """Whether the pair's clip ``b`` stands left: as fewer raters have seen it, else by lot."""
    sides = Counter(vote.swapped for vote in present if vote.pair == pair.id)
    if sides[True] != sides[False]:
        return sides[True] < sides[False]
    return bool(_lot(rater, pair.id, "side")[0] & 1)


def outcomes(votes: Sequence[Vote], pairs: Mapping[str, Pair], number: Mapping[str, int]) -> list[Outcome]:
    """The votes on clips of ``number`` (their places by id) as outcomes for ``ranking.tally``."""
    found: list[Outcome] = []
    for vote in votes:
        pair, choice = pairs.get(vote.pair), vote.choice
        if pair is not None and choice is not None and pair.a in number:
            found.append((number[pair.a], number[pair.b], Preference(choice)))
    return found


def _strengths(
    prompt: str | None, pairs: Sequence[Pair], prompts: Mapping[str, str | None], present: Sequence[Vote]
) -> dict[str, float]:
    own = {pair.id: pair for pair in pairs if prompts[pair.a] == prompt}
    number = {clip: i for i, clip in enumerate(sorted({clip for pair in own.values() for clip in (pair.a, pair.b)}))}
    strengths = bradley_terry(len(number), outcomes(present, own, number))
    return {clip: float(strengths[i]) for clip, i in number.items()}


def _lot(*of: object) -> bytes:
    return hashlib.sha256(repr(of).encode()).digest()
