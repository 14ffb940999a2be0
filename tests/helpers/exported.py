"""A small export for verl with every task, and what our own code makes of the same."""

from __future__ import annotations

import json
import math
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from vqinsight.rewards.rubric import Completion, Group, Rubric
from vqinsight.settings.inference import InferenceSettings
from vqinsight.settings.reader import read_toml
from vqinsight.settings.train import TrainSettings
from vqinsight.tasks.labels import rescale_label
from vqinsight.tasks.prompt_sets import prompt_set
from vqinsight.tasks.types import Example, Missing, Score
from vqinsight.training.data import mixture
from vqinsight.training.export_verl.export import Exported, export_verl
from vqinsight.training.stage2_temporal import TASKS

EXAMPLES = Path(__file__).parents[2] / "examples"
LOOK = InferenceSettings()
CONFIG = """
stage = "temporal"
out = "runs/mine"
questions_per_update = 2
answers_per_forward = 4
epochs = 2
workers = 2
max_failed = 0.5

[model]
name = "Qwen/Qwen2.5-VL-7B-Instruct"

[rewards]
format = 0.5
scale = "relative"
l_min = 20
l_max = 40

[grpo]
group_size = 4
max_new_tokens = 256
"""
TABLES = {
    "natural": '{"path": "CLIPS/cat.mp4", "quality": 3.5, "low": 1, "high": 5}\n'
    '{"path": "broken.mp4", "quality": 2, "low": 1, "high": 5}\n',
    "generated": '{"path": "CLIPS/circles.mp4", "prompt": "two <red> circles", "spatial": 80, "temporal": 60, '
    '"alignment": 40, "low": 0, "high": 100}\n',
    "compare": '{"path_a": "CLIPS/cat.mp4", "path_b": "CLIPS/cat_compressed.mp4", "label": "A"}\n',
    "yesno": '{"path": "CLIPS/rocket_jitter.mp4", "question": "Is the motion <video> smooth?", "answer": "no"}\n',
}
LONG = "The frames are sharp and the motion is steady, with a little noise in the dark parts of the picture. " * 2
SAID = {
    "natural": ('{"quality": 62.5}', '{"quality": 30}', "very good"),
    "generated": (
        '{"spatial": 80, "temporal": 60, "alignment": 40}',
        '{"spatial": 70, "temporal": 90, "alignment": 10}',
        '{"spatial": 70}',
    ),
    "compare": ("Video A", "Video B", "both"),
    "yesno": ("no", "yes", "perhaps"),
}


@dataclass(frozen=True)
class Export:
    """An export's folder, what was said, its settings, the questions that were exported, and answers to them."""

    folder: Path
    made: Exported
    settings: TrainSettings
    examples: list[Example]
    answers: list[tuple[int, str]]


def write_config(folder: Path) -> Path:
    """A configuration with a table a task; one clip of four cannot be read."""
    (folder / "broken.mp4").write_text("no video")
    text = CONFIG
    for name, rows in TABLES.items():
        (folder / f"{name}.jsonl").write_text(rows.replace("CLIPS", str(EXAMPLES)))
        text += f'\n[[data]]\ndataset = "table"\ndir = "{folder / name}.jsonl"\nweight = 1\n'
    (folder / "config.toml").write_text(text)
    return folder / "config.toml"


def make(folder: Path, *changes: str) -> Export:
    """Export in this process."""
    config = write_config(folder)
    made = export_verl(config, changes, folder / "out", without_temporal=True)
    settings = read_toml(TrainSettings, config, changes)
    every = [each for each in mixture(settings, TASKS) if "broken" not in each.question.clips[0].path]
    answers = []
    for place, example in enumerate(every):
        for said in SAID[example.question.task]:
            for thought in ("It is fine.", LONG):
                answers.append((place, f"<think>{thought}</think><answer>{said}</answer>"))
            answers.append((place, f"{said} <answer>{said}</answer>"))
    return Export(folder / "out", made, settings, every, answers)


def our_reward(export: Export, place: int, text: str, tokens: int) -> dict[str, float]:
    """The reward that our own trainer computes, without Eq. 4."""
    example = export.examples[place]
    asked = prompt_set("standard")
    rubric = Rubric(export.settings.rewards.model_copy(update={"temporal": 0.0}))
    dimensions = asked.dimensions(example.question)
    answer = asked.parse(example.question, text)
    label = rescale_label(example.answer, example.scale, dimensions)
    group = Group(example.question, label, dimensions, (Completion(text, answer, tokens),))
    [parts] = rubric.grade(group)
    named = {f"reward_{name}": math.nan if value is None else value for name, value in parts.items()}
    lacking = [dim for dim in dimensions if not isinstance(answer, Score) or dim.key not in answer.values]
    counts = {"missing": float(isinstance(answer, Missing)), "missing_dimensions": float(len(lacking))}
    return {"score": rubric.total(parts), **named, **counts}


def arguments(export: Export, **variables: str) -> list[str]:
    """What ``launch.sh`` calls Python with."""
    stand_in = export.folder / "stand_in"
    stand_in.write_text('#!/bin/sh\nprintf \'%s\\n\' "$VERL_USE_EXTERNAL_MODULES" "$@"\n')
    stand_in.chmod(0o755)
    environment = os.environ | {"PYTHON": str(stand_in)} | variables
    run = subprocess.run(
        ["bash", str(export.folder / "launch.sh")], env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()


def external_module(export: Export) -> str:
    """The module that verl is told to import."""
    return arguments(export)[0]


def overrides(export: Export, **variables: str) -> list[str]:
    """The settings that ``launch.sh`` gives verl, KEY=VALUE each."""
    given = arguments(export, **variables)[1:]
    assert given[:2] == ["-m", "verl.trainer.main_ppo"]
    return given[2:]


def longest(export: Export) -> int:
    """The longest prompt that verl is told to expect, in tokens."""
    values = dict(each.split("=", 1) for each in overrides(export))
    return int(json.loads(values["data.max_prompt_length"]))
