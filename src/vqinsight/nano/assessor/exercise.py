"""An exercise: one question with the answer to learn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Exercise:
    """One question about some of a lesson's clips, and the answer to learn.

    Attributes:
        messages: the question in chat form.
        clips: indices of the lesson's clips, in order; none for text alone.
        answer: the completion, or the part that is trained on.
        given: the beginning of the completion that carries no loss.
        measured: whether the question states what is measured.
    """

    messages: list[dict[str, Any]]
    clips: tuple[int, ...]
    answer: str
    given: str = ""
    measured: bool = False


def without_clips(exercise: Exercise, told: str | None = None) -> Exercise:
    """The exercise with nothing in the place of its clips, or what is measured of the only one."""
    instead = [{"type": "text", "text": told}] if told is not None else []
    messages = [
        message
        | {"content": [new for item in message["content"] for new in (instead if item["type"] == "clip" else [item])]}
        for message in exercise.messages
    ]
    return replace(exercise, messages=messages, clips=(), measured=False)
