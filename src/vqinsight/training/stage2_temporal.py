"""Stage 2, temporal learning: three tasks on videos, with rewards for temporal order and for length.

* natural clips get one score (Eq. 3), generated clips one a dimension (Eq. 6);
* of two clips the better one is chosen, and yes/no questions are answered (Eq. 7);
* a clip that is scored is judged a second time with its visual tokens shuffled in time, and the answers to the clip in
  order have to be the better ones (Eq. 4); pairs take no part in this, it would blur what their label says;
* the completion is neither too short nor too long (Eq. 5).
"""

from __future__ import annotations

from pathlib import Path

from vqinsight.rewards.rubric import Rubric
from vqinsight.settings.train import RewardSettings, TrainSettings
from vqinsight.tasks.types import TaskName
from vqinsight.training.run import train_grpo

TASKS: tuple[TaskName, ...] = ("natural", "generated", "compare", "yesno")


def rubric(rewards: RewardSettings) -> Rubric:
    """r = r_format + r_score or r_comp + r_temp + r_len."""
    return Rubric(rewards)


def run_stage2(settings: TrainSettings, *, resume: bool = False) -> Path:
    """Run stage 2; returns the folder of the finished model."""
    return train_grpo(settings, TASKS, rubric(settings.rewards), resume=resume)
