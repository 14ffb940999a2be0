"""The stages of the paper: warm-up, temporal learning, united fine-tuning. In reading order:

* ``stage1_warmup``: stage 1, image scoring
* ``stage2_temporal``: stage 2, videos
* ``stage3_united``: stage 3, generator and assessor in alternation
* ``sft``: the supervised baseline
* ``export_verl``: stages 1 and 2 by verl instead of our own trainer
* ``plan``: what a run takes, before it is started
* ``run``: what the stages share
* ``data``: the questions of a run
* ``prompts``: the prompts of a generator
* ``artifacts``: cached steps of stage 3
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path


def start(config: str | Path, changes: Sequence[str], *, resume: bool) -> Path:
    """Run the stage that a TOML file describes; returns the folder of the finished model."""
    from vqinsight.common.lock import hold_folder
    from vqinsight.settings.reader import read_toml
    from vqinsight.settings.shipped import config_path
    from vqinsight.settings.train import TrainSettings

    settings = read_toml(TrainSettings, config_path(config), changes)
    _speak()
    match settings.stage:
        case "warmup":
            from vqinsight.training.stage1_warmup import run_stage1 as run
        case "temporal":
            from vqinsight.training.stage2_temporal import run_stage2 as run
        case "sft":
            from vqinsight.training.sft import run_sft as run
    with hold_folder(settings.out):
        return run(settings, resume=resume)


def start_alignment(config: str | Path, changes: Sequence[str], *, resume: bool) -> Path:
    """Run stage 3 as a TOML file describes it; returns the folder of the last generator."""
    from vqinsight.common.lock import hold_folder
    from vqinsight.settings.align import AlignSettings
    from vqinsight.settings.reader import read_toml
    from vqinsight.settings.shipped import config_path

    settings = read_toml(AlignSettings, config_path(config), changes)
    _speak()
    from vqinsight.training.stage3_united import align

    with hold_folder(settings.out):
        return align(settings, resume=resume)


def _speak() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("transformers").setLevel(logging.ERROR)
