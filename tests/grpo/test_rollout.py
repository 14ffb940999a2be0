"""A rollout: which answers are asked for, about which clip, with which seeds."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers import policy

from vqinsight.assessor.assessor import Assessor
from vqinsight.datasets.synthetic import SyntheticExamples
from vqinsight.grpo.dataset import LoadedQuestion
from vqinsight.grpo.rollout import sample
from vqinsight.rewards.rubric import Rubric
from vqinsight.settings.train import RewardSettings


@pytest.fixture(scope="module")
def assessor(tmp_path_factory: pytest.TempPathFactory) -> Assessor:
    return policy.assessor(policy.save("qwen2_5_vl", tmp_path_factory.mktemp("model")))


def _question(assessor: Assessor, task: Any, position: int = 0) -> LoadedQuestion:
    example = SyntheticExamples(task)[3]
    clips = tuple(assessor.clips.load(clip.path) for clip in example.question.clips)
    return LoadedQuestion(position, (0, 1, 2, 3), example, clips)


def _features(views: Any) -> torch.Tensor:
    return torch.cat([view.pooled for view in views])


def test_the_shuffled_half_is_asked_about_another_order_of_the_same_clip(
    assessor: Assessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []
    generate = Assessor.generate

    def watched(self: Assessor, prompts: Any, encoded: Any, seeds: Any, *rest: Any, **options: Any) -> Any:
        asked.extend(zip(prompts, encoded, seeds, strict=True))
        return generate(self, prompts, encoded, seeds, *rest, **options)

    monkeypatch.setattr(Assessor, "generate", watched)
    question = _question(assessor, "generated")
    groups, answered = sample(
        assessor, Rubric(RewardSettings()), [question], temperature=1.0, seed=5, max_new_tokens=4, batch_tokens=10_000
    )
    (_, straight, four), (_, moved, two) = asked
    assert (len(four), len(two)) == (4, 2) and len({*four, *two}) == 6  # every answer has noise of its own
    assert _features(straight).shape == _features(moved).shape
    assert (_features(straight) - _features(moved)).abs().max() > 1e-3
    torch.testing.assert_close(_features(straight), _features(assessor.encode(question.clips[0]).views))
    assert [(each.number, each.shuffled) for each in answered] == [
        *((number, False) for number in range(4)),
        *((number, True) for number in (0, 2)),
    ]
    (group,) = groups  # what is learned from is about the clip in order
    assert len(group.ids) == 4 and torch.equal(_features(group.views), _features(straight))


def test_answers_of_a_question_differ_and_do_not_depend_on_the_batch(assessor: Assessor) -> None:
    rubric = Rubric(RewardSettings(temporal=0))
    first, second = _question(assessor, "generated", 0), _question(assessor, "compare", 1)
    options: dict[str, Any] = {"temperature": 1.0, "seed": 5, "max_new_tokens": 4, "batch_tokens": 10_000}
    groups, _ = sample(assessor, rubric, [first, second], **options)
    assert len(set(groups[0].ids)) > 1
    for asked, expected in ((first, groups[0]), (second, groups[1])):
        (alone,), _ = sample(assessor, rubric, [asked], **options)
        assert alone.ids == expected.ids
