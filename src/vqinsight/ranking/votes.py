"""Several replies to one question: what most of them say, and why some say nothing."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import multimode
from typing import TypeVar

from vqinsight.results import Reply
from vqinsight.tasks.types import Choice

Vote = TypeVar("Vote")


def majority(votes: Iterable[Vote], draw: Vote | None) -> Vote | None:
    """The most frequent vote, ``draw`` where several are, ``None`` without votes."""
    modes = multimode(votes)
    return None if not modes else modes[0] if len(modes) == 1 else draw


def majority_choice(replies: Iterable[Reply]) -> Choice | None:
    """The choice of most replies to a comparison; a draw is a tie."""
    choices: list[Choice] = [reply.value for reply in replies if isinstance(reply.value, str)]
    return majority(choices, "tie")


def majority_verdict(replies: Iterable[Reply]) -> bool | None:
    """Yes or no as most replies say; a draw is no answer."""
    return majority([reply.value for reply in replies if isinstance(reply.value, bool)], None)


def missing_reasons(replies: Iterable[Reply]) -> str:
    """Why replies have no value, each reason once, joined by ``"; "``; empty where all have one."""
    return "; ".join(sorted({reply.missing for reply in replies if reply.missing}))
