"""Run by ``test_verl.py`` in verl's own environment: what verl makes of an export, as JSON.

Arguments: a JSON file with ``overrides`` (of launch.sh), ``answers`` (row, text) and ``rewards`` (group, reward), and
the file to write.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_module
from verl import DataProto
from verl.trainer.ppo.ray_trainer import compute_advantage
from verl.trainer.ppo.reward import load_reward_manager
from verl.trainer.ppo.utils import need_critic, need_reference_policy
from verl.utils import hf_processor, hf_tokenizer
from verl.utils.config import validate_config
from verl.utils.dataset.rl_dataset import RLHFDataset, get_dataset_class
from verl.utils.tokenizer import build_multimodal_processor_inputs


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text())
    with initialize_config_module("verl.trainer.config", version_base=None):
        config = compose("ppo_trainer", overrides=given["overrides"])
    validate_config(config, need_reference_policy(config), need_critic(config))
    folder = config.actor_rollout_ref.model.path
    tokenizer, processor = hf_tokenizer(folder), hf_processor(folder)
    kind = get_dataset_class(config.data)
    rows = kind(config.data.train_files, tokenizer, config.data, processor)
    found = {
        "dataset": kind.__name__,
        "prompts": [prompt(rows[i], kind, processor, config) for i in range(len(rows))],
        "plain": prompt(rows[0], RLHFDataset, processor, config),
        "rewards": asyncio.run(rewards(rows, given["answers"], tokenizer, config)),
        "advantages": advantages(given["rewards"], config),
    }
    Path(sys.argv[2]).write_text(json.dumps(found))


def prompt(row: dict[str, Any], kind: Any, processor: Any, config: Any) -> dict[str, Any]:
    """The tokens and pixels of a row, made as the rollout makes them."""
    text = processor.apply_chat_template(row["raw_prompt"], add_generation_prompt=True, tokenize=False)
    images, videos, _ = kind._process_multi_modal_info(row["raw_prompt"], 14, config.data)
    made = build_multimodal_processor_inputs(
        processor, text=[text], images=images, videos=videos, mm_processor_kwargs=dict(config.data.mm_processor_kwargs)
    )
    pixels = made["pixel_values_videos"] if videos else made["pixel_values"]
    return {
        "ids": made["input_ids"][0].tolist(),
        "pixels": [pixels.double().sum().item(), pixels.double().square().sum().item(), *pixels.shape],
        "seconds": [float(value) for value in made.get("second_per_grid_ts", [])],
    }


async def rewards(rows: Any, answers: list[Any], tokenizer: Any, config: Any) -> list[dict[str, float]]:
    """Of answers to rows, all at once as in a rollout, by the manager that the configuration names."""
    manager = load_reward_manager(config, tokenizer)
    return [each["reward_extra_info"] | {"reward": each["reward_score"]} for each in await asyncio.gather(*(
        manager.run_single(item) for item in batch(rows, answers, tokenizer)
    ))]  # fmt: skip


def batch(rows: Any, answers: list[Any], tokenizer: Any) -> list[DataProto]:
    """Answers as a rollout leaves them: end token, then padding. Those to one row share its objects."""
    asked = {place: rows[place] for place, _ in answers}
    ids = [[*tokenizer.encode(text), tokenizer.eos_token_id] for _, text in answers]
    longest = max(map(len, ids)) + 3
    made = []
    for (place, _), tokens in zip(answers, ids, strict=True):
        blank = longest - len(tokens)
        made.append(
            DataProto.from_dict(
                tensors={
                    "prompts": torch.zeros(1, 5, dtype=torch.long),
                    "responses": torch.tensor([tokens + [tokenizer.pad_token_id] * blank]),
                    "attention_mask": torch.tensor([[0, 1, 1, 1, 1] + [1] * len(tokens) + [0] * blank]),
                },
                non_tensors={
                    name: np.array([asked[place][name]], dtype=object)
                    for name in ("data_source", "reward_model", "extra_info")
                },
            )
        )
    return made


def advantages(given: list[Any], config: Any) -> list[list[float]]:
    """Of rewards with the names of their groups; answers of 1, 2, 3, … tokens, the reward on the last."""
    count = len(given)
    mask = torch.tril(torch.ones(count, count))
    data = DataProto.from_dict(
        tensors={
            "token_level_rewards": torch.diag(torch.tensor([reward for _, reward in given])),
            "response_mask": mask,
        },
        non_tensors={"uid": np.array([name for name, _ in given], dtype=object)},
    )
    made = compute_advantage(data, adv_estimator=config.algorithm.adv_estimator, config=config.algorithm)
    found: list[list[float]] = made.batch["advantages"].tolist()
    return found


if __name__ == "__main__":
    main()
