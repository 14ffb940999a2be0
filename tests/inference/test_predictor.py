"""An assessor as a judge: clips once a batch, pairs in both orders, and what becomes of its replies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers import tiny

import vqinsight
from vqinsight.datasets.synthetic import SyntheticExamples
from vqinsight.evaluation.predictor import Prediction
from vqinsight.inference.api import VQInsight
from vqinsight.inference.predictor import AssessorPredictor
from vqinsight.results import Reply
from vqinsight.tasks.types import Clip, Example, Preference, Question, Score, Verdict

SCALE = (1.0, 5.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> VQInsight:
    folder = tmp_path_factory.mktemp("model")
    return vqinsight.load(str(tiny.save(tiny.qwen2_5_vl(), folder, template="brief", frames=4, max_new_tokens=8)))


@pytest.fixture
def clips(tmp_path: Path, encode: ModuleType) -> list[str]:
    return [str(encode.video(tmp_path / f"{name}.mp4", 12 + place)) for place, name in enumerate("abc")]


def rated(path: str) -> Example:
    return Example(f"rated {path}", Question("natural", (Clip(path),)), Score({"quality": 3.0}), SCALE)


def compared(a: str, b: str) -> Example:
    return Example(f"{a} vs {b}", Question("compare", (Clip(a), Clip(b))), Preference("A"))


def asked(path: str) -> Example:
    return Example(f"asked {path}", Question("yesno", (Clip(path),), "Is it sharp?"), Verdict(True))


def test_each_clip_is_seen_once_and_pairs_are_shown_both_ways(model: VQInsight, clips: list[str]) -> None:
    a, b, c = clips
    before = model.assessor.tower.clips_encoded
    said = AssessorPredictor(model).answer([rated(a), compared(a, b), compared(b, c), asked(c)])
    assert model.assessor.tower.clips_encoded - before == 3
    assert [prediction.outcome for prediction in said] == ["missing"] * 4  # an untaught model
    assert all(prediction.reason and len(prediction.texts) == 1 for prediction in said)
    assert [len(prediction.swapped_texts) for prediction in said] == [0, 1, 1, 0]
    assert said[1].reason is not None and said[1].reason.startswith("a, b: ") and "; b, a: " in said[1].reason


def test_a_clip_that_cannot_be_read_takes_only_its_questions_along(
    model: VQInsight, clips: list[str], tmp_path: Path
) -> None:
    empty = str(tmp_path / "empty.mp4")
    Path(empty).touch()
    said = AssessorPredictor(model).answer([compared(clips[0], empty), rated(clips[0]), rated(empty)])
    assert [prediction.outcome for prediction in said] == ["unreadable", "missing", "unreadable"]
    assert said[0].reason == said[2].reason and str(said[0].reason).startswith(f"{empty}: the file is empty")
    assert AssessorPredictor(model).answer([rated(empty)])[0].outcome == "unreadable"


def test_answers_do_not_depend_on_the_batch(nano: VQInsight) -> None:
    judge = AssessorPredictor(nano)
    examples = [*SyntheticExamples("generated", "held_out", 7, 2), *SyntheticExamples("compare", "held_out", 7, 2)]
    together = judge.answer(examples)
    assert together == [prediction for example in examples for prediction in judge.answer([example])]
    assert {prediction.outcome for prediction in together} <= {"ok", "missing"}
    assert together[0].ranges is None or set(together[0].ranges.values()) == {(0.0, 100.0)}


def test_everything_that_answers_depend_on_is_on_record(model: VQInsight) -> None:
    judge = AssessorPredictor(model, samples=3, temperature=0.7, seed=5, folder_fps=10.0)
    recorded = judge.settings
    assert (recorded["samples"], recorded["temperature"], recorded["seed"]) == (3, 0.7, 5)
    assert {"template", "frames", "max_pixels", "dtype", "version", "max_new_tokens", "folder_fps"} <= set(recorded)
    assert "batch_tokens" not in recorded and "device" not in recorded
    greedy = AssessorPredictor(model, temperature=0.7, seed=5).settings
    assert (greedy["temperature"], greedy["seed"]) == (0.0, None)  # neither changes the most likely answer
    assert len(judge.digest) == 12


def replies(*values: Any) -> tuple[Reply, ...]:
    return tuple(Reply(f"<answer>{v}</answer>", "", v, "no <answer>" if v is None else None) for v in values)


def test_several_samples_become_a_median_a_majority_or_a_draw(
    model: VQInsight, clips: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, _ = clips
    given = [
        replies({"quality": 10.0}, None, {"quality": 40.0}, {"quality": 20.0}),
        *(replies("A", "A", "B"), replies("B", None, "B")),
        *(replies("A", "B", None), replies("B", "B", "B")),
        *(replies("A", "A", "A"), replies("A", "A", "A")),
        replies(True, False, True),
        replies(True, False, None),
    ]

    def ask(questions: Sequence[Any], **sampling: Any) -> list[tuple[Reply, ...]]:
        assert sampling == {"samples": 3, "temperature": 1.0, "seed": 0} and len(questions) == len(given)
        assert [clip.path for clip in questions[2][0].clips] == [b, a]
        assert [clip.processed.path for clip in questions[2][1]] == [b, a]
        return given

    monkeypatch.setattr(model.assessor, "ask", ask)
    examples = [rated(a), compared(a, b), compared(a, b), compared(a, b), asked(a), asked(a)]
    said = AssessorPredictor(model, samples=3).answer(examples)
    assert said[0].scores == {"quality": 20.0} and said[0].ranges == {"quality": (0.0, 100.0)}
    assert [(p.forward, p.swapped, p.margin) for p in said[1:4]] == [
        ("A", "B", 1.0),
        ("tie", "B", 0.0),
        ("A", "A", 0.0),
    ]
    assert (said[4].yes, said[5].yes, said[5].outcome) == (True, None, "missing")
    assert isinstance(said[5], Prediction) and len(said[1].swapped_texts) == 3
