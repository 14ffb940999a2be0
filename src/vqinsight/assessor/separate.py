"""Replies to questions that are asked separately, as one reply (``tasks.separate``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from vqinsight.results import Reply, Tokens
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.separate import NOT_UNDERSTOOD, parts
from vqinsight.tasks.types import Question

About = TypeVar("About")


def divided(asked: PromptSet, questions: Sequence[tuple[Question, About]]) -> list[tuple[Question, About]]:
    """The questions that are really asked, in order, each with what its question is about."""
    return [(part, about) for question, about in questions for part in parts(asked, question)]


def joined(
    asked: PromptSet, questions: Sequence[tuple[Question, About]], replies: Sequence[tuple[Reply, ...]]
) -> list[tuple[Reply, ...]]:
    """The replies to ``divided(asked, questions)`` as the replies to ``questions``."""
    waiting = iter(replies)
    return [_of_one(asked, question, waiting) for question, _ in questions]


def _of_one(asked: PromptSet, question: Question, waiting: Iterator[tuple[Reply, ...]]) -> tuple[Reply, ...]:
    divided_in = parts(asked, question)
    said = [next(waiting) for _ in divided_in]
    covered = {dimension.key for part in divided_in for dimension in asked.dimensions(part)}
    left_out = {each.key: NOT_UNDERSTOOD for each in asked.dimensions(question) if each.key not in covered}
    if len(said) == 1 and not left_out:
        return said[0]
    return tuple(_join(asked, divided_in, sample, left_out) for sample in zip(*said, strict=True))


def _join(asked: PromptSet, questions: Sequence[Question], replies: Sequence[Reply], left_out: dict[str, str]) -> Reply:
    values: dict[str, float] = {}
    missing = dict(left_out)
    for question, reply in zip(questions, replies, strict=True):
        if isinstance(reply.value, dict):
            values |= reply.value
            missing |= reply.missing_dimensions
        else:
            missing |= {each.key: reply.missing or "no answer" for each in asked.dimensions(question)}
    counted = [reply.tokens for reply in replies if reply.tokens is not None]
    return Reply(
        text="\n".join(reply.text for reply in replies),
        reasoning=" ".join(reply.reasoning for reply in replies if reply.reasoning),
        value=values or None,
        missing=None if values else "; ".join(dict.fromkeys(reply.missing or "no answer" for reply in replies)),
        tokens=sum(counted, Tokens(0, 0)) if counted else None,
        missing_dimensions=missing if values else {},
    )
