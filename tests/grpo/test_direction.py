"""What the whole trainer does with answers, measured from outside: pixels, prompt and one answer, no packing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import policy, runs

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.load import load_model
from vqinsight.grpo import trainer
from vqinsight.grpo.loss import Loss, grpo_loss
from vqinsight.grpo.rollout import SampledGroup
from vqinsight.grpo.trainer import GRPOTrainer
from vqinsight.rewards.rubric import Group, RewardBreakdown, Rubric
from vqinsight.settings.train import RewardSettings
from vqinsight.tasks.types import Question
from vqinsight.training.run import train_grpo

TWO = ("grpo.group_size=2", "answers_per_forward=2", "grpo.temperature=1.5", "grpo.max_new_tokens=12")


class InTurn(Rubric):
    """Of the first question answer 0 earns 1 and answer 1 nothing, of the second the other way round, and so on."""

    def __init__(self) -> None:
        super().__init__(RewardSettings(), ["format"])
        self._asked: dict[Question, int] = {}

    def grade(self, group: Group) -> list[RewardBreakdown]:
        turn = self._asked.setdefault(group.question, len(self._asked))
        return [{"format": float((number + turn) % 2 == 0)} for number in range(len(group.completions))]


class Seen:
    """The groups that were sampled, and the arguments and results of Eq. 2, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.groups: list[list[SampledGroup]] = []
        self.losses: list[tuple[tuple[Any, ...], Loss]] = []
        sample = trainer.sample

        def sampled(*given: Any, **options: Any) -> Any:
            groups, answered = sample(*given, **options)
            self.groups.append(groups)
            return groups, answered

        def lost(*given: Any) -> Loss:
            result = grpo_loss(*given)
            kept = tuple(each.detach().clone() if isinstance(each, torch.Tensor) else each for each in given)
            self.losses.append((kept, result))
            return result

        monkeypatch.setattr(trainer, "sample", sampled)
        monkeypatch.setattr(trainer, "grpo_loss", lost)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    return Seen(monkeypatch)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Assessor:
    return policy.assessor(policy.save("qwen2_5_vl", tmp_path_factory.mktemp("model")))


def _train(folder: Path, base: Assessor, *changes: str) -> Path:
    settings = runs.settings(folder, f"model.name={base.loaded.name}", *TWO, *changes)
    return train_grpo(settings, ("generated", "compare", "yesno"), InTurn(), resume=False)


def _plain(assessor: Assessor, groups: Sequence[SampledGroup], temperature: float = 1.0) -> list[torch.Tensor]:
    built = [(group.prompt, group.views) for group in groups]
    with torch.no_grad():
        return policy.plain_logprobs(assessor, built, [group.ids for group in groups], temperature)


def _same(given_AT: torch.Tensor, mask_AT: torch.Tensor, plain: Sequence[torch.Tensor]) -> None:
    for row, mask, expected in zip(given_AT, mask_AT, plain, strict=True):
        torch.testing.assert_close(row[mask.bool()], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("rank", [0, 4], ids=["all", "lora"])
def test_the_better_answer_becomes_likelier_and_the_worse_one_less_likely(
    rank: int, tmp_path: Path, seen: Seen, base: Assessor
) -> None:
    final = _train(tmp_path, base, "grpo.beta=0", "learning_rate=3e-5", f"model.lora_rank={rank}")
    after = Assessor(load_model(str(final), device="cpu"))
    (group,) = seen.groups[0]
    assert group.ids[0] != group.ids[1]
    change = [(new - old).sum().item() for new, old in zip(_plain(after, [group]), _plain(base, [group]), strict=True)]
    assert change[0] > 0.001 and change[1] < -0.001, change


def test_the_clip_acts_where_answers_are_used_again(tmp_path: Path, seen: Seen, base: Assessor) -> None:
    """The second update compares with the policy that sampled, not with the one of a moment ago."""
    changes = ("grpo.updates_per_rollout=2", "updates=2", "save_every=2", "grpo.delta=0.001", "grpo.beta=0")
    _train(tmp_path, base, *changes, "learning_rate=1e-4")
    assert len(seen.groups) == 1
    (first, result), (second, clipped) = seen.losses
    mask_AT = first[4].bool()
    torch.testing.assert_close(first[0][mask_AT], first[1][mask_AT], atol=1e-5, rtol=0)
    assert torch.equal(second[1], first[1]) and (second[0] - second[1])[mask_AT].abs().max() > 0.01
    assert result.clipped.max() == 0 and clipped.clipped.max() > 0


@pytest.mark.parametrize("rank", [0, 4], ids=["all", "lora"])
def test_the_reference_is_the_untouched_base_and_the_policy_moves_away_from_it(
    rank: int, tmp_path: Path, seen: Seen, base: Assessor
) -> None:
    _train(tmp_path, base, "updates=2", "grpo.beta=0.01", "learning_rate=1e-3", f"model.lora_rank={rank}")
    (_, begun), (second, moved) = seen.losses
    assert begun.kl.abs().max() < 1e-6 and moved.kl.min() > 1e-5
    _same(second[2], second[4], _plain(base, seen.groups[1], 1.5))
    assert (second[0] - second[2])[second[4].bool()].abs().max() > 1e-2


def test_all_log_probabilities_have_the_temperature_of_sampling(tmp_path: Path, seen: Seen, base: Assessor) -> None:
    changes = ("grpo.updates_per_rollout=2", "updates=2", "save_every=2", "grpo.beta=0.01")
    _train(tmp_path, base, *changes, "learning_rate=1e-9")
    given, _ = seen.losses[0]
    warm, plain = _plain(base, seen.groups[0], 1.5), _plain(base, seen.groups[0])
    assert max((a - b).abs().max().item() for a, b in zip(warm, plain, strict=True)) > 0.05
    for logp_AT in given[:3]:  # of the policy, of the policy that sampled, of the reference
        _same(logp_AT, given[4], warm)


def test_each_answer_has_the_advantage_of_its_own_group(tmp_path: Path, seen: Seen, base: Assessor) -> None:
    """Two questions in one pass: of the one the first answer is better, of the other the second."""
    _train(tmp_path, base, "questions_per_update=2", "answers_per_forward=4")
    given, _ = seen.losses[0]
    assert len(seen.groups[0]) == 2
    share = 0.5 / (0.5**0.5 + 1e-4)
    assert given[3].tolist() == pytest.approx([share, -share, -share, share])


def test_the_loss_is_the_mean_over_all_processes(
    tmp_path: Path, seen: Seen, base: Assessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrapper averages gradients over processes: each one's sum counts as many times as there are processes."""
    losses: list[float] = []
    scales: list[tuple[float, float]] = []
    compute_loss, roll_out = GRPOTrainer.compute_loss, GRPOTrainer._roll_out

    def noted(self: GRPOTrainer, *given: Any, **options: Any) -> Any:
        loss = compute_loss(self, *given, **options)
        losses.append(loss.item())
        return loss

    def twice(self: GRPOTrainer, batches: Any) -> Any:
        passes = roll_out(self, batches)
        with monkeypatch.context() as patch:
            patch.setattr(type(self.accelerator), "num_processes", property(lambda _: 2))
            scales.append((passes[0].scale, roll_out(self, batches)[0].scale))
        return passes

    monkeypatch.setattr(GRPOTrainer, "compute_loss", noted)
    monkeypatch.setattr(GRPOTrainer, "_roll_out", twice)
    _train(tmp_path, base, "grpo.updates_per_rollout=2", "updates=2", "save_every=2", "learning_rate=1e-4")
    _, result = seen.losses[-1]  # of the second use: in the first the two answers' losses cancel
    assert abs(result.loss.mean().item()) > 1e-4
    assert losses[-1] == pytest.approx(result.loss.mean().item())
    assert scales[0] == pytest.approx((0.5, 1.0))
