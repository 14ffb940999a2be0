"""The basic types: clips, questions about clips, and answers.

They are plain frozen objects without torch, shared by rewards, datasets and evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Choice = Literal["A", "B", "tie"]
TaskName = Literal["image", "natural", "generated", "alignment", "compare", "yesno"]


@dataclass(frozen=True)
class Dimension:
    """One axis of quality with its scale. Higher is always better.

    Attributes:
        key: the name used in answers and results, e.g. ``"spatial"``.
        low, high: the range (inclusive).
        meaning: one phrase for prompts and reports.
        decimals: number of decimals in answers.
    """

    key: str
    low: float
    high: float
    meaning: str
    decimals: int = 2


SPATIAL = "sharp, clean and well-formed frames"
TEMPORAL = "smooth and consistent motion"
ALIGNMENT = "agreement with the text prompt"


def percent(key: str, meaning: str, decimals: int = 2) -> Dimension:
    """A dimension from 0 to 100."""
    return Dimension(key, 0.0, 100.0, meaning, decimals)


@dataclass(frozen=True)
class Clip:
    """One video or image: a file, or a folder of frames, with the text it was generated from, if any."""

    path: str
    prompt: str | None = None


@dataclass(frozen=True)
class Missing:
    """No usable answer: ``reason`` says what is wrong with the completion."""

    reason: str


@dataclass(frozen=True)
class Score:
    """Values by dimension key, on each dimension's own scale.

    Attributes:
        values: of the dimensions that have one.
        missing: of every other dimension that was asked for, why it has none; empty in a label.
    """

    values: dict[str, float]
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def by_dimension(self) -> dict[str, float | Missing]:
        """Of every dimension its value, or that it is missing."""
        return {**self.values, **{key: Missing(reason) for key, reason in self.missing.items()}}


@dataclass(frozen=True)
class Preference:
    """The clip chosen out of two, or a tie."""

    choice: Choice

    def swap(self) -> Preference:
        """The same preference with the clips exchanged."""
        swapped: dict[Choice, Choice] = {"A": "B", "B": "A", "tie": "tie"}
        return Preference(swapped[self.choice])


@dataclass(frozen=True)
class Verdict:
    """The answer to a yes/no question."""

    yes: bool


Answer = Score | Preference | Verdict


@dataclass(frozen=True)
class Question:
    """A question to the assessor: a task, its clips in order, and for yes/no the question's text.

    Attributes:
        task: selects the wording and the parser (``tasks.prompt_set``).
        clips: one clip, or two for ``compare`` (the first is Video A).
        text: the yes/no question; ``None`` for every other task.
    """

    task: TaskName
    clips: tuple[Clip, ...]
    text: str | None = None

    def __post_init__(self) -> None:
        wanted = 2 if self.task == "compare" else 1
        if len(self.clips) != wanted:
            raise ValueError(f"task {self.task!r} takes {wanted} clip(s), got {len(self.clips)}")
        if (self.task == "yesno") != (self.text is not None):
            raise ValueError("a question text goes with task 'yesno' and with no other")
        if self.task == "alignment" and not (self.clips[0].prompt or "").strip():
            raise ValueError("task 'alignment' needs the text of the clip")


@dataclass(frozen=True)
class Example:
    """A labelled question of a dataset.

    Attributes:
        id: unique within its dataset; predictions are joined on it.
        question: with the clips in the dataset's order.
        answer: the human label, scores on the dataset's scale.
        scale: lowest and highest possible score of the dataset; ``None`` for choices and verdicts.
        group: key of examples that a split keeps together (a prompt, a content), or ``None``.
        source: of the clips (a generator's name, or a pair of names), for breakdowns; ``None`` if unknown.
    """

    id: str
    question: Question
    answer: Answer
    scale: tuple[float, float] | None = None
    group: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.answer, Score) != (self.scale is not None):
            raise ValueError(f"{self.id}: a scale goes with scores and with nothing else")
