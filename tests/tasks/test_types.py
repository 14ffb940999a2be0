import dataclasses

import pytest

from vqinsight.tasks.types import Choice, Clip, Missing, Preference, Question, Score, TaskName

A, B = Clip("a.mp4", "a cat"), Clip("b.mp4")


@pytest.mark.parametrize(("before", "after"), [("A", "B"), ("B", "A"), ("tie", "tie")])
def test_a_preference_follows_the_clips_when_they_change_places(before: Choice, after: Choice) -> None:
    assert Preference(before).swap() == Preference(after)
    assert Preference(before).swap().swap() == Preference(before)


@pytest.mark.parametrize(
    ("task", "clips", "text"),
    [
        ("compare", (A,), None),
        ("compare", (A, B, A), None),
        ("natural", (A, B), None),
        ("image", (), None),
        ("yesno", (A,), None),
        ("yesno", (A, B), "Is it sharp?"),
        ("generated", (A,), "Is it sharp?"),
    ],
)
def test_a_question_refuses_clips_or_text_that_its_task_does_not_take(
    task: TaskName, clips: tuple[Clip, ...], text: str | None
) -> None:
    with pytest.raises(ValueError, match=r"takes|goes with"):
        Question(task, clips, text)


def test_the_nouns_cannot_be_changed() -> None:
    for noun, name in [(A, "path"), (Preference("A"), "choice"), (Missing("x"), "reason"), (Score({}), "values")]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(noun, name, "other")


def test_missing_equals_no_answer() -> None:
    assert Missing("names both") != Preference("tie")
    assert Missing("quality is missing") != Score({})
