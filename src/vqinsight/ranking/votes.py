"""Majority votes over several replies to one question, and the reasons of missing values."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import multimode
from typing import Protocol, TypeVar

from vqinsight.results import Reply
from vqinsight.tasks.types import Choice

Vote = TypeVar("Vote")


class BothOrders(Protocol):
    """A pair that was asked in both orders."""

    @property
    def forward(self) -> tuple[Reply, ...]:
        """Replies to (a, b)."""

    @property
    def swapped(self) -> tuple[Reply, ...]:
        """Replies to (b, a), in which "A" is the second clip."""


def majority(votes: Iterable[Vote], draw: Vote | None) -> Vote | None:
    """The most frequent vote, ``draw`` where several are equally frequent, ``None`` without votes."""
    modes = multimode(votes)
    return None if not modes else modes[0] if len(modes) == 1 else draw


def majority_choice(replies: Iterable[Reply]) -> Choice | None:
    """The majority of replies to a comparison; a draw is a tie."""
    choices: list[Choice] = [reply.value for reply in replies if isinstance(reply.value, str)]
    return majority(choices, "tie")


def majority_verdict(replies: Iterable[Reply]) -> bool | None:
    """The majority of yes/no replies; a draw is no answer."""
    return majority([reply.value for reply in replies if isinstance(reply.value, bool)], None)


def first_choices(pairs: Iterable[BothOrders]) -> float | None:
    """Order bias over all answers that choose a clip: share that choose the clip shown first, minus one half."""
    from vqinsight.ranking.tally import order_bias  # imports scipy, which scoring does not need

    values = [reply.value for pair in pairs for reply in (*pair.forward, *pair.swapped)]
    return order_bias([value == "A" for value in values if value in ("A", "B")])


def missing_reasons(replies: Iterable[Reply]) -> str:
    """The distinct reasons of replies without a value, joined by ``"; "``; empty where all have one."""
    return "; ".join(sorted({reply.missing for reply in replies if reply.missing}))


def missing_dimension(replies: Iterable[Reply], key: str) -> str:
    """The distinct reasons why no reply has a value of this dimension, joined by ``"; "``."""
    reasons = (reply.missing_dimensions.get(key) or reply.missing for reply in replies)
    return "; ".join(sorted({reason for reason in reasons if reason}))
