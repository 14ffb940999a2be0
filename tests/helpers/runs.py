"""Training runs as users start them: real processes, on the embedded model, whose answers differ enough."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from vqinsight.settings.shipped import CONFIGS

CONFIG = """
stage = "temporal"
out = "run"
questions_per_update = 2
answers_per_forward = 8
updates = 6
learning_rate = 1e-4
save_every = 2
log_every = 1
samples_every = 1

[model]
name = "nano"

[[data]]
dataset = "synthetic"
task = "generated"

[[data]]
dataset = "synthetic"
task = "compare"

[[data]]
dataset = "synthetic"
task = "yesno"

[rewards]
gamma = 0.1
l_min = 30
l_max = 45

[grpo]
group_size = 4
max_new_tokens = 80
beta = 0.05
"""


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}


HERE = Path(__file__).resolve().parent
SHARDED = (
    *("-m", "accelerate.commands.launch", "--config_file", str(CONFIGS / "distributed" / "fsdp2.yaml")),
    *("--num_processes", "2", "--main_process_port", "0", "--mixed_precision", "no", str(HERE / "cards.py")),
)


def command(*arguments: str, processes: int = 1, sharded: bool = False) -> list[str]:
    launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}"] if processes > 1 else []
    program = SHARDED if sharded else (*launcher, "-m", "vqinsight")
    return [sys.executable, *program, "train", "config.toml", *arguments]


def train(folder: Path, *arguments: str, processes: int = 1, sharded: bool = False) -> subprocess.CompletedProcess[str]:
    """Run to the end; ``config.toml`` in ``folder`` is written if it is not there.

    Args:
        sharded: FSDP2 over two processes, started as the documents say.
    """
    if not (folder / "config.toml").exists():
        (folder / "config.toml").write_text(CONFIG)
    return subprocess.run(
        command(*arguments, processes=processes, sharded=sharded),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def kill_when(folder: Path, sign: Path | str, *arguments: str) -> None:
    """Start a run and SIGKILL it as soon as a file exists or a text is printed."""
    with (folder / "killed.log").open("w+") as log:
        run = subprocess.Popen(command(*arguments), cwd=folder, env=environment(), stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and run.poll() is None:
            if isinstance(sign, Path) and sign.exists():
                break
            if isinstance(sign, str) and sign in (folder / "killed.log").read_text():
                break
            time.sleep(0.002)
        alive = run.poll() is None
        run.kill()
        run.wait()
        assert alive, f"the run ended before {sign} was seen:\n" + (folder / "killed.log").read_text()


def weights(folder: Path, name: str = "model") -> dict[str, torch.Tensor]:
    """Of a model folder, in single precision."""
    return {key: weight.float() for key, weight in load_file(folder / f"{name}.safetensors").items()}
