"""What is taken for a yes/no question."""

from __future__ import annotations

import pytest

from vqinsight.errors import UsageError
from vqinsight.tasks.yesno import check_question


@pytest.mark.parametrize(
    "text",
    [
        "Is the motion reasonable?",
        "does the dog blink",
        "Isn\u2019t it blurred?",
        "The motion is smooth?",
        "Well?",
        "When it turns, is the wheel round?",
        "In which half is a dog?",
        "Whatever moves is sharp?",
        "画面清晰吗？",
        "'Are there two cats?'",
    ],
)
def test_taken(text: str) -> None:
    check_question(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("What is shown?", "'what' asks for more"),
        ("How good is it?", "'how' asks for more"),
        ("  WHO is it", "'who' asks for more"),
        ("What\u2019s there?", "'what' asks for more"),
        ("Why does it flicker, and where?", "'why' asks for more"),
        ("Describe the clip.", "question mark"),
        ("clip.mp4", "question mark"),
        ("island", "question mark"),
    ],
)
def test_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        check_question(text)
