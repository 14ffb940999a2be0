"""How a plan knows a model: published shapes, counted exactly, and the names that lead to them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from vqinsight.errors import ModelError, UsageError
from vqinsight.settings.shipped import config_path, shipped_names
from vqinsight.training.plan import hardware, plan_file
from vqinsight.training.plan.known import KNOWN, find_shapes
from vqinsight.training.plan.shapes import read_shapes
from vqinsight.weights import ASSESSOR

QWEN7 = "Qwen/Qwen2.5-VL-7B-Instruct"
LARGE = [name for name in shipped_names() if name.startswith(("3b/", "7b/"))]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Qwen/Qwen2.5-VL-3B-Instruct", 3_754_622_976),
        (QWEN7, 8_292_166_656),
        ("Qwen/Qwen2.5-VL-32B-Instruct", 33_452_718_336),
        ("Qwen/Qwen2.5-VL-72B-Instruct", 73_410_777_344),
        ("Qwen/Qwen3-VL-2B-Instruct", 2_127_532_032),
        ("Qwen/Qwen3-VL-4B-Instruct", 4_437_815_808),
        ("Qwen/Qwen3-VL-8B-Instruct", 8_767_123_696),
        ("Qwen/Qwen3-VL-32B-Instruct", 33_357_390_064),
    ],
)
def test_known_models_have_as_many_parameters_as_is_published(name: str, parameters: int) -> None:
    assert KNOWN[name].parameters == parameters


@pytest.mark.slow
def test_official_configurations_are_the_known_shapes(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 3B, 7B and Qwen3-VL 4B; transformers builds as many parameters from them."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    monkeypatch.syspath_prepend(str(shared / "tools"))
    import real_layouts

    names = {"Qwen/Qwen2.5-VL-3B-Instruct": real_layouts.BIG3, QWEN7: real_layouts.BIG7}
    for name, config in (names | {"Qwen/Qwen3-VL-4B-Instruct": real_layouts.Q3}).items():
        assert read_shapes(config, name) == KNOWN[name]
        with torch.device("meta"):
            made = AutoModelForImageTextToText.from_config(AutoConfig.for_model(**config))
        assert sum(each.numel() for each in made.parameters()) == KNOWN[name].parameters


def test_nano_s_shapes_are_those_of_its_weights() -> None:
    from safetensors import safe_open

    with safe_open(ASSESSOR / "model.safetensors", "pt") as file:
        sizes = [math.prod(file.get_slice(name).get_shape()) for name in file.keys()]  # noqa: SIM118 - no mapping
    assert find_shapes("nano")[1].parameters == sum(sizes)


def test_a_model_is_found_by_what_leaves_it(tmp_path: Path) -> None:
    """A hub id, a finished stage of a shipped configuration, a folder, an adapter's base."""
    for name in LARGE:
        settings_of = config_path(name).read_text(encoding="utf-8")
        out = re.search(r'^out = "(.+)"', settings_of, re.MULTILINE)
        if out and "stage3" not in name:
            base, shapes, _ = find_shapes(f"{out[1]}/final")
            assert name[:2].upper() in base and shapes == KNOWN[base]
    assert find_shapes("ByteDance/Q-Insight:vqinsight-comp")[1] == KNOWN[QWEN7]
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": QWEN7}))
    (tmp_path / "vqinsight.json").write_text(json.dumps({"max_frames": 4}))
    _, shapes, look = find_shapes(str(tmp_path))
    assert shapes == KNOWN[QWEN7] and look.max_frames == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"model_type": "llava"}', "the family 'llava'"),
        ("{", "cannot be read"),
        ('{"model_type": "qwen3_vl", "vision_config": {}}', "lacks 'num_attention_heads'"),
    ],
)
def test_folders_that_do_not_help(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError, match=re.escape(said)):
        find_shapes(str(tmp_path))


def test_names_that_lead_nowhere() -> None:
    with pytest.raises(UsageError, match="--model Qwen"):
        find_shapes("runs/mine/final")
    with pytest.raises(UsageError, match="--card a1000"):
        hardware(1, 80, "a1000")
    with pytest.raises(UsageError, match="no assessor is trained"):
        plan_file("7b/stage3_modelscope", hardware(1, 80), ["rounds=1"])
