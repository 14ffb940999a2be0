"""The script that starts verl with a configuration's values, and what verl does otherwise than our trainer."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from vqinsight.settings.train import TrainSettings

VERL = "0.9.1"  # the version that is tested
_PACKAGE = "vqinsight.training.export_verl"
# Of [trainer]; all other keys are arguments of transformers' Trainer.
_TAKEN = {"bf16", "activation_checkpointing", "gradient_checkpointing"}


def differences(settings: TrainSettings, *, without_temporal: bool) -> list[str]:
    """What a run in verl does otherwise, a sentence each."""
    found = []
    if without_temporal:
        found.append(
            "Eq. 4 is left out: it compares a group with answers about the shuffled clip, which verl's rewards and "
            "advantages never see."
        )
    if not settings.model.lora_rank and not settings.model.train_vision:
        found.append(f"The vision tower learns too: verl {VERL} cannot freeze it under FSDP. Set model.lora_rank.")
    if settings.model.lora_rank and settings.model.train_vision:
        found.append("The vision tower does not learn: beside an adapter verl trains nothing else.")
    found.append("The learning rate stays constant; our trainer lets it fall to 0 in a straight line.")
    if left := sorted(set(settings.trainer) - _TAKEN):
        found.append(f"Left out, as verl has no such arguments: {', '.join(f'trainer.{key}' for key in left)}.")
    return found


def overrides(settings: TrainSettings, folder: Path, prompt_tokens: int) -> dict[str, Any]:
    """verl's configuration keys with the values of ``settings``.

    Args:
        folder: of the export.
        prompt_tokens: longest prompt.
    """
    grpo, model = settings.grpo, settings.model
    actor, rollout = "actor_rollout_ref.actor", "actor_rollout_ref.rollout"
    checkpointing = settings.trainer.get("activation_checkpointing") or settings.trainer.get("gradient_checkpointing")
    train = str(folder / "train.parquet")
    return {
        "data.train_files": train,
        "data.val_files": train,  # verl needs one; it is not used
        "data.val_max_samples": 1,
        "data.custom_cls.path": f"pkg://{_PACKAGE}.dataset",
        "data.custom_cls.name": "FrameDataset",
        "data.shuffle": False,  # the rows are in the order of the run
        "data.train_batch_size": settings.questions_per_update,
        "data.max_prompt_length": prompt_tokens,
        "data.max_response_length": grpo.max_new_tokens,
        "+data.mm_processor_kwargs.do_resize": False,
        "algorithm.adv_estimator": "vqinsight",  # Eq. 1
        "algorithm.use_kl_in_reward": False,
        "reward.custom_reward_function.path": str(folder / "reward.py"),
        "reward.custom_reward_function.name": "compute_score",
        "reward.reward_manager.name": "vqinsight",
        "actor_rollout_ref.model.enable_gradient_checkpointing": bool(checkpointing),
        "actor_rollout_ref.model.lora_rank": model.lora_rank,
        "actor_rollout_ref.model.lora_alpha": model.lora_alpha,
        **({"actor_rollout_ref.model.target_modules": model.lora_targets} if model.lora_rank else {}),
        f"{actor}.strategy": "fsdp2",
        "actor_rollout_ref.ref.strategy": "fsdp2",
        f"{actor}.optim.lr": settings.learning_rate,
        f"{actor}.optim.weight_decay": 0.0,
        f"{actor}.ppo_mini_batch_size": settings.questions_per_update,
        f"{actor}.ppo_micro_batch_size_per_gpu": settings.answers_per_forward,
        f"{actor}.ppo_epochs": grpo.updates_per_rollout,
        # Eq. 2: a mean over the tokens of an answer, then over answers, with one clip.
        f"{actor}.loss_agg_mode": "seq-mean-token-mean",
        f"{actor}.clip_ratio": grpo.delta,
        f"{actor}.clip_ratio_low": grpo.delta,
        f"{actor}.clip_ratio_high": grpo.delta,
        f"{actor}.clip_ratio_c": 1e9,  # verl's second clip, for negative advantages, out of reach
        f"{actor}.use_kl_loss": grpo.beta > 0,
        f"{actor}.kl_loss_coef": grpo.beta,
        f"{actor}.kl_loss_type": "low_var_kl",
        f"{actor}.entropy_coeff": 0,
        f"{actor}.data_loader_seed": settings.seed,
        f"{rollout}.name": "vllm",
        f"{rollout}.n": grpo.group_size,
        f"{rollout}.temperature": grpo.temperature,
        f"{rollout}.top_p": 1.0,
        f"{rollout}.top_k": -1,
        f"{rollout}.seed": settings.seed,
        f"{rollout}.max_model_len": prompt_tokens + grpo.max_new_tokens,
        f"{rollout}.max_num_batched_tokens": max(8192, prompt_tokens + grpo.max_new_tokens),
        f"{rollout}.log_prob_micro_batch_size_per_gpu": settings.answers_per_forward,
        "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu": settings.answers_per_forward,
        "trainer.total_epochs": 1,  # the rows hold all epochs
        "trainer.save_freq": settings.save_every,
        "trainer.max_actor_ckpt_to_keep": 2,
        "trainer.test_freq": -1,
        "trainer.val_before_train": False,
        "trainer.logger": ["console"],
        "trainer.project_name": "vqinsight",
        "trainer.experiment_name": settings.out.name,
    }


def script(settings: TrainSettings, folder: Path, prompt_tokens: int, told: list[str]) -> str:
    """``launch.sh``.

    Args:
        told: from ``differences``.
    """
    given = [f"{key}={_value(value)}" for key, value in overrides(settings, folder, prompt_tokens).items()]
    lines = [
        "#!/usr/bin/env bash",
        f"# GRPO by verl {VERL}: FSDP and vLLM. Needs its environment with this package beside it:",
        f"#   pip install 'verl[verl-core,vllm]=={VERL}' 'pydantic>=2.9' && pip install --no-deps vqinsight",
        "# Variables: MODEL, OUT, GPUS (of a node), NODES, TP (GPUs of one vLLM), PYTHON. More arguments go to verl.",
        *(f"# {each}" for each in told),
        "set -euo pipefail",
        "export VERL_USE_EXTERNAL_MODULES=" + f"{_PACKAGE}.plugin",
        f"MODEL=${{MODEL:-{shlex.quote(settings.model.name)}}}",
        f"OUT=${{OUT:-{shlex.quote(str(settings.out))}}}",
        'exec "${PYTHON:-python3}" -m verl.trainer.main_ppo \\',
        *(f"  {shlex.quote(each)} \\" for each in given),
        "  \"actor_rollout_ref.model.path='$MODEL'\" \\",
        '  "actor_rollout_ref.rollout.tensor_model_parallel_size=${TP:-1}" \\',
        "  \"trainer.default_local_dir='$OUT'\" \\",
        '  "trainer.n_gpus_per_node=${GPUS:-8}" \\',
        '  "trainer.nnodes=${NODES:-1}" \\',
        # Workers on other nodes do not inherit this shell's variables.
        '  "+ray_kwargs.ray_init.runtime_env.env_vars.VERL_USE_EXTERNAL_MODULES=$VERL_USE_EXTERNAL_MODULES" "$@"',
    ]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A value in the grammar of Hydra's command line."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        if re.fullmatch(r"[\w./:-]+", value):
            return value
        escaped = re.sub(r"(\\+)(?='|$)", r"\1\1", value).replace("'", "\\'")  # before a quote a backslash counts
        return f"'{escaped}'"
    if isinstance(value, list):
        return "[" + ",".join(map(_value, value)) + "]"
    return str(value)
