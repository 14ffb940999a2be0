"""Eq. 4 in the rollout and in a run: which answers are sampled about what, and that the bonus tells answers apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import policy, runs

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.vision import EncodedView, shuffled
from vqinsight.datasets.synthetic import SyntheticExamples
from vqinsight.grpo import trainer
from vqinsight.grpo.dataset import LoadedQuestion
from vqinsight.grpo.rollout import GradedGroup, SampledAnswer, SampledGroup, grade, sample, with_gaps
from vqinsight.grpo.run_log import RunLog
from vqinsight.rewards.rubric import Rubric
from vqinsight.settings.reader import read_toml
from vqinsight.settings.train import RewardSettings, TrainSettings
from vqinsight.synthetic.clips import clip_name
from vqinsight.tasks.types import Clip, Example, Question, TaskName, Verdict
from vqinsight.training.stage2_temporal import run_stage2
from vqinsight.video.shuffle import shuffled_order

SEED, POSITION = 4, 7
Views = Sequence[EncodedView]


@pytest.fixture(scope="module")
def assessor(tmp_path_factory: pytest.TempPathFactory) -> Assessor:
    return policy.assessor(policy.save("qwen2_5_vl", tmp_path_factory.mktemp("tiny")))


def _sampled(
    assessor: Assessor, example: Example, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> tuple[list[tuple[int, Views]], SampledGroup, list[SampledAnswer]]:
    """Four answers to a question; first, for each prompt that was answered, how often, and what was seen."""
    rows: list[tuple[int, Views]] = []
    generate = assessor.generate

    def watched(prompts: Any, encoded: Sequence[Views], seeds: Sequence[Sequence[int]], *rest: Any, **more: Any) -> Any:
        rows.extend((len(each), views) for each, views in zip(seeds, encoded, strict=True))
        assert len({prompt.ids for prompt in prompts}) == 1  # the shuffled clip has the clip's own prompt
        return generate(prompts, encoded, seeds, *rest, **more)

    monkeypatch.setattr(assessor, "generate", watched)
    clips = tuple(assessor.clips.load(clip.path) for clip in example.question.clips)
    asked = LoadedQuestion(POSITION, (0, 1, 2, 3), example, clips)
    rubric = Rubric(RewardSettings(**settings))
    [group], answered = sample(
        assessor, rubric, [asked], temperature=1.0, seed=SEED, max_new_tokens=4, batch_tokens=10_000
    )
    return rows, group, answered


def _equal(ours: Views, theirs: Views) -> bool:
    return all(torch.equal(one.pooled, other.pooled) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("task", ["natural", "generated", "yesno"])
@pytest.mark.parametrize("shuffle", ["frames", "tokens"])
def test_half_as_many_answers_are_about_the_shuffled_clip(
    assessor: Assessor, monkeypatch: pytest.MonkeyPatch, task: TaskName, shuffle: str
) -> None:
    before = assessor.tower.clips_encoded
    rows, group, answered = _sampled(assessor, SyntheticExamples(task)[0], monkeypatch, shuffle=shuffle)
    assert [count for count, _ in rows] == [4, 2]
    assert [(each.number, each.shuffled) for each in answered] == [
        (0, False), (1, False), (2, False), (3, False), (0, True), (2, True),
    ]  # fmt: skip
    in_order, moved = rows[0][1], rows[1][1]
    assert assessor.tower.clips_encoded - before == (2 if shuffle == "frames" else 1)
    [clip] = group.asked.clips
    if shuffle == "frames":
        again = assessor.clips.shuffled(clip, SEED, POSITION)
        assert again is not None
        expected: Views = assessor.encode(again).views
    else:
        expected = shuffled(in_order, shuffled_order(in_order[0].view.grid[0], SEED, POSITION))
    assert _equal(moved, expected)
    for one, other in zip(in_order, moved, strict=True):
        assert not torch.equal(one.pooled, other.pooled)
        assert sorted(one.view.times) == list(other.view.times)  # time stamps stay in order
    assert group.moved == ()


def test_what_is_not_shuffled(assessor: Assessor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs and images, a question about one frame, and where the reward is left out."""
    still = Clip(clip_name("train", 3, still=True))
    one_frame = Example("x", Question("yesno", (still,), "Is it sharp?"), Verdict(True))
    generated = SyntheticExamples("generated")[0]
    for rule in ("share", "likelihood"):
        for example in (SyntheticExamples("compare")[0], SyntheticExamples("image")[0], one_frame):
            rows, group, _ = _sampled(assessor, example, monkeypatch, rule=rule)
            assert [count for count, _ in rows] == [4] and group.moved == ()
        rows, group, _ = _sampled(assessor, generated, monkeypatch, rule=rule, temporal=0)
        assert [count for count, _ in rows] == [4] and group.moved == ()


@pytest.mark.parametrize("shuffle", ["frames", "tokens"])
def test_likelihood_samples_nothing_more(assessor: Assessor, monkeypatch: pytest.MonkeyPatch, shuffle: str) -> None:
    """And keeps what the clip looks like shuffled, as the other rules show it."""
    example = SyntheticExamples("generated")[0]
    rows, group, answered = _sampled(assessor, example, monkeypatch, rule="likelihood", shuffle=shuffle)
    assert [count for count, _ in rows] == [4] and not any(each.shuffled for each in answered)
    others, *_ = _sampled(assessor, example, monkeypatch, shuffle=shuffle)
    assert _equal(group.moved, others[1][1]) and not _equal(group.moved, group.views)


def test_a_gap_is_a_mean_over_the_answer_s_tokens(assessor: Assessor, monkeypatch: pytest.MonkeyPatch) -> None:
    """One token .3 apart beside padding; two tokens .3 and -.1 apart; answers of other groups are left alone."""
    _, group, answered = _sampled(assessor, SyntheticExamples("generated")[0], monkeypatch, rule="likelihood")
    in_order = torch.tensor([[-1.0, -9.0], [-1.0, -2.0], [-1.0, -2.0], [-1.0, -2.0]])
    moved = torch.tensor([[-1.3, -5.0], [-1.3, -1.9], [-1.0, -2.0], [-0.5, -2.0]])
    mask = torch.tensor([[1, 0], [1, 1], [1, 1], [1, 1]])
    other = SampledAnswer(POSITION + 1, 0, answered[0].completion, shuffled=False)
    found = with_gaps([*answered, other], [group], in_order, moved, mask)
    assert [each.completion.gap for each in found[:4]] == pytest.approx([0.3, 0.1, 0.0, -0.25], abs=1e-6)
    assert found[4].completion.gap is None


def _run(folder: Path, monkeypatch: pytest.MonkeyPatch, *changes: str) -> list[GradedGroup]:
    """The graded groups of a run of one update."""
    seen: list[GradedGroup] = []

    def watched(*given: Any) -> GradedGroup:
        seen.append(grade(*given))
        return seen[-1]

    monkeypatch.setattr(trainer, "grade", watched)
    file = folder / "config.toml"
    file.write_text(runs.CONFIG)
    short = ("updates=1", "grpo.max_new_tokens=120", "grpo.beta=0", "rewards.shuffle=frames", f"out={folder / 'run'}")
    run_stage2(read_toml(TrainSettings, file, [*short, *changes]))
    return seen


def _differs(rewards: Sequence[dict[str, float | None]]) -> bool:
    """Whether some answers have the bonus and some do not."""
    assert all(parts["temporal"] in (0.0, 0.3) for parts in rewards)
    return len({parts["temporal"] for parts in rewards}) == 2


@pytest.mark.slow
def test_the_bonus_tells_answers_of_a_group_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a run on the model before reinforcement, by the default rule and by another on the same answers."""
    base = Path(__file__).parents[2] / "bases" / "nano"
    [graded] = _run(
        tmp_path, monkeypatch, f"model.name={base}", "data.1.weight=1e-9", "data.2.weight=1e-9",
        "questions_per_update=1", "grpo.group_size=8",
    )  # fmt: skip
    assert len(graded.group.shuffled) == 4
    for parts in (graded.parts, Rubric(RewardSettings(rule="answer")).grade(graded.group)):
        assert {each["temporal"] for each in parts} == {0.0, 0.3}
    earned = [sum(value for value in each.values() if value is not None) for each in graded.parts]
    assert graded.totals == pytest.approx(earned)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_gaps_of_a_run_are_those_the_long_way(times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer at a time from pixels, by transformers' own positions; pairs among the questions are left alone."""
    trainer_model: list[Any] = []
    expected: dict[tuple[int, int], float] = {}

    def watched(answered: Any, groups: Sequence[SampledGroup], *given: Any) -> list[SampledAnswer]:
        loaded = Assessor(trainer_model[0])
        for group in groups:
            said = [[list(ids) for ids in group.ids]]
            straight, mixed = (
                policy.plain_logprobs(loaded, [(group.prompt, views)], said) for views in (group.views, group.moved)
            )
            for number, one, other in zip(group.asked.numbers, straight, mixed, strict=True):
                expected[group.asked.position, number] = (one.mean() - other.mean()).item()
        return with_gaps(answered, groups, *given)

    compared = trainer.GRPOTrainer._compared

    def noting(self: Any, *given: Any) -> Any:
        trainer_model[:] = [self._assessor.loaded]
        return compared(self, *given)

    monkeypatch.setattr(trainer.GRPOTrainer, "_compared", noting)
    monkeypatch.setattr(trainer, "with_gaps", watched)
    groups = _run(
        tmp_path, monkeypatch, "rewards.rule=likelihood", f"grpo.updates_per_rollout={times}", f"updates={times}",
        "grpo.max_new_tokens=40", "data.2.weight=1e-9",
    )  # fmt: skip
    found = {
        (position, number): completion.gap
        for position, each in enumerate(groups)
        for number, completion in enumerate(each.group.completions)
    }
    pairs = [each.group.question.task == "compare" for each in groups]
    assert any(pairs) and not all(pairs)
    assert {key for key, gap in found.items() if gap is None} == {
        (position, number) for position, pair in enumerate(pairs) if pair for number in range(4)
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=2e-5)
    assert max(abs(gap) for gap in expected.values()) > 1e-3
    RunLog(tmp_path, 0.1, writes=True).sample(1, groups[pairs.index(False)])
    assert "nats a token over shuffled" in (tmp_path / "samples.md").read_text()
