"""Baselines on a vision-language model: tiny random weights of the real architecture, loaded from disk."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from helpers import tiny

import vqinsight
from vqinsight.assessor.prompting import collate
from vqinsight.assessor.vision import encoder_outputs
from vqinsight.baselines import unifiedreward
from vqinsight.baselines.level_words import LevelWords
from vqinsight.baselines.next_token import about_one, begun, encode, first_tokens, next_logits
from vqinsight.baselines.unifiedreward import UnifiedReward, read_scores, read_verdict
from vqinsight.baselines.vlm import VLM, QInsight, ReleasedVQInsight
from vqinsight.baselines.vqascore import VQAScore
from vqinsight.errors import ModelError, UnreadableVideo
from vqinsight.synthetic.clips import clip_name
from vqinsight.tasks.types import Missing, Preference

TEXT = "two red circles"


def test_next_logits_are_those_of_a_plain_forward_pass_over_pixels(judge, clips):
    """Features handed in, one logit kept: the same as the model's own way from pixels."""
    assessor = judge.assessor
    clip = encode(assessor, clips[0])
    prompt = begun(assessor, assessor.build(about_one("How good?"), [clip]), "It is")
    model = assessor.loaded.model
    (view,) = clip.processed.views
    with torch.no_grad():
        plain = model(**collate([prompt], 0), pixel_values_videos=view.patches).logits[0, -1]
    torch.testing.assert_close(next_logits(assessor, [prompt], [clip])[0], plain, atol=1e-4, rtol=1e-4)
    assert encoder_outputs(clip.views, assessor.output_type).keys() == {"video"}


def test_vqascore(judge, clips):
    scorer = VQAScore(judge)
    a, b = (scorer.score(clip, TEXT)["alignment"] for clip in clips)
    assert 0 <= a <= 1
    assert 0 <= b <= 1
    assert a != b
    assert scorer.score(clips[0], "something else")["alignment"] != a
    assert scorer.compare(*clips, TEXT) == Preference("A" if a > b else "B")
    assert isinstance(scorer.score(clips[0]), Missing)
    with pytest.raises(UnreadableVideo):
        scorer.score("none.mp4", TEXT)


def test_level_words(judge, clips, monkeypatch):
    """The expectation of 5..1 under the softmax of five logits."""
    scorer = LevelWords(judge)
    values = [scorer.score(clip)["quality"] for clip in clips]
    assert all(1 <= value <= 5 for value in values)
    assert values[0] != values[1]
    levels = first_tokens(judge.assessor.loaded.tokenizer, [" excellent", " good", " fair", " poor", " bad"])
    logits = torch.full((1, len(judge.assessor.loaded.tokenizer)), 50.0)  # what other words get must not count
    logits[0, levels] = torch.tensor([0.0, 0.0, -100.0, -100.0, -100.0])
    monkeypatch.setattr("vqinsight.baselines.level_words.next_logits", lambda *_: logits)
    assert scorer.score(clips[0])["quality"] == pytest.approx(4.5)


def test_words_that_begin_alike_are_refused():
    with pytest.raises(ModelError, match="apart"):
        first_tokens(tiny.tokenizer(), ["Yes", "Yes"])


def saying(judge, text):
    """The same model, made to say a text whatever it is asked."""
    stub = dataclasses.replace(judge.assessor.loaded)
    assessor = type(judge.assessor)(stub)
    assessor.complete = lambda asked, **_: [[text(clips) if callable(text) else text] for _, clips in asked]
    return vqinsight.VQInsight(assessor)


GOOD = (
    "visual quality: 4\ntemporal consistency: 3\ndynamic degree: 2\n"
    "text-to-video alignment: 1\nfactual consistency: 2\nFinal Score: 6"
)


def test_unifiedreward_runs_and_reads(judge, clips):
    random = UnifiedReward(judge)
    assert isinstance(random.score(clips[0], TEXT), Missing)  # random weights say nothing to be read
    assert isinstance(random.compare(*clips, TEXT), Missing)
    assert isinstance(random.score(clips[0]), Missing)
    scored = UnifiedReward(saying(judge, GOOD)).score(clips[0], TEXT)
    assert scored == {"spatial": 4, "temporal": 3, "dynamic": 2, "alignment": 1, "factual": 2, "quality": 6}
    first = UnifiedReward(saying(judge, "Video 1 is better"))
    assert first.compare(*clips, TEXT) == Preference("tie")  # the same place in both orders
    better = UnifiedReward(
        saying(judge, lambda seen: f"Video {1 + (seen[0].processed.path == clips[0])} is better"), think=False
    )
    assert better.compare(*clips, TEXT) == Preference("B")
    thought = "<think>Video 1 is better at first</think><answer>Video {} is better</answer>"
    think = UnifiedReward(
        saying(judge, lambda seen: thought.format(1 + (seen[0].processed.path == clips[0]))), think=True
    )
    assert think.compare(*clips, TEXT) == Preference("B")
    assert isinstance(think.score(clips[0], TEXT), Missing)


def test_unifiedreward_answers():
    assert read_scores(GOOD.replace("Final Score: 6", "**Final Score:** 8.5"))["quality"] == 8.5
    assert read_scores(GOOD + "\nFinal Score: 7")["quality"] == 7
    assert isinstance(read_scores(GOOD.replace("Final Score: 6", "")), Missing)
    assert isinstance(read_scores(GOOD.replace("visual quality: 4", "visual quality: 5")), Missing)
    assert read_verdict("Video 1 is better in detail.\nOverall, **Video 2 is better**.") == Preference("B")
    assert read_verdict("Both videos are equally good.") == Preference("tie")
    assert isinstance(read_verdict("Video 1 is better, Video 2 is better"), Missing)
    assert isinstance(read_verdict("I cannot say"), Missing)
    for words in (unifiedreward.SCORE, unifiedreward.COMPARE, unifiedreward.THINK):
        assert words.count("{text}") == 1


def test_nano_scores_and_compares(clips, nano):
    judge = VLM("nano", nano)
    shown = clip_name("held_out", 3)
    values = judge.score(shown, TEXT)
    assert set(values) == {"spatial", "temporal", "alignment"}
    assert all(judge.ranges[key][0] <= value <= judge.ranges[key][1] for key, value in values.items())
    assert isinstance(judge.compare(shown, clip_name("held_out", 3, 1), TEXT), Preference)
    with pytest.raises(UnreadableVideo):
        judge.score("none.mp4")
    with pytest.raises(UnreadableVideo):
        judge.compare(clips[0], "none.mp4")


def test_a_random_model_has_no_answer_and_says_so(judge, clips):
    assert isinstance(VLM("qwen2_5_vl", judge).score(clips[0]), Missing)
    assert isinstance(VLM("qwen2_5_vl", judge).compare(*clips), Missing)
    assert isinstance(QInsight(judge).score(clips[0]), Missing)


def test_q_insight_is_the_mean_over_frames(judge, clips):
    numbers = iter((1.0, 2.0, 3.0, 4.0))
    said = saying(judge, lambda _: f'<answer>{{"quality": {next(numbers)}}}</answer>')
    assert QInsight(said, frames=4).score(clips[0]) == {"quality": 2.5}


def test_the_released_folders_are_loaded_one_at_a_time(clips, tmp_path):
    for name in ("vqinsight-comp", "vqinsight-aigcvideo", "vqinsight-naturalvideo"):
        tiny.save(tiny.qwen2_5_vl(), tmp_path / name)
    released = ReleasedVQInsight(str(tmp_path), device="cpu", frames=2)
    loaded = []
    for ask in (
        lambda: released.score(clips[0], TEXT),
        lambda: released.score(clips[0]),
        lambda: released.compare(*clips),
    ):
        judge = released._judge  # what it loads, not what random weights say
        released._judge = lambda question, judge=judge: loaded.append(judge(question)) or saying(loaded[-1], "")
        assert isinstance(ask(), Missing)
        released._judge = judge
    names = [judge.assessor.loaded.name.rpartition("/")[2] for judge in loaded]
    assert names == ["vqinsight-aigcvideo", "vqinsight-naturalvideo", "vqinsight-comp"]
    assert {judge.assessor.prompt_set.name for judge in loaded} == {"released"}
