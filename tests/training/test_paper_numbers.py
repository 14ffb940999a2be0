"""Every number of the paper, as the shipped configurations resolve to it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from vqinsight.errors import UsageError
from vqinsight.settings.align import AlignSettings
from vqinsight.settings.inference import InferenceSettings
from vqinsight.settings.reader import read_toml
from vqinsight.settings.shipped import CONFIGS, config_path, shipped_names
from vqinsight.settings.train import TrainSettings
from vqinsight.training import stage2_temporal
from vqinsight.training.run import check_trainer
from vqinsight.training.sft import run_sft

RECIPES = {
    "natural": [("lsvq", "train", None, None)],
    "multidimension": [("lgvq", "train", None, None)],
    "comparison": [("visionreward", "regression", None, 2000), ("visionreward", "train", "yesno", 1000)],
}
RECIPES["mixture"] = [each for recipe in ("natural", "multidimension", "comparison") for each in RECIPES[recipe]]


def train(name: str) -> TrainSettings:
    return read_toml(TrainSettings, config_path(name))


@pytest.mark.parametrize("size", ["3b", "7b"])
def test_stage_1(size: str) -> None:
    settings = train(f"{size}/stage1")
    assert (settings.stage, settings.model.name) == ("warmup", f"Qwen/Qwen2.5-VL-{size.upper()}-Instruct")
    assert (settings.learning_rate, settings.epochs) == (1e-6, 3)  # Eq. 2
    assert (settings.grpo.group_size, settings.grpo.delta, settings.grpo.beta) == (8, 0.2, 0.001)


@pytest.mark.parametrize("size", ["3b", "7b"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_stage_2(size: str, recipe: str) -> None:
    settings = train(f"{size}/stage2_{recipe}")
    assert (settings.stage, settings.model.name) == ("temporal", f"runs/stage1_{size}/final")  # the warmed-up model
    assert Path(train(f"{size}/stage1").out, "final") == Path(settings.model.name)
    assert [(each.dataset, each.split, each.task, each.count) for each in settings.data] == RECIPES[recipe]
    assert (settings.learning_rate, settings.epochs) == (1e-6, 3)  # Eq. 2
    assert (settings.grpo.group_size, settings.grpo.delta, settings.grpo.beta) == (8, 0.2, 0.001)
    assert settings.grpo.updates_per_rollout == 1
    rewards = settings.rewards
    assert (rewards.alpha, rewards.mu) == (0.3, 0.8)  # Eq. 4
    assert (rewards.gamma, rewards.l_min, rewards.l_max) == (0.1, 320, 512)  # Eq. 5
    assert not rewards.dimension_weights  # lambda_j = 1 of Eq. 6
    assert set(stage2_temporal.rubric(rewards).weights.values()) == {1.0}


def test_every_recipe_leaves_a_model_of_its_own() -> None:
    trained = [name for name in shipped_names() if "/stage2" in name or "/stage1" in name]
    outs = [train(name).out for name in trained]
    assert len(set(outs)) == len(outs) == 12


@pytest.mark.parametrize("name", ["7b/stage3_modelscope", "7b/stage3_t2v_turbo"])
def test_stage_3(name: str) -> None:
    settings = read_toml(AlignSettings, config_path(name))
    assert (settings.candidates, settings.assessor.mode, settings.rounds) == (10, "all", 2)  # N of Eq. 8; G', G''
    assert (settings.prompts.dataset, settings.prompts.count) == ("vidprom", 5000)
    assert settings.dpo.beta == 5000  # Eq. 9
    update = settings.assessor_update
    assert update is not None and str(update.config) == "7b/stage2_comparison"
    assert Path(settings.assessor.name) == train(str(update.config)).out / "final"


def test_sampling_and_pixels() -> None:
    settings = InferenceSettings()
    assert (settings.fps, settings.min_frames, settings.max_frames, settings.max_pixels) == (2, 4, 16, 105_369)


def test_no_shipped_configuration_needs_a_logger() -> None:
    for file in CONFIGS.rglob("*.toml"):
        assert not [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("report_to")]


@pytest.mark.skipif(find_spec("tensorboard") is not None, reason="TensorBoard is installed")
@pytest.mark.parametrize("given", ["tensorboard", "['none', 'tensorboard']"])
def test_a_logger_that_is_not_installed_is_said_before_anything_is_loaded(tmp_path: Path, given: str) -> None:
    changes = [f"out={tmp_path / 'run'}", f"trainer.report_to={given}", "model.name=no/such/model"]
    settings = read_toml(TrainSettings, config_path("nano/stage2"), changes)
    with pytest.raises(UsageError, match=r"report_to = 'tensorboard' needs a package.*pip install tensorboard"):
        stage2_temporal.run_stage2(settings)
    assert not (tmp_path / "run").exists()
    with pytest.raises(UsageError, match="pip install tensorboard"):
        run_sft(read_toml(TrainSettings, config_path("nano/sft"), changes))


def test_a_logger_that_nobody_knows(tmp_path: Path) -> None:
    changes = [f"out={tmp_path}", "trainer.report_to=tensorbord"]
    with pytest.raises(UsageError, match="Did you mean 'tensorboard'"):
        check_trainer(read_toml(TrainSettings, config_path("nano/stage2"), changes))
