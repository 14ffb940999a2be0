"""Training runs as users start them: real processes, on the embedded model, whose answers differ enough."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vqinsight.settings.reader import read_toml
from vqinsight.settings.shipped import CONFIGS
from vqinsight.settings.train import TrainSettings

from . import process

if TYPE_CHECKING:
    import torch

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
shuffle = "tokens"
gamma = 0.1
l_min = 30
l_max = 45

[grpo]
group_size = 4
max_new_tokens = 80
beta = 0.05
"""


HERE = Path(__file__).resolve().parent
SHARDED = (
    *("-m", "accelerate.commands.launch", "--config_file", str(CONFIGS / "distributed" / "fsdp2.yaml")),
    *("--num_processes", "2", "--main_process_port", "0", "--mixed_precision", "no", str(HERE / "cards.py")),
)


def train(
    folder: Path, *arguments: str, processes: int = 1, sharded: bool = False, real: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run to the end; ``config.toml`` in ``folder`` is written if it is not there.

    Args:
        processes: how many; several are started by torchrun.
        sharded: FSDP2 over two processes, started as the documents say.
        real: start ``python -m vqinsight`` where a process forked from one with all imports done would do.
    """
    prepare(folder)
    if not (processes > 1 or sharded or real):
        return process.run("train", "config.toml", *arguments, folder=folder)
    launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}"] if processes > 1 else []
    program = SHARDED if sharded else (*launcher, "-m", "vqinsight")
    return subprocess.run(
        [sys.executable, *program, "train", "config.toml", *arguments],
        cwd=folder,
        env=os.environ | process.ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


# One run that many tests compare with others: see the fixture ``straight``. Sums in another order differ in the last
# digit, and Adam alone takes a gradient near zero as far as any other: hence its epsilon.
COMPARED = (
    *("--set", "updates=3", "--set", "save_every=1", "--set", "data.0.weight=4e6"),
    *("--set", "trainer.adam_epsilon=1e-5"),
)


# Each of two processes takes half of the 4 answers of a group, or one of the 2 questions of an update.
ON_TWO = ("--set", "answers_per_forward=2")
SFT = ("--set", "stage=sft", "--set", "answers_per_forward=1")


def straight(shared: Path, *arguments: str, processes: int = 1, sharded: bool = False) -> Path:
    """The folder of a run that nothing stopped, made by whoever asks first; only to be read.

    Args:
        shared: a folder that all processes of a test session know.
        arguments: as for ``train``, without ``out``.
    """
    name = hashlib.sha256(repr((arguments, processes, sharded)).encode()).hexdigest()[:16]
    folder = shared / f"straight-{name}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "finished").exists():
            made = train(folder, *arguments, processes=processes, sharded=sharded)
            assert made.returncode == 0, made.stderr
            (folder / "finished").touch()
    return folder / "run"


def kill_when(folder: Path, sign: Path | str, *arguments: str) -> None:
    """Start a run and SIGKILL it as soon as a file exists or a text is printed."""
    prepare(folder)
    log = folder / "killed.log"
    run = process.start("train", "config.toml", *arguments, folder=folder, output=log)
    alive = process.kill_when(
        run, lambda: sign.exists() if isinstance(sign, Path) else log.exists() and sign in log.read_text()
    )
    assert alive, f"the run ended before {sign} was seen:\n{log.read_text()}"


def settings(folder: Path, *changes: str) -> TrainSettings:
    """Of a run in this process: one update from one question, four answers of at most 40 tokens."""
    prepare(folder)
    short = (
        "updates=1",
        "questions_per_update=1",
        "answers_per_forward=4",
        "grpo.max_new_tokens=40",
        f"out={folder / 'run'}",
    )
    return read_toml(TrainSettings, folder / "config.toml", [*short, *changes])


def prepare(folder: Path) -> None:
    """Write ``config.toml`` if it is not there."""
    if not (folder / "config.toml").exists():
        (folder / "config.toml").write_text(CONFIG)


def weights(folder: Path, name: str = "model") -> dict[str, torch.Tensor]:
    """Of a model folder, in single precision."""
    from safetensors.torch import load_file

    return {key: weight.float() for key, weight in load_file(folder / f"{name}.safetensors").items()}
