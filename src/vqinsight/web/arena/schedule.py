"""Which pair a rater sees next: fewest votes first, then the least certain; and which clip stands left."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from vqinsight.ranking.tally import Outcome, bradley_terry
from vqinsight.tasks.types import Preference
from vqinsight.web.arena.votes import Pair, Vote

_MOST_PROMPTS = 32  # whose strengths are fitted for one pair


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
    the rater's own, so that raters who vote at once get different pairs. Of many prompts a rater's own draw of some is
    looked at, as each takes a fit.

    Args:
        prompts: by clip.
        present: what counts, of all raters.
        held: pairs that the rater sees, in this tab or another.
    """
    done = {vote.pair for vote in present if vote.rater == rater} | set(held)
    open_pairs = [pair for pair in pairs if pair.id not in done]
    if not open_pairs:
        return None
    votes = Counter(vote.pair for vote in present if vote.said != "skip")
    fewest = min(votes[pair.id] for pair in open_pairs)
    rarest = [pair for pair in open_pairs if votes[pair.id] == fewest]
    drawn = sorted({prompts[pair.a] for pair in rarest}, key=lambda prompt: _draw(rater, prompt))[:_MOST_PROMPTS]
    strengths = _strengths(drawn, pairs, prompts, present)

    def margin(pair: Pair) -> float:
        """Distance of the strengths, with which p (1 - p) falls."""
        return abs(strengths[pair.a] - strengths[pair.b])

    among = [pair for pair in rarest if pair.a in strengths]
    return min(among, key=lambda pair: (margin(pair), _draw(rater, pair.id)))


def is_swapped(pair: Pair, present: Sequence[Vote], rater: int) -> bool:
    """Whether the pair's clip ``b`` stands left: as fewer raters have seen it; where as many have, at random."""
    sides = Counter(vote.swapped for vote in present if vote.pair == pair.id)
    if sides[True] != sides[False]:
        return sides[True] < sides[False]
    return bool(_draw(rater, pair.id, "side")[0] & 1)


def outcomes(votes: Sequence[Vote], pairs: Mapping[str, Pair], number: Mapping[str, int]) -> list[Outcome]:
    """The votes on clips of ``number`` (their places by id) as outcomes for ``ranking.tally``."""
    found: list[Outcome] = []
    for vote in votes:
        pair, choice = pairs.get(vote.pair), vote.choice
        if pair is not None and choice is not None and pair.a in number:
            found.append((number[pair.a], number[pair.b], Preference(choice)))
    return found


def _strengths(
    drawn: Collection[str | None], pairs: Sequence[Pair], prompts: Mapping[str, str | None], present: Sequence[Vote]
) -> dict[str, float]:
    """Bradley-Terry strengths of the clips of these prompts, each prompt by itself."""
    own: dict[str | None, dict[str, Pair]] = {prompt: {} for prompt in drawn}
    for pair in pairs:
        if prompts[pair.a] in own:
            own[prompts[pair.a]][pair.id] = pair
    given: dict[str, list[Vote]] = {}
    for vote in present:
        given.setdefault(vote.pair, []).append(vote)
    found: dict[str, float] = {}
    for of in own.values():
        clips = sorted({clip for pair in of.values() for clip in (pair.a, pair.b)})
        number = {clip: i for i, clip in enumerate(clips)}
        votes = [vote for key in of for vote in given.get(key, ())]
        fitted = bradley_terry(len(clips), outcomes(votes, of, number))
        found.update((clip, float(fitted[i])) for clip, i in number.items())
    return found


def _draw(*of: object) -> bytes:
    return hashlib.sha256(repr(of).encode()).digest()
