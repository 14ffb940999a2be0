"""What verl imports by ``VERL_USE_EXTERNAL_MODULES``: Eq. 1 as an advantage estimator, and a reward manager that counts
tokens. Runs in verl's environment.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from verl import DataProto
from verl.experimental.reward_loop.reward_manager import register
from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
from verl.trainer.ppo.core_algos import register_adv_est

from vqinsight.grpo.advantage import advantages
from vqinsight.training.export_verl.reward import TOKENS

NAME = "vqinsight"


@register_adv_est(NAME)
def group_advantages(
    token_level_rewards: torch.Tensor, response_mask: torch.Tensor, index: np.ndarray, **_: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Eq. 1 within each group.

    Args:
        token_level_rewards: (A, T); the reward of an answer is its sum.
        response_mask: (A, T), 1 for tokens of the answer.
        index: (A,), equal for the answers to one question.

    Returns:
        (A, T) advantages, and the same as returns.
    """
    rewards = token_level_rewards.sum(-1).tolist()
    groups: dict[Any, list[int]] = {}
    for place, name in enumerate(index):
        groups.setdefault(name, []).append(place)
    found = torch.zeros(len(rewards), dtype=token_level_rewards.dtype, device=token_level_rewards.device)
    for places in groups.values():
        compared = advantages([rewards[place] for place in places])
        found[places] = torch.tensor(compared, dtype=found.dtype, device=found.device)
    spread = found[:, None] * response_mask
    return spread, spread


@register(NAME)
class CountingRewardManager(NaiveRewardManager):
    """verl's own manager; the reward function also gets the number of the answer's tokens, for Eq. 5."""

    async def run_single(self, data: DataProto) -> dict[str, Any]:
        """See verl: the reward of one answer and its parts."""
        last = data[-1:]
        answered = last.batch["responses"].shape[-1]
        tokens = int(last.batch["attention_mask"][0, -answered:].sum())
        # A copy: answers to one question share the object, and are graded at the same time.
        known = dict(last.non_tensor_batch["extra_info"][0], **{TOKENS: tokens})
        last.non_tensor_batch = last.non_tensor_batch | {"extra_info": np.array([known], dtype=object)}
        graded: dict[str, Any] = await super().run_single(last)
        return graded
