"""verl itself reads an export: ``make test-verl VERL=DIR``, the folder of an environment with verl."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import exported
from official import layouts
from transformers import AutoTokenizer

from vqinsight.assessor.clips import ClipLoader
from vqinsight.assessor.families import FAMILIES
from vqinsight.assessor.prompting import Prompt, PromptBuilder
from vqinsight.grpo.advantage import advantages
from vqinsight.tasks.prompt_sets import prompt_set
from vqinsight.video.patches import PixelSpec
from vqinsight.video.views import OverviewViews, View

PYTHON = os.environ.get("VERL_PYTHON")
SOURCE = Path(__file__).parents[2] / "src"
# Equal rewards, one answer alone, and two groups that lie among each other.
REWARDS = [("a", 1.0), ("b", 2.5), ("a", 0.25), ("c", 3.0), ("a", 1.75), ("b", 2.5), ("d", 0.1), ("d", 0.3)]

pytestmark = pytest.mark.skipif(PYTHON is None, reason="make test-verl VERL=DIR")


@pytest.fixture(scope="module")
def model(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (shared / "real_layouts" / "vocab.json").is_file():
        pytest.skip(f"no vocabulary at {shared / 'real_layouts'}")
    given = os.environ.get("VERL_MODEL")
    return Path(given) if given else layouts.build(shared, tmp_path_factory.mktemp("m"), "Qwen2.5-VL-7B-Instruct")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> exported.Export:
    return exported.make(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def found(model: Path, ours: exported.Export, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``inside_verl.py`` says."""
    folder = tmp_path_factory.mktemp("verl")
    given = {"overrides": exported.overrides(ours, MODEL=str(model)), "answers": ours.answers, "rewards": REWARDS}
    (folder / "given.json").write_text(json.dumps(given))
    environment = os.environ | {
        "PYTHONPATH": str(SOURCE),
        "VERL_USE_EXTERNAL_MODULES": exported.external_module(ours),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder),
    }
    assert PYTHON is not None
    script = Path(__file__).with_name("inside_verl.py")
    run = subprocess.run(
        [PYTHON, str(script), str(folder / "given.json"), str(folder / "found.json")],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    return json.loads((folder / "found.json").read_text())


def test_prompts_have_our_tokens_and_pixels(found: dict[str, Any], model: Path, ours: exported.Export) -> None:
    assert found["dataset"] == "FrameDataset" and len(found["prompts"]) == len(ours.examples)
    asked = prompt_set("standard")
    tokenizer = AutoTokenizer.from_pretrained(model)
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    spec = PixelSpec(14, 2, 2, mean, std, 3136, 105_369)
    loader = ClipLoader(exported.LOOK, spec, OverviewViews())
    builder = PromptBuilder(
        tokenizer, "<|image_pad|>", "<|video_pad|>", lambda view: FAMILIES["qwen2_5_vl"].placeholder(view, spec)
    )
    for each, example in zip(found["prompts"], ours.examples, strict=True):
        views = [loader.load(clip.path).views for clip in example.question.clips]
        prompt: Prompt = builder.build(asked.messages(example.question), views)
        assert each["ids"] == list(prompt.ids)
        assert len(each["ids"]) <= exported.longest(ours)
        assert each["pixels"] == pytest.approx(pixels(prompt.views), rel=1e-6, abs=0.05)
        shown = [view.seconds_per_grid for view in prompt.views if view.kind == "video"]
        assert each["seconds"] == pytest.approx(shown)
    # Why there is a dataset of our own: verl's shows other pixels.
    assert found["plain"]["pixels"][2] > found["prompts"][0]["pixels"][2]


def pixels(views: tuple[View, ...]) -> list[float]:
    patches = torch.cat([view.patches for view in views]).double()
    return [patches.sum().item(), patches.square().sum().item(), *patches.shape]


def test_rewards_are_ours(found: dict[str, Any], model: Path, ours: exported.Export) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model)
    lengths = [len(tokenizer.encode(text)) + 1 for _, text in ours.answers]
    wanted = [
        exported.our_reward(ours, place, text, tokens)
        for (place, text), tokens in zip(ours.answers, lengths, strict=True)
    ]
    assert len({each["score"] for each in wanted}) >= 6
    for each, expected in zip(found["rewards"], wanted, strict=True):
        assert each.pop("reward") == each["score"]
        assert each == pytest.approx(expected, nan_ok=True)


def test_advantages_are_equation_1(found: dict[str, Any]) -> None:
    wanted = [0.0] * len(REWARDS)
    for name in "abcd":
        places = [place for place, (group, _) in enumerate(REWARDS) if group == name]
        for place, value in zip(places, advantages([REWARDS[place][1] for place in places]), strict=True):
            wanted[place] = value
    # By hand: a has mean 1 and deviation 0.75, b does not vary, c is alone, d has mean 0.2 and deviation 0.1414.
    assert wanted == pytest.approx([0, 0, -1, 0, 1, 0, -0.7071, 0.7071], abs=1e-3)
    for place, row in enumerate(found["advantages"]):
        tokens = place + 1
        assert row == pytest.approx([wanted[place]] * tokens + [0] * (len(REWARDS) - tokens), abs=1e-5)
