"""What learns in DPO is float32 whatever was loaded, and what it learned is measured without its own log."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers.toy_generator import ToyGenerator
from helpers.toy_pairs import QUICK, preferred
from safetensors.torch import load_file

from vqinsight.errors import TrainingError
from vqinsight.generator import dpo_trainer
from vqinsight.generator.dpo import PairErrors
from vqinsight.generator.dpo_trainer import train_dpo
from vqinsight.ranking.pairs_file import Pairs

BF16 = QUICK.model_copy(update={"dtype": "bf16", "learning_rate": 1e-6, "updates": 2})
both = pytest.mark.parametrize("rank", [0, 4], ids=["all", "lora"])


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return preferred(tmp_path_factory.mktemp("pairs"))


def _bf16() -> ToyGenerator:
    """As a pipeline is that was loaded in bfloat16."""
    generator = ToyGenerator()
    generator.denoiser.to(torch.bfloat16)
    return generator


@both
def test_two_small_updates_change_what_has_a_gradient(
    pairs: Pairs, rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bfloat16 at 1e-6: updated in place hardly a weight would change."""
    begun: dict[str, torch.Tensor] = {}
    moved: dict[str, torch.Tensor] = {}
    step = torch.optim.AdamW.step
    generator = _bf16()

    def watched(optimizer: torch.optim.AdamW, *given: object) -> object:
        for name, weight in generator.denoiser.named_parameters():
            if weight.grad is not None:
                begun.setdefault(name, weight.detach().clone())
                moved[name] = moved.get(name, torch.zeros_like(weight, dtype=torch.bool)) | (weight.grad != 0)
        return step(optimizer, *given)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    final = train_dpo(generator, pairs, BF16.model_copy(update={"lora_rank": rank}), tmp_path)
    after = dict(generator.denoiser.named_parameters())
    changed = sum(int((after[name] != begun[name])[moved[name]].sum()) for name in begun)
    total = sum(int(each.sum()) for each in moved.values())
    assert total > 50 and changed > 0.9 * total
    assert all(after[name].dtype == torch.float32 for name in begun)
    kept = {weight.dtype for name, weight in after.items() if name not in begun}
    assert kept == ({torch.bfloat16} if rank else set())  # the base under LoRA stays as it is
    assert json.loads((final / "dpo.json").read_text())["dtype"] == "float32"


@both
def test_a_resumed_run_is_a_straight_one_in_bf16(pairs: Pairs, rank: int, tmp_path: Path) -> None:
    settings = BF16.model_copy(update={"lora_rank": rank, "updates": 4, "save_every": 2})
    straight = _bf16()
    train_dpo(straight, pairs, settings, tmp_path / "straight", seed=1)
    train_dpo(_bf16(), pairs, settings.model_copy(update={"updates": 2}), tmp_path / "two", seed=1)
    shutil.rmtree(tmp_path / "two" / "final")
    saved = load_file(tmp_path / "two" / "checkpoint-2" / "learning.safetensors")
    assert {weight.dtype for weight in saved.values()} == {torch.float32}
    resumed = _bf16()
    train_dpo(resumed, pairs, settings, tmp_path / "two", seed=1)
    expected, found = straight.denoiser.state_dict(), resumed.denoiser.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert any(not torch.equal(saved[name], expected[name]) for name in saved)  # the last two updates did something


@both
def test_it_starts_at_ln_2_in_bf16(pairs: Pairs, rank: int, tmp_path: Path) -> None:
    """Learner and reference are computed alike, or the first loss would be noise."""
    train_dpo(_bf16(), pairs, BF16.model_copy(update={"lora_rank": rank, "updates": 1}), tmp_path)
    (row,) = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert row["loss"] == pytest.approx(math.log(2), abs=1e-7) and row["drift"] == 0


def test_a_second_round_merges_lora_into_float32(pairs: Pairs, tmp_path: Path) -> None:
    """Added to bfloat16 weights the first round's small changes would round to nothing."""
    generator = _bf16()
    settings = BF16.model_copy(update={"lora_rank": 4, "learning_rate": 1e-4})
    train_dpo(generator, pairs, settings, tmp_path / "one")
    layer = generator.denoiser.to_q
    wanted = layer.base_layer.weight.float() + layer.get_delta_weight("default")
    assert not torch.equal(wanted.to(torch.bfloat16).float(), wanted)
    train_dpo(generator, pairs, settings, tmp_path / "two")
    assert torch.equal(generator.denoiser.to_q.base_layer.weight, wanted)


def _errors(generator: ToyGenerator, latents: torch.Tensor) -> torch.Tensor:
    """(B,) mean squared errors of the predicted flow under noise that is always the same."""
    rng = torch.Generator().manual_seed(11)
    total = torch.zeros(len(latents))
    for _ in range(64):
        t, noise = torch.rand(1, generator=rng), torch.randn(latents.shape[1:], generator=rng)
        noisy = (1 - t) * latents + t * noise
        text = generator.encode_prompt([f"clip {n}" for n in range(len(latents))]).tensors["text"]
        with torch.no_grad():
            said = generator.denoiser(noisy, t.expand(len(latents)), text)
        total += (said - (noise - latents)).square().mean(1)
    return total / 64


@both
def test_measured_from_outside_losers_become_worse_relative_to_winners(pairs: Pairs, rank: int, tmp_path: Path) -> None:
    """The log may call winner what the clips call loser: here nothing of the trainer is asked."""
    generator = ToyGenerator()
    strength, tint = torch.tensor([-0.4, 0.0]), [[0.5, 0.0, number / 3] for number in range(3)]
    clips = [torch.tensor([[strength[side] + n / 20, *tint[n]] for n in range(3)]) for side in (0, 1)]
    before = [_errors(generator, latents) for latents in clips]
    train_dpo(generator, pairs, QUICK.model_copy(update={"lora_rank": rank, "updates": 30}), tmp_path, seed=5)
    win, lose = (_errors(generator, latents) - b for latents, b in zip(clips, before, strict=True))
    assert ((lose - win) > 0.005).all(), (win, lose)


def _broken(change: Callable[[PairErrors], torch.Tensor]) -> Callable[..., PairErrors]:
    def errors(*given: object) -> PairErrors:
        found = pair_errors(*given)  # type: ignore[arg-type]
        return PairErrors(change(found), *list(vars(found).values())[1:])

    pair_errors = dpo_trainer.pair_errors
    return errors


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found.win_B * torch.nan, r"the loss is not finite \(nan\)"),
        (
            lambda found: found.win_B + (found.win_B - found.win_B.detach()).abs().sqrt(),
            r"the gradients are not finite",
        ),
    ],
)
def test_a_run_that_diverges_stops_and_keeps_its_checkpoint(
    pairs: Pairs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[PairErrors], torch.Tensor],
    said: str,
) -> None:
    settings = QUICK.model_copy(update={"updates": 2, "save_every": 1})
    train_dpo(ToyGenerator(), pairs, settings, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "final")
    monkeypatch.setattr(dpo_trainer, "pair_errors", _broken(change))
    with pytest.raises(TrainingError, match=rf"update 3: {said}.*The last good checkpoint is .*run/checkpoint-2"):
        train_dpo(ToyGenerator(), pairs, settings.model_copy(update={"updates": 6}), tmp_path / "run")
    assert sorted(place.name for place in (tmp_path / "run").glob("checkpoint-*")) == ["checkpoint-1", "checkpoint-2"]
    assert not (tmp_path / "run" / "final").exists()


def test_weights_that_are_not_finite_are_never_saved(
    pairs: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, done = torch.optim.AdamW.step, 0

    def broken(optimizer: torch.optim.AdamW, *given: object) -> None:
        nonlocal done
        step(optimizer, *given)
        done += 1
        if done == 2:
            optimizer.param_groups[0]["params"][0].data.view(-1)[1] = torch.inf

    monkeypatch.setattr(torch.optim.AdamW, "step", broken)
    for save_every, last in ((1, "checkpoint-1"), (5, "no checkpoint yet")):
        done, out = 0, tmp_path / str(save_every)
        with pytest.raises(TrainingError, match=rf"update 2: the weights are not finite \(inf\).*{last}"):
            train_dpo(ToyGenerator(), pairs, QUICK.model_copy(update={"updates": 2, "save_every": save_every}), out)
        assert not (out / "checkpoint-2").exists() and not (out / "final").exists()
