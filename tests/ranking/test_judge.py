"""Both orders: what survives the swap."""

from __future__ import annotations

import pytest

from vqinsight.ranking.judge import judgement
from vqinsight.ranking.votes import first_choices, majority_choice
from vqinsight.results import Reply
from vqinsight.tasks.types import Preference


def _replies(*values: str | None) -> tuple[Reply, ...]:
    return tuple(Reply("", "", value, None if value else "cut off") for value in values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("forward", "swapped", "verdict", "consistent"),
    [
        ("A", "B", "A", True),  # the first clip both times
        ("B", "A", "B", True),
        ("A", "A", "tie", False),  # whichever is shown first
        ("B", "B", "tie", False),
        ("tie", "tie", "tie", True),
        ("A", "tie", "tie", False),
    ],
)
def test_a_verdict_survives_the_swap_or_is_a_tie(forward: str, swapped: str, verdict: str, consistent: bool) -> None:
    judged = judgement(_replies(forward), _replies(swapped))
    assert judged.verdict == Preference(verdict)  # type: ignore[arg-type]
    assert judged.consistent is consistent


def test_an_order_without_an_answer_gives_no_verdict() -> None:
    judged = judgement(_replies("A"), _replies(None))
    assert judged.verdict is None
    assert judged.consistent is None


def test_majority_by_hand() -> None:
    assert majority_choice(_replies("A", "A", "B")) == "A"
    assert majority_choice(_replies("A", "B")) == "tie"
    assert majority_choice(_replies("A", "tie", "tie")) == "tie"
    assert majority_choice(_replies("A", None, None)) == "A"
    assert majority_choice(_replies(None)) is None


def test_order_bias_counts_every_answer_that_took_a_side() -> None:
    """Two pairs, four answers: first, first, second, and a tie that takes no side: 2/3 - 1/2."""
    pairs = [judgement(_replies("A"), _replies("A")), judgement(_replies("B"), _replies("tie"))]
    assert first_choices(pairs) == pytest.approx(2 / 3 - 1 / 2)
    assert first_choices([]) is None
