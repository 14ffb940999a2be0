"""Every shipped configuration is valid; wrong ones are refused with the nearest right word."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from vqinsight.config import read_toml
from vqinsight.errors import UsageError
from vqinsight.rewards.rubric import PARTS
from vqinsight.stages import temporal, warmup
from vqinsight.stages.align_settings import AlignSettings
from vqinsight.stages.run import arguments
from vqinsight.stages.settings import RewardSettings, TrainSettings

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SHIPPED = sorted(path for path in CONFIGS.glob("*.toml") if not path.stem.startswith("stage3"))
ALIGNING = sorted(CONFIGS.glob("stage3_*.toml"))


def test_there_is_one_for_every_stage_and_size() -> None:
    names = {path.stem for path in SHIPPED}
    assert names >= {f"{stage}_{size}" for stage in ("stage1", "stage2", "sft") for size in ("nano", "3b", "7b")}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_configurations_are_valid(path: Path, tmp_path: Path) -> None:
    settings = read_toml(TrainSettings, path, [f"out={tmp_path}", "trainer.bf16=false"])
    answers = 1 if settings.stage == "sft" else settings.grpo.answers
    built = arguments(settings, answers)
    assert built.gradient_accumulation_steps * built.per_device_train_batch_size == settings.questions * answers


@pytest.mark.parametrize("path", ALIGNING, ids=lambda path: path.stem)
def test_stage_3_names_a_valid_stage_2(path: Path) -> None:
    settings = read_toml(AlignSettings, path)
    assert settings.rounds == 2 and settings.update_assessor and settings.teach is not None
    teach = read_toml(TrainSettings, CONFIGS.parent / settings.teach.config, settings.teach.set)
    assert teach.stage == "temporal"
    if "7b" in path.stem:
        assert (settings.candidates, settings.dpo.beta, settings.assessor.mode) == (10, 5000, "all")


def test_defaults_are_the_paper_s() -> None:
    settings = read_toml(TrainSettings, CONFIGS / "stage2_7b.toml")
    assert (settings.grpo.answers, settings.grpo.beta, settings.learning_rate, settings.epochs) == (8, 0.001, 1e-6, 3)
    rewards = settings.rewards
    assert (rewards.alpha, rewards.mu, rewards.gamma, rewards.l_min, rewards.l_max) == (0.3, 0.8, 0.1, 320, 512)
    assert rewards == RewardSettings()


@pytest.mark.parametrize("name", ["deepspeed_zero2.json", "deepspeed_zero3.json"])
def test_sharding_configurations_are_json(name: str) -> None:
    assert json.loads((CONFIGS / name).read_text())["zero_optimization"]["stage"] in (2, 3)


@pytest.mark.skipif(find_spec("deepspeed") is not None, reason="DeepSpeed is installed")
def test_deepspeed_that_is_not_installed_is_said(tmp_path: Path) -> None:
    change = [f"out={tmp_path}", "trainer.deepspeed=configs/deepspeed_zero3.json"]
    with pytest.raises(UsageError, match="pip install deepspeed"):
        arguments(read_toml(TrainSettings, CONFIGS / "stage2_nano.toml", change), 8)


def test_rubrics() -> None:
    rewards = RewardSettings(temporal=0.0)
    assert set(warmup.rubric(rewards).weights) == {"format", "score"}
    assert set(temporal.rubric(rewards).weights) == set(PARTS) - {"temporal"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("grpo.answer=4", "grpo.answers"),
        ("quetsions=4", "questions"),
        ("rewards.scale=unti", "rewards.scale"),
        ("data.0.datset=koniq", "data.0.dataset"),
        ("data.7.dataset=koniq", "no entry 7"),
        ("grpo", "key=value"),
        ("stage.x=1", "single value"),
        ("grpo.updates_per_rollout=3", "multiple"),
        ("steps=-1", "steps"),
    ],
)
def test_wrong_settings(change: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_toml(TrainSettings, CONFIGS / "stage2_nano.toml", [change])


def test_changes_replace_what_the_file_says() -> None:
    changes = ["grpo.answers=4", "model.name=some/where", "trainer.report_to=['tensorboard']", "data.1.count=7"]
    settings = read_toml(TrainSettings, CONFIGS / "stage2_nano.toml", changes)
    assert settings.grpo.answers == 4 and settings.model.name == "some/where"
    assert settings.trainer["report_to"] == ["tensorboard"] and settings.data[1].count == 7


def test_batches_that_do_not_divide(tmp_path: Path) -> None:
    settings = read_toml(TrainSettings, CONFIGS / "stage2_nano.toml", [f"out={tmp_path}", "questions=3"])
    with pytest.raises(UsageError, match="answers_per_forward"):
        arguments(settings, 8)
    wrong = read_toml(TrainSettings, CONFIGS / "stage2_nano.toml", [f"out={tmp_path}", "trainer.warmup_step=1"])
    with pytest.raises(UsageError, match="warmup_steps"):
        arguments(wrong, 8)
