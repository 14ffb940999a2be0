"""A judge that knows its answers, for tests of what is done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vqinsight.evaluation.predictor import Prediction
from vqinsight.tasks.types import Clip, Example, Preference, Question, Score, Verdict

Answer = Callable[[Example], Prediction]


class Stub:
    """Answers with a function and remembers what it was asked."""

    def __init__(self, answer: Answer, name: str = "stub", digest: str = "0" * 12, **settings: str | int) -> None:
        self.name, self.digest, self.settings = name, digest, settings
        self._answer = answer
        self.asked: list[list[str]] = []

    def answer(self, examples: Sequence[Example]) -> list[Prediction]:
        self.asked.append([example.id for example in examples])
        return [self._answer(example) for example in examples]


def scored(name: str, value: float, source: str | None = None, group: str | None = None) -> Example:
    """A clip rated on 1 to 5."""
    question = Question("natural", (Clip(f"{name}.mp4"),))
    return Example(name, question, Score({"quality": value}), (1.0, 5.0), group, source)


def pair(name: str, label: str, source: str | None = None) -> Example:
    question = Question("compare", (Clip(f"{name}_a.mp4", "a dog"), Clip(f"{name}_b.mp4", "a dog")))
    return Example(name, question, Preference(label), None, None, source)  # type: ignore[arg-type]


def yesno(name: str, yes: bool) -> Example:
    return Example(name, Question("yesno", (Clip(f"{name}.mp4"),), "Is it sharp?"), Verdict(yes))


def quality(value: float) -> Prediction:
    return Prediction(scores={"quality": value}, ranges={"quality": (0.0, 100.0)}, texts=(f"<answer>{value}</answer>",))
