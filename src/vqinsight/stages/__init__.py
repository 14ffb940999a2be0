"""The stages of the paper, each a file that reads as its section: warm-up, temporal learning, united fine-tuning."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path


def start(config: Path, changes: Sequence[str], *, resume: bool) -> Path:
    """Run the stage that a TOML file describes; returns the folder of the finished model."""
    from vqinsight.config import read_toml
    from vqinsight.stages.settings import TrainSettings

    settings = read_toml(TrainSettings, config, changes)
    _speak()
    match settings.stage:
        case "warmup":
            from vqinsight.stages.warmup import warm_up as run
        case "temporal":
            from vqinsight.stages.temporal import learn_time as run
        case "sft":
            from vqinsight.stages.sft import fine_tune as run
    return run(settings, resume=resume)


def start_alignment(config: Path, changes: Sequence[str], *, resume: bool) -> Path:
    """Run stage 3 as a TOML file describes it; returns the folder of the last generator."""
    from vqinsight.config import read_toml
    from vqinsight.stages.align_settings import AlignSettings

    settings = read_toml(AlignSettings, config, changes)
    _speak()
    from vqinsight.stages.united import align

    return align(settings, resume=resume)


def _speak() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("transformers").setLevel(logging.ERROR)
