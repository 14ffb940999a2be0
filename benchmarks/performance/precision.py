"""The share of learned weights that two updates at a learning rate of 1e-6 change, in each supported arrangement.

Everything runs on the embedded model, in bfloat16 explicitly. Counted are the entries of the language model's layers,
or of the adapter, that differ after two updates; bfloat16 weights updated in place are the arrangement that is refused.
FSDP2 and ZeRO run in two processes on the CPU; ZeRO needs DeepSpeed.

``python -m benchmarks.performance.precision --json results/precision.json``
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from safetensors.torch import load_file

from benchmarks.results import store
from vqinsight.assessor.load import load_model
from vqinsight.settings.shipped import CONFIGS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
stage = "temporal"
questions_per_update = 4
answers_per_forward = 8
updates = 2
save_every = 2
learning_rate = 1e-6

[model]
name = "nano"
dtype = "bfloat16"

[[data]]
dataset = "synthetic"
task = "compare"

[rewards]
l_min = 30
l_max = 45

[grpo]
group_size = 4
max_new_tokens = 80

[trainer]
lr_scheduler_type = "constant"
"""
# CPUs pass for cards (tests/helpers/cards.py): over cards alone Accelerate shards.
CARDS = str(ROOT / "tests" / "helpers" / "cards.py")
FSDP2 = (
    *("-m", "accelerate.commands.launch", "--config_file", str(CONFIGS / "distributed" / "fsdp2.yaml")),
    *("--num_processes", "2", "--main_process_port", "0", "--mixed_precision", "bf16", CARDS),
)
TWO = ("-m", "torch.distributed.run", "--nproc_per_node=2", "-m", "vqinsight")
ARRANGEMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "plain": (("-m", "vqinsight"), ()),
    "two processes": (TWO, ()),
    "LoRA": (("-m", "vqinsight"), ("model.lora_rank=4",)),
    "FSDP2": (FSDP2, ()),
    "ZeRO-2": (TWO, ("trainer.deepspeed=distributed/deepspeed_zero2.json",)),
    "ZeRO-3": (TWO, ("trainer.deepspeed=distributed/deepspeed_zero3.json",)),
}


def share(final: Path) -> dict[str, Any]:
    """Share of the learned matrices' entries that changed, and the precision they are saved in."""
    adapter = final / "adapter_model.safetensors"
    if adapter.is_file():  # B begins at 0: what moved is not 0
        learned = {name: each for name, each in load_file(adapter).items() if "lora_B" in name}
        moved = sum(int((each != 0).sum()) for each in learned.values())
        return {"share": moved / sum(each.numel() for each in learned.values()), "dtype": _dtypes(learned)}
    before = load_model("nano", device="cpu").model.state_dict()
    zero = next(final.parent.glob("checkpoint-*/latest"), None)
    if zero is not None:  # DeepSpeed's own float32 weights; it rounds the model to bfloat16 before it copies them
        from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint

        after = get_fp32_state_dict_from_zero_checkpoint(str(zero.parent))
        before = {name: each.bfloat16().float() for name, each in before.items()}
    else:
        after = load_model(str(final), device="cpu", dtype="float32").model.state_dict()
    saved = {name: each for file in final.glob("*.safetensors") for name, each in load_file(file).items()}
    return {"share": _changed(before, after), "dtype": _dtypes(saved)}


def _changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> float:
    """Share of the entries of the language layers that differ."""
    names = [name for name in before if "language_model.layers" in name]
    moved = sum(int((before[name] != after[name]).sum()) for name in names)
    return moved / sum(before[name].numel() for name in names)


def _dtypes(weights: dict[str, torch.Tensor]) -> str:
    return ", ".join(sorted({str(each.dtype).removeprefix("torch.") for each in weights.values()}))


def in_place(folder: Path) -> dict[str, Any]:
    """bfloat16 weights updated in place, with the refusal switched off."""
    from vqinsight.settings.reader import read_toml
    from vqinsight.settings.train import TrainSettings
    from vqinsight.training import run
    from vqinsight.training.stage2_temporal import run_stage2

    build = run.build_trainable_assessor

    def low(settings: TrainSettings) -> Any:
        assessor = build(settings)
        assessor.loaded.model.bfloat16()
        return assessor

    (folder / "config.toml").write_text(CONFIG)
    settings = read_toml(TrainSettings, folder / "config.toml", [f"out={folder / 'run'}"])
    with (
        patch("vqinsight.training.run.build_trainable_assessor", low),
        patch("vqinsight.grpo.base_trainer._check_precision", lambda _: None),
    ):
        final = run_stage2(settings)
    before = {n: p.bfloat16().float() for n, p in load_model("nano", device="cpu").model.state_dict().items()}
    after = load_model(str(final), device="cpu", dtype="float32").model.state_dict()
    return {"share": _changed(before, after), "dtype": "bfloat16"}


def main() -> None:
    """Run every arrangement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*ARRANGEMENTS, "bfloat16 in place"])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    for name, (launcher, changes) in ARRANGEMENTS.items():
        if given.only and name not in given.only:
            continue
        if name.startswith("ZeRO") and find_spec("deepspeed") is None:
            found[name] = {"share": None, "note": "DeepSpeed is not installed"}
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            (folder / "config.toml").write_text(CONFIG)
            sets = [part for change in (f"out={folder / 'run'}", *changes) for part in ("--set", change)]
            environment = os.environ | {"OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"}
            command = [sys.executable, *launcher, "train", str(folder / "config.toml"), *sets]
            subprocess.run(command, cwd=folder, env=environment, check=True)
            found[name] = share(folder / "run" / "final")
        print(name, found[name], flush=True)
    if not given.only or "bfloat16 in place" in given.only:
        with tempfile.TemporaryDirectory() as temporary:
            found["bfloat16 in place"] = in_place(Path(temporary))
    store({"learning_rate": 1e-6, "updates": 2, "arrangements": found}, given.json)


if __name__ == "__main__":
    main()
