"""VisionReward's questions: all at once equal one by one, on every family; the weighted sum; what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from helpers import tiny

import vqinsight
from vqinsight.assessor.backbone import keep_accepted_kwargs, prompt_positions
from vqinsight.assessor.prompting import collate
from vqinsight.baselines import visionreward
from vqinsight.baselines.next_token import about_one
from vqinsight.baselines.visionreward import VisionRewardQuestions
from vqinsight.errors import ModelError
from vqinsight.tasks.types import Missing, Preference

TEXT = "two red circles"
FAMILIES = {
    "qwen2_vl": tiny.qwen2_vl,
    "qwen2_5_vl": tiny.qwen2_5_vl,
    "qwen3_vl": tiny.qwen3_vl,
    "qwen3_5": tiny.qwen3_5,
}


def clone(folder: Path, questions: list[str], weights: list[float]) -> str:
    (folder / "VisionReward_Video").mkdir(exist_ok=True)
    (folder / visionreward.QUESTIONS).write_text("\n".join(questions))
    (folder / visionreward.WEIGHTS).write_text(json.dumps(weights))
    return str(folder)


@pytest.fixture
def code(tmp_path):
    """64 questions of other lengths, some about the prompt."""
    nouns = ("colour", "light", "shape of every object", "edge", "motion of the camera", "face", "sky", "text")
    questions = [f"Is the {noun} {'very ' * (number % 4)}good, {number}?" for number, noun in enumerate(nouns * 8)]
    questions[5] = 'Does it show "[[prompt]]" in full?'
    return clone(tmp_path, questions, [0.01 * (number - 20) for number in range(64)])


@pytest.mark.parametrize("family", FAMILIES)
def test_all_questions_in_one_pass_equal_each_alone(family, code, clips, tmp_path_factory):
    """The plain way, for every fifth: a forward pass for a question over its own pixels."""
    judge = vqinsight.load(str(tiny.save(FAMILIES[family](), tmp_path_factory.mktemp(family))), device="cpu")
    scorer = VisionRewardQuestions(judge, code)
    assessor = judge.assessor
    model, clip = assessor.loaded.model, assessor.clips.load(clips[1])
    (view,) = clip.views
    yes, no = scorer._yes, scorer._no
    plain = []
    for question in scorer._questions[::5]:
        encoded = assessor.encode(clip)
        prompt = assessor.build(about_one(question.replace("[[prompt]]", TEXT)), [encoded])
        batch = collate([prompt], 0)
        inputs = keep_accepted_kwargs(model.forward, batch) | {"position_ids": prompt_positions(model, batch)}
        with torch.no_grad():
            logits = model(**inputs, pixel_values_videos=view.patches).logits[0, -1].float()
        plain.append(float((logits[yes].logsumexp(0) - logits[no].logsumexp(0)).sigmoid()))
    encoded_before = assessor.tower.clips_encoded
    together = scorer.answers(clips[1], TEXT)
    assert together.shape == (64,)
    assert assessor.tower.clips_encoded == encoded_before + 1
    assert len(set(plain)) == len(plain)
    torch.testing.assert_close(together[::5], torch.tensor(plain), atol=1e-4, rtol=1e-4)


def test_the_score_is_the_published_sum(judge, clips, tmp_path, monkeypatch):
    scorer = VisionRewardQuestions(judge, clone(tmp_path, ["a?", "b?", "c?"], [0.5, 0.25, -1.0]))
    assert scorer.ranges == {"quality": (-1.75 / 3, 1.75 / 3)}
    said = {clips[0]: torch.tensor([0.9, 0.5, 0.1]), clips[1]: torch.tensor([0.9, 0.9, 0.9])}
    monkeypatch.setattr(scorer, "answers", lambda path, _: said[path])
    assert scorer.score(clips[0], TEXT)["quality"] == pytest.approx((0.5 - 0.25 + 1.0) / 3)  # a draw is not a yes
    assert scorer.compare(*clips, TEXT) == Preference("A")
    assert isinstance(scorer.score(clips[0]), Missing)
    assert isinstance(scorer.score(clips[0], " "), Missing)


def test_the_published_questions_are_read(shared, judge, clips, tmp_path):
    names = {visionreward.QUESTIONS: "VisionReward_video_qa_select.txt", visionreward.WEIGHTS: "weight.json"}
    (tmp_path / "VisionReward_Video").mkdir()
    for place, name in names.items():
        (tmp_path / place).write_bytes((shared / "labels/visionreward" / f"VisionReward_Video__{name}").read_bytes())
    scorer = VisionRewardQuestions(judge, str(tmp_path))
    assert len(scorer._questions) == 29
    value = scorer.score(clips[0], TEXT)["quality"]
    low, high = scorer.ranges["quality"]
    assert low <= value <= high


def test_a_clone_without_them_is_refused(judge, tmp_path):
    with pytest.raises(ModelError, match="git clone"):
        VisionRewardQuestions(judge, str(tmp_path))
    with pytest.raises(ModelError, match="2 questions"):
        VisionRewardQuestions(judge, clone(tmp_path, ["a?", "b?"], [1.0]))
    (tmp_path / visionreward.WEIGHTS).write_text('["a"]')
    with pytest.raises(ModelError, match="no list of numbers"):
        VisionRewardQuestions(judge, str(tmp_path))
