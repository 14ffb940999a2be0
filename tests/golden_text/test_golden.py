"""Golden completions: what a model may write, and the verdict a careful reader gives it.

Each line of ``golden.jsonl`` has ``task``, ``set`` (the prompt set), ``completion``, ``expect`` and ``why``; ``prompt``
is the clips' text (``true``: an ordinary one), for yes/no the question. A completion that is a list is joined from its
parts, ``[text, n]`` being n copies. ``expect`` is the scores, the choice or the verdict, or ``{"missing": "…"}`` with a
part of the reason; so may a single dimension's value be.
"""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from vqinsight.tasks.parsing import TAG
from vqinsight.tasks.prompt_sets import NAMES, prompt_set
from vqinsight.tasks.types import Clip, Missing, Preference, Question, Score, Verdict

PROMPT_SETS = {name: prompt_set(name) for name in NAMES}

LINES = Path(__file__).with_name("golden.jsonl").read_text(encoding="utf-8").splitlines()
CASES = [json.loads(line) for line in LINES]


def question_of(case: dict[str, Any]) -> Question:
    given = case.get("prompt")
    text = "a red ball rolls over grass" if given is True else given
    if case["task"] == "yesno":
        return Question("yesno", (Clip("clip.mp4"),), text or "Is the motion reasonable?")
    return Question(case["task"], (Clip("clip.mp4", text),) * (2 if case["task"] == "compare" else 1))


def completion_of(case: dict[str, Any]) -> str:
    parts = case["completion"]
    return parts if isinstance(parts, str) else "".join(p if isinstance(p, str) else p[0] * p[1] for p in parts)


@pytest.mark.parametrize("case", CASES, ids=[f"line{i}" for i in range(1, len(CASES) + 1)])
def test_verdict(case: dict[str, Any]) -> None:
    question = question_of(case)
    started = time.process_time()
    got = PROMPT_SETS[case["set"]].parse(question, completion_of(case))
    assert time.process_time() - started < 1.0, "parsing must take linear time"
    match case["expect"]:
        case {"missing": reason}:
            assert isinstance(got, Missing), f"{case['why']}: {got}"
            assert reason in got.reason, case["why"]
        case bool(yes):
            assert got == Verdict(yes), case["why"]
        case str(choice):
            assert got == Preference(choice), case["why"]  # type: ignore[arg-type]
        case scores:
            assert isinstance(got, Score), f"{case['why']}: {got}"
            reasons = {key: value["missing"] for key, value in scores.items() if isinstance(value, dict)}
            assert got.values == {key: value for key, value in scores.items() if key not in reasons}, case["why"]
            assert got.missing.keys() == reasons.keys(), case["why"]
            assert all(reason in got.missing[key] for key, reason in reasons.items()), case["why"]


def test_the_collection_is_large_and_explained() -> None:
    assert len(CASES) >= 170
    assert all(case["why"] for case in CASES)
    kinds = {(case["task"], case["set"], "missing" in str(case["expect"])) for case in CASES}
    assert len({(task, name) for task, name, _ in kinds}) == 15, "every task in every prompt set"


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case.get("prompt"), str)])
def test_an_injected_prompt_reaches_the_model_without_tags(case: dict[str, Any]) -> None:
    messages = PROMPT_SETS[case["set"]].messages(question_of(case))
    shown = " ".join(item["text"] for item in messages[1]["content"] if item["type"] == "text")
    assert not TAG.search(shown)
    assert not re.search(r"<\||\|>", shown)
