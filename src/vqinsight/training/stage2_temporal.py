"""Stage 2, temporal learning: three tasks on videos, with rewards for temporal order and for length.

* natural clips have one score (Eq. 3), generated clips one per dimension (Eq. 6);
* of two clips the better one is chosen, and yes/no questions are answered (Eq. 7);
* a question about one video is also asked about the video shuffled in time, and answers about the clip in order must
  be better (Eq. 4); pairs are excluded, as their label need not hold for shuffled clips;
* the length of the completion lies within bounds (Eq. 5).
"""

from __future__ import annotations

from pathlib import Path

from vqinsight.rewards.rubric import Rubric
from vqinsight.settings.train import RewardSettings, TrainSettings
from vqinsight.tasks.types import TaskName
from vqinsight.training.run import train_grpo

TASKS: tuple[TaskName, ...] = ("natural", "generated", "alignment", "compare", "yesno")


def rubric(rewards: RewardSettings) -> Rubric:
    """r = r_format + r_score or r_comp + r_temp + r_len."""
    return Rubric(rewards)


def run_stage2(settings: TrainSettings, *, resume: bool = False) -> Path:
    """Run stage 2; returns the folder of the finished model."""
    return train_grpo(settings, TASKS, rubric(settings.rewards), resume=resume)
