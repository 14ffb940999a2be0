"""Every shipped configuration is valid; wrong ones are refused with the nearest right word."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from vqinsight.errors import UsageError
from vqinsight.rewards.rubric import PARTS
from vqinsight.settings.align import AlignSettings
from vqinsight.settings.reader import read_toml
from vqinsight.settings.shipped import config_path, shipped_names
from vqinsight.settings.train import RewardSettings, TrainSettings
from vqinsight.training import stage1_warmup, stage2_temporal
from vqinsight.training.run import arguments

SHIPPED = [name for name in shipped_names() if "stage3" not in name and not name.startswith("distributed/")]
ALIGNING = [name for name in shipped_names() if "stage3" in name]


def test_there_is_one_for_every_stage_and_size() -> None:
    assert set(SHIPPED) >= {f"{size}/{stage}" for stage in ("stage1", "sft") for size in ("nano", "3b", "7b")}
    recipes = ("natural", "multidimension", "comparison", "mixture")
    assert set(SHIPPED) >= {"nano/stage2", *(f"{size}/stage2_{name}" for name in recipes for size in ("3b", "7b"))}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configurations_are_valid(name: str, tmp_path: Path) -> None:
    settings = read_toml(TrainSettings, config_path(name), [f"out={tmp_path}", "trainer.bf16=false"])
    answers = 1 if settings.stage == "sft" else settings.grpo.group_size
    built = arguments(settings, answers)
    assert (
        built.gradient_accumulation_steps * built.per_device_train_batch_size == settings.questions_per_update * answers
    )


@pytest.mark.parametrize("name", ALIGNING)
def test_stage_3_names_a_valid_stage_2(name: str) -> None:
    settings = read_toml(AlignSettings, config_path(name))
    assert settings.rounds == 2 and settings.update_assessor and settings.assessor_update is not None
    assessor_update = read_toml(
        TrainSettings, config_path(settings.assessor_update.config), settings.assessor_update.set
    )
    assert assessor_update.stage == "temporal"
    if "7b" in name:
        assert (settings.candidates, settings.dpo.beta, settings.assessor.mode) == (10, 5000, "all")


def test_defaults_are_the_paper_s() -> None:
    settings = read_toml(TrainSettings, config_path("7b/stage2_mixture"))
    assert (settings.grpo.group_size, settings.grpo.beta, settings.learning_rate, settings.epochs) == (
        8,
        0.001,
        1e-6,
        3,
    )
    rewards = settings.rewards
    assert (rewards.alpha, rewards.mu, rewards.gamma, rewards.l_min, rewards.l_max) == (0.3, 0.8, 0.1, 320, 512)
    assert rewards == RewardSettings()


@pytest.mark.parametrize("name", ["deepspeed_zero2.json", "deepspeed_zero3.json"])
def test_sharding_configurations_are_json(name: str) -> None:
    assert json.loads(config_path(f"distributed/{name}").read_text())["zero_optimization"]["stage"] in (2, 3)


@pytest.mark.skipif(find_spec("deepspeed") is not None, reason="DeepSpeed is installed")
def test_deepspeed_that_is_not_installed_is_said(tmp_path: Path) -> None:
    change = [f"out={tmp_path}", "trainer.deepspeed=distributed/deepspeed_zero3.json"]
    with pytest.raises(UsageError, match="pip install deepspeed"):
        arguments(read_toml(TrainSettings, config_path("nano/stage2"), change), 8)


def test_rubrics() -> None:
    rewards = RewardSettings(temporal=0.0)
    assert set(stage1_warmup.rubric(rewards).weights) == {"format", "score"}
    assert set(stage2_temporal.rubric(rewards).weights) == set(PARTS) - {"temporal"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("grpo.group_sise=4", "grpo.group_size"),
        ("quetsions_per_update=4", "questions_per_update"),
        ("rewards.scale=unti", "rewards.scale"),
        ("data.0.datset=koniq", "data.0.dataset"),
        ("data.7.dataset=koniq", "no entry 7"),
        ("grpo", "key=value"),
        ("stage.x=1", "single value"),
        ("grpo.updates_per_rollout=3", "multiple"),
        ("updates=-1", "updates"),
    ],
)
def test_wrong_settings(change: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_toml(TrainSettings, config_path("nano/stage2"), [change])


def test_changes_replace_what_the_file_says() -> None:
    changes = ["grpo.group_size=4", "model.name=some/where", "trainer.report_to=['tensorboard']", "data.1.count=7"]
    settings = read_toml(TrainSettings, config_path("nano/stage2"), changes)
    assert settings.grpo.group_size == 4 and settings.model.name == "some/where"
    assert settings.trainer["report_to"] == ["tensorboard"] and settings.data[1].count == 7


def test_batches_that_do_not_divide(tmp_path: Path) -> None:
    settings = read_toml(TrainSettings, config_path("nano/stage2"), [f"out={tmp_path}", "questions_per_update=3"])
    with pytest.raises(UsageError, match="answers_per_forward"):
        arguments(settings, 8)
    wrong = read_toml(TrainSettings, config_path("nano/stage2"), [f"out={tmp_path}", "trainer.warmup_step=1"])
    with pytest.raises(UsageError, match="warmup_steps"):
        arguments(wrong, 8)
