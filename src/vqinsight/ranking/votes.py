"""Majority votes over several replies to one question, and the reasons of missing values."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import multimode
from typing import TypeVar

from vqinsight.results import Reply
from vqinsight.tasks.types import Choice

Vote = TypeVar("Vote")


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


def missing_reasons(replies: Iterable[Reply]) -> str:
    """The distinct reasons of replies without a value, joined by ``"; "``; empty where all have one."""
    return "; ".join(sorted({reply.missing for reply in replies if reply.missing}))
