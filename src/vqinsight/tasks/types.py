"""The nouns of the project: a clip, a question about clips, and what can come back as an answer.

Nothing here imports torch: rewards, datasets and evaluation work on these plain frozen objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Choice = Literal["A", "B", "tie"]
TaskName = Literal["image", "natural", "generated", "compare", "yesno"]


@dataclass(frozen=True)
class Dimension:
    """One axis of quality with its scale. Higher is always better.

    Attributes:
        key: the name used in answers and results, e.g. ``"spatial"``.
        low, high: the range the model is asked to stay within (inclusive).
        meaning: one phrase for prompts and reports.
        decimals: decimals the model is asked for.
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
    """No usable answer. Never a zero, never a guess: ``reason`` says what was wrong with the completion."""

    reason: str


@dataclass(frozen=True)
class Score:
    """Values by dimension key, on each dimension's own scale."""

    values: dict[str, float]


@dataclass(frozen=True)
class Preference:
    """The clip chosen out of two, or a tie."""

    choice: Choice

    def swap(self) -> Preference:
        """The same preference with the clips' places exchanged."""
        swapped: dict[Choice, Choice] = {"A": "B", "B": "A", "tie": "tie"}
        return Preference(swapped[self.choice])


@dataclass(frozen=True)
class Verdict:
    """The answer to a yes/no question."""

    yes: bool


Answer = Score | Preference | Verdict


@dataclass(frozen=True)
class Question:
    """What is asked of the assessor: a task, its clips in order, and for yes/no the question itself.

    Attributes:
        task: which task asks; it owns the wording and the parser (``tasks.prompt_set``).
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


@dataclass(frozen=True)
class Example:
    """A question with its known answer, as datasets yield it.

    Attributes:
        id: unique within its dataset; predictions are joined on it.
        question: what is asked, clips in the dataset's own order.
        answer: what people said, scores on the dataset's own scale.
        scale: lowest and highest value a score can take in the dataset; ``None`` for choices and verdicts.
        group: what must stay together when examples are split: a prompt, a content; ``None`` where nothing must.
        source: who or what made the clips (a generator's name, a pair of them), for breakdowns; ``None`` if unknown.
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
