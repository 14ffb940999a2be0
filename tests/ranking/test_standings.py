"""A ranking from pairs alone, as they lie in a results folder."""

from __future__ import annotations

from itertools import combinations

from helpers import records

from vqinsight.ranking.standings import PairOutcome, find_clips, outcome, place, ranking


def bad_pair(a: str, b: str) -> PairOutcome:
    readable = (not a.startswith("bad"), not b.startswith("bad"))
    errors = [f"{name}: empty" for name, is_readable in zip((a, b), readable, strict=True) if not is_readable]
    return PairOutcome((a, b), readable, None if errors else "A", "unreadable" if errors else "ok", " | ".join(errors))


def test_a_clip_has_its_own_error() -> None:
    """Not that of a pair of two bad clips, wherever that stands."""
    for names in (["a", "bad1", "bad2"], ["bad1", "a", "bad2"], ["bad1", "bad2", "a"]):
        found = {clip.path: clip for clip in find_clips([bad_pair(a, b) for a, b in combinations(names, 2)])}
        assert list(found) == names and (found["a"].status, found["a"].error) == ("ok", None)
        assert [found[name].error for name in ("bad1", "bad2")] == ["bad1: empty", "bad2: empty"]
    (one, two) = find_clips([bad_pair("bad1", "bad2")])
    assert one.error == two.error == "bad1: empty | bad2: empty"


def test_pairs_alone_give_the_places() -> None:
    pairs = records.ranking(["a", "b", "c", "d"]).comparisons
    whole = ranking(None, pairs, records.provenance())
    places, cycles = place(find_clips([outcome(pair) for pair in pairs]), [outcome(pair) for pair in pairs])
    assert [(each.path, each.rank, each.wins, each.strength) for each in places] == [
        (each.path, each.rank, each.wins, each.strength) for each in whole.standings
    ]
    assert not cycles and whole.clips_encoded == 4 and all(each.input is not None for each in whole.standings)
