"""Stage 1, image-scoring warm-up: images with a mean opinion score, rewarded for format and score (Eq. 3)."""

from __future__ import annotations

from pathlib import Path

from vqinsight.rewards.rubric import Rubric
from vqinsight.settings.train import RewardSettings, TrainSettings
from vqinsight.tasks.types import TaskName
from vqinsight.training.run import train_grpo

TASKS: tuple[TaskName, ...] = ("image",)
PARTS = ("format", "score")


def rubric(rewards: RewardSettings) -> Rubric:
    """r = r_format + r_score."""
    return Rubric(rewards, PARTS)


def run_stage1(settings: TrainSettings, *, resume: bool = False) -> Path:
    """Run stage 1; returns the folder of the finished model."""
    return train_grpo(settings, TASKS, rubric(settings.rewards), resume=resume)
