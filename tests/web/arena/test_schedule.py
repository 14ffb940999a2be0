"""Which pair comes next, and which clip stands left."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, count

import pytest

from vqinsight.tasks.types import Choice
from vqinsight.web.arena.schedule import is_swapped, next_pair, outcomes
from vqinsight.web.arena.votes import Pair, Said, Vote

CLIPS = ("a", "b", "c", "d")
PAIRS = [Pair.of(*clips) for clips in combinations(CLIPS, 2)]
PROMPTS: dict[str, str | None] = dict.fromkeys(CLIPS, "a cat")
_number = count()


def said(pair: Pair, choice: Choice | Said, rater: int = 1, *, swapped: bool = False) -> Vote:
    """A vote on a pair; "A" is its first clip, wherever it stands."""
    side: Said = choice  # type: ignore[assignment]
    if choice in ("A", "B"):
        side = "left" if (choice == "A") != swapped else "right"
    return Vote(str(next(_number)), rater, pair.id, side, swapped, "", 0)


def test_pairs_with_the_fewest_votes_come_first() -> None:
    present = [said(pair, "A", rater) for pair in PAIRS for rater in (2, 3) if (pair, rater) != (PAIRS[4], 3)]
    assert next_pair(PAIRS, PROMPTS, present, 1) == PAIRS[4]
    skipped = [*present, said(PAIRS[4], "skip", 3)]
    assert next_pair(PAIRS, PROMPTS, skipped, 1) == PAIRS[4], "a skip is no vote"
    decided = [*present, said(PAIRS[4], "both_bad", 3), *(said(pair, "A", 4) for pair in PAIRS if pair != PAIRS[0])]
    assert next_pair(PAIRS, PROMPTS, decided, 1) == PAIRS[0]


@pytest.mark.parametrize("rater", range(5, 15))
def test_of_these_the_least_certain(rater: int) -> None:
    """a beats b, c and d; c beats d; b ties with c and loses to d: every strength but those of b and d is far apart."""
    ordered: list[tuple[str, str, Choice]] = [
        ("a", "b", "A"), ("a", "c", "A"), ("a", "d", "A"), ("c", "d", "A"), ("b", "c", "B"), ("b", "d", "tie"),
    ]  # fmt: skip
    present = [said(Pair.of(x, y), choice, 1) for x, y, choice in ordered]
    assert next_pair(PAIRS, PROMPTS, present, rater) == Pair.of("b", "d")


def test_raters_who_begin_at_once_get_different_pairs() -> None:
    first = Counter(next_pair(PAIRS, PROMPTS, [], rater) for rater in range(60))
    assert len(first) == len(PAIRS) and max(first.values()) < 30


def test_no_pair_twice() -> None:
    present = [said(pair, "skip") for pair in PAIRS[:-1]]
    assert next_pair(PAIRS, PROMPTS, present, 1) == PAIRS[-1]
    assert next_pair(PAIRS, PROMPTS, present, 1, [PAIRS[-1].id]) is None
    assert next_pair(PAIRS, PROMPTS, present, 2) is not None


def test_strengths_are_of_one_prompt() -> None:
    """Votes on a pair of another prompt decide nothing here."""
    pairs = [Pair.of("a", "b"), Pair.of("c", "d")]
    prompts: dict[str, str | None] = {"a": "cat", "b": "cat", "c": None, "d": None}
    present = [said(pairs[0], "A", 2), said(pairs[1], "tie", 2)]
    assert {next_pair(pairs, prompts, present, rater) for rater in range(5, 25)} == {pairs[1]}


def test_of_many_prompts_some_are_looked_at() -> None:
    """A thousand prompts with a vote each: each rater gets an undecided pair, and soon."""
    pairs = [Pair.of(f"x{i}", f"y{i}") for i in range(1000)]
    prompts: dict[str, str | None] = {clip: f"{int(clip[1:])}" for pair in pairs for clip in (pair.a, pair.b)}
    present = [said(pair, "tie" if i % 2 else "A", 1) for i, pair in enumerate(pairs)]
    found = {rater: next_pair(pairs, prompts, present, rater) for rater in range(2, 22)}
    assert all(pair is not None and int(pair.a[1:]) % 2 for pair in found.values())
    assert len({pair.id for pair in found.values() if pair}) > 10


def test_sides_are_balanced() -> None:
    """Of every pair each side is taken in turn, and over pairs both are as frequent."""
    present: list[Vote] = []
    for rater in range(20):
        for pair in PAIRS:
            present.append(said(pair, "A", rater, swapped=is_swapped(pair, present, rater)))
    assert all(sum(vote.swapped for vote in present if vote.pair == pair.id) == 10 for pair in PAIRS)
    many = [Pair.of(f"x{i}", f"y{i}") for i in range(400)]
    assert 150 < sum(is_swapped(pair, [], 1) for pair in many) < 250
    assert [is_swapped(pair, [], 1) for pair in many] == [is_swapped(pair, [], 1) for pair in many], "after a reload"


def test_outcomes_name_clips_not_sides() -> None:
    number = {clip: i for i, clip in enumerate(CLIPS)}
    votes = [said(PAIRS[0], "A"), said(PAIRS[0], "A", swapped=True), said(PAIRS[0], "skip"), said(PAIRS[0], "tie")]
    found = outcomes(votes, {PAIRS[0].id: PAIRS[0]}, number)
    assert [(i, j, preference.choice) for i, j, preference in found if preference] == [
        (0, 1, "A"), (0, 1, "A"), (0, 1, "tie"),
    ]  # fmt: skip
