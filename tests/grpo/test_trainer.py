"""The trainer in this process, on the embedded model: refusals, alarms, and what a person can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import runs

from vqinsight.assessor.load import load_model
from vqinsight.assessor.save import last_checkpoint
from vqinsight.errors import TrainingError, UsageError
from vqinsight.grpo import trainer
from vqinsight.grpo.dataset import RolloutSampler
from vqinsight.grpo.loss import Loss, grpo_loss
from vqinsight.grpo.rollout import reasoning_tokens
from vqinsight.grpo.trainer import GRPOTrainer
from vqinsight.settings.reader import read_toml
from vqinsight.settings.train import TrainSettings
from vqinsight.training.stage1_warmup import run_stage1
from vqinsight.training.stage2_temporal import run_stage2
from vqinsight.weights import ASSESSOR


def test_out_of_memory_names_the_settings_to_lower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(GRPOTrainer, "compute_loss", full)
    with pytest.raises(TrainingError, match=r"4 answers at once.*answers_per_forward"):
        run_stage2(runs.settings(tmp_path))


@pytest.mark.slow
def test_a_pass_may_hold_fewer_answers_than_a_group(tmp_path: Path) -> None:
    """One answer a pass ends with the weights that whole groups a pass end with, but for the order of a sum."""
    ends = []
    for answers in (8, 1):
        folder = tmp_path / str(answers)
        folder.mkdir()
        short = ("questions_per_update=2", f"answers_per_forward={answers}", "updates=2", "grpo.max_new_tokens=60")
        run_stage2(runs.settings(folder, *short, "trainer.max_grad_norm=0", "trainer.optim=sgd", "learning_rate=1"))
        ends.append((runs.weights(folder / "run" / "final"), (folder / "run" / "samples.md").read_text()))
    (together, samples), (alone, samples_alone) = ends
    assert samples.split("## Update 2")[0] == samples_alone.split("## Update 2")[0]
    start = runs.weights(ASSESSOR)
    assert any(not torch.equal(start[name], together[name]) for name in start)
    for name, weight in together.items():
        assert torch.allclose(weight, alone[name], atol=1e-5), name


def test_a_stage_refuses_questions_of_another(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'warmup' does not teach"):
        run_stage1(runs.settings(tmp_path, "stage=warmup"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("data.0.dataset=koniqq", "koniq"),
        ("data.0.dataset=koniq", "needs dir"),
        ("data.0.task=scores", "unknown task"),
        ("data.0.split=validation", "held_out"),
    ],
)
def test_wrong_data(tmp_path: Path, change: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run_stage2(runs.settings(tmp_path, change))


def test_synthetic_clips_need_updates(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(runs.CONFIG.replace("updates = 6\n", ""))
    with pytest.raises(UsageError, match="updates"):
        run_stage2(read_toml(TrainSettings, file, [f"out={tmp_path / 'run'}"]))


@pytest.mark.slow
def test_a_run_can_be_read(tmp_path: Path) -> None:
    """Samples with every part, curves, and a folder with all that a model needs."""
    final = run_stage2(runs.settings(tmp_path, "questions_per_update=2", "answers_per_forward=8"))
    samples = (tmp_path / "run" / "samples.md").read_text()
    assert "reward" in samples and "advantage" in samples and "Label:" in samples
    assert "reward_length" in (tmp_path / "run" / "log.json").read_text()
    assert (final / "vqinsight.json").is_file() and (final / "preprocessor_config.json").is_file()
    assert not (final / "training_args.bin").exists()


def test_reasoning_ends_with_its_tag() -> None:
    tokenizer = load_model("nano", device="cpu").tokenizer
    said = "<think>I see two red circles.</think><answer>{}</answer>"
    ids = tokenizer(said)["input_ids"]
    count = reasoning_tokens(tokenizer, ids)
    assert tokenizer.decode(ids[:count]) == "<think>I see two red circles.</think>"
    assert reasoning_tokens(tokenizer, ids[: count - 1]) == count - 1  # never closed: all of it
    assert reasoning_tokens(tokenizer, []) == 0


def test_an_anchor_on_the_reasoning_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The KL term is told each answer's reasoning, and nothing when it holds whole answers."""
    seen: list[tuple[torch.Tensor | None, torch.Tensor]] = []

    def watched(*given: Any) -> Loss:
        seen.append((given[7], given[4]))
        return grpo_loss(*given)

    monkeypatch.setattr(trainer, "grpo_loss", watched)
    longer = "grpo.max_new_tokens=160"
    run_stage2(runs.settings(tmp_path, "grpo.anchor=reasoning", longer))
    (anchored, mask), *_ = seen
    assert anchored is not None
    held, whole = (anchored * mask).sum(1), mask.sum(1)
    assert (held > 0).all() and (held <= whole).all() and (held < whole).any()
    seen.clear()
    run_stage2(runs.settings(tmp_path, longer, f"out={tmp_path / 'other'}"))
    assert seen[0][0] is None


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    for number, state in ((2, "{}"), (4, "{}"), (10, '{"cut'), (6, None)):
        folder = tmp_path / f"checkpoint-{number}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    (tmp_path / "checkpoint-x").mkdir()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-4"
    assert last_checkpoint(tmp_path / "nothing") is None


def test_blocks_come_as_often_as_they_are_used() -> None:
    assert list(RolloutSampler(6, 4, 2)) == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 4, 5]
    assert len(RolloutSampler(6, 4, 2)) == 12
