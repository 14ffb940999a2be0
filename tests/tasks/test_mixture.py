"""The mixture is one fixed sequence: seeded, in the asked shares, every example before any comes again."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqinsight.tasks.mixture import Mixture, Share, swapped
from vqinsight.tasks.types import Clip, Example, Preference, Question, Verdict


def _examples(name: str, count: int) -> list[Example]:
    return [Example(f"{name}{i}", Question("yesno", (Clip("x"),), "?"), Verdict(True)) for i in range(count)]


def _pair(name: str) -> Example:
    return Example(name, Question("compare", (Clip("a"), Clip("b"))), Preference("A"))


def test_shares() -> None:
    mixture = Mixture([Share(_examples("a", 7), 3.0), Share(_examples("b", 5), 1.0)], 4000, seed=1)
    drawn = Counter(mixture[i].id[0] for i in range(4000))
    assert 2850 < drawn["a"] < 3150


@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 5))
def test_no_example_comes_again_before_all_have_come(count: int, length: int, seed: int) -> None:
    mixture = Mixture([Share(_examples("a", count), 1.0)], length, seed)
    seen = Counter(mixture[i].id for i in range(length))
    assert max(seen.values()) - (min(seen.values()) if len(seen) == count else 0) <= 1


def test_any_position_alone_is_what_it_is_in_order() -> None:
    shares = [Share(_examples("a", 11), 1.0), Share([_pair(f"p{i}") for i in range(13)], 2.0)]
    first = Mixture(shares, 200, seed=3)
    straight = [first[i] for i in range(200)]
    again = Mixture(shares, 200, seed=3)
    assert [again[i] for i in reversed(range(200))] == straight[::-1]
    assert [Mixture(shares, 200, seed=4)[i] for i in range(200)] != straight


def test_each_pair_comes_twice_running_once_in_each_order() -> None:
    mixture = Mixture([Share([_pair(f"p{i}") for i in range(9)], 1.0), Share(_examples("a", 7), 1.0)], 900, seed=0)
    shown = [m for m in (mixture[i] for i in range(900)) if isinstance(m.answer, Preference)]
    for first, second in zip(shown[0::2], shown[1::2], strict=False):
        assert second == swapped(first)
    firsts = Counter(m.question.clips[0].path for m in shown[0::2])
    assert min(firsts.values()) > 80  # which order comes first is a coin's
    assert Counter(m.id for m in shown[:18]) == {f"p{i}": 2 for i in range(9)}
    assert swapped(swapped(_pair("p"))) == _pair("p")


def test_a_pair_in_the_other_order_has_the_other_label_by_hand() -> None:
    pair = Example("p", Question("compare", (Clip("good.mp4", "a cat"), Clip("bad.mp4", "a cat"))), Preference("A"))
    other = swapped(pair)
    assert [clip.path for clip in other.question.clips] == ["bad.mp4", "good.mp4"]
    assert other.answer == Preference("B") and other.id == "p"
    tie = Example("t", pair.question, Preference("tie"))
    assert swapped(tie).answer == Preference("tie")
    shown = [Mixture([Share([pair], 1.0)], 20, seed=0)[i] for i in range(20)]
    for each in shown:  # whichever comes first, the label names the better clip
        assert each.question.clips["AB".index(each.answer.choice)].path == "good.mp4"  # type: ignore[union-attr]
    assert {each.answer for each in shown} == {Preference("A"), Preference("B")}


def test_empty_shares_are_refused() -> None:
    for shares in ([], [Share([], 1.0)], [Share(_examples("a", 1), 0.0)]):
        with pytest.raises(ValueError, match="mixture"):
            Mixture(shares, 3, 0)
