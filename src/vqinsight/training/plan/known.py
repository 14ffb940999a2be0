"""Published shapes, and how the model name of a configuration leads to one."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from vqinsight.errors import ModelError, UsageError
from vqinsight.settings.inference import InferenceSettings
from vqinsight.settings.reader import read_settings
from vqinsight.settings.shipped import CONFIGS
from vqinsight.training.plan.shapes import Shapes, TextShape, VisionShape, read_shapes
from vqinsight.weights import ASSESSOR


def _qwen25(
    layers: int, width: int, inner: int, heads: int, key_heads: int, tower: int = 3420, vocabulary: int = 152_064
) -> Shapes:
    """Qwen2.5-VL: heads of width 128; the tower's feed-forward width is ``tower``, its head is tied at 3B only."""
    text = TextShape(layers, width, inner, heads, key_heads, 128, vocabulary, vocabulary == 151_936, False)
    return Shapes("qwen2_5_vl", text, VisionShape(32, 1280, tower, 16, width, 14, 2, 2, True, 112, 4, 0, 0))


def _qwen3(layers: int, width: int, inner: int, heads: int, *, large: bool) -> Shapes:
    """Qwen3-VL: eight key heads of width 128; from 8B on a larger tower and a head of its own."""
    text = TextShape(layers, width, inner, heads, 8, 128, 151_936, not large, True)
    depth, tower, feed = (27, 1152, 4304) if large else (24, 1024, 4096)
    return Shapes("qwen3_vl", text, VisionShape(depth, tower, feed, 16, width, 16, 2, 2, False, 0, depth, 2304, 3))


# From the config.json of each; tests/training/test_plan.py compares 3B, 7B and Qwen3-VL 4B with transformers' count.
KNOWN = {
    "Qwen/Qwen2.5-VL-3B-Instruct": _qwen25(36, 2048, 11_008, 16, 2, vocabulary=151_936),
    "Qwen/Qwen2.5-VL-7B-Instruct": _qwen25(28, 3584, 18_944, 28, 4),
    "Qwen/Qwen2.5-VL-32B-Instruct": _qwen25(64, 5120, 27_648, 40, 8, tower=3456),
    "Qwen/Qwen2.5-VL-72B-Instruct": _qwen25(80, 8192, 29_568, 64, 8, tower=3456),
    "Qwen/Qwen3-VL-2B-Instruct": _qwen3(28, 2048, 6144, 16, large=False),
    "Qwen/Qwen3-VL-4B-Instruct": _qwen3(36, 2560, 9728, 32, large=False),
    "Qwen/Qwen3-VL-8B-Instruct": _qwen3(36, 4096, 12_288, 32, large=True),
    "Qwen/Qwen3-VL-32B-Instruct": _qwen3(64, 5120, 25_600, 64, large=True),
    "ByteDance/Q-Insight": _qwen25(28, 3584, 18_944, 28, 4),
}


def find_shapes(name: str) -> tuple[str, Shapes, InferenceSettings]:
    """What a model name stands for: the name whose shapes are taken, the shapes, and how it is shown clips.

    ``runs/stage1_7b/final`` need not exist yet: a shipped configuration whose ``out`` is ``runs/stage1_7b`` leaves its
    model there, and that has the shape of the model it begins with.

    Raises:
        ModelError: a folder without a readable ``config.json``, or of a family whose layers are not counted.
        UsageError: a name that leads nowhere.
    """
    folder = ASSESSOR if name == "nano" else Path(name)
    if folder.is_dir():
        return _of_folder(name, folder)
    hub = name.partition(":")[0]
    if hub in KNOWN:
        return name, KNOWN[hub], InferenceSettings()
    if name in (leaves := _left_by_configurations()):
        return find_shapes(leaves[name])
    raise UsageError(
        f"{name}: the shape of this model is not known: no such folder, no shipped configuration leaves a model there, "
        f"and it is none of {', '.join(KNOWN)}. Say what it is made from: --model Qwen/Qwen2.5-VL-7B-Instruct"
    )


def _of_folder(name: str, folder: Path) -> tuple[str, Shapes, InferenceSettings]:
    given = folder / "vqinsight.json"
    settings = read_settings(InferenceSettings, given) if given.is_file() else InferenceSettings()
    adapter, file = folder / "adapter_config.json", folder / "config.json"
    try:
        if adapter.is_file():
            base = json.loads(adapter.read_text(encoding="utf-8")).get("base_model_name_or_path")
            if not base:
                raise ModelError(f"{name}: the adapter does not name its base model. Name it: --model BASE")
            return (*find_shapes(base)[:2], settings)
        return name, read_shapes(json.loads(file.read_text(encoding="utf-8")), str(file)), settings
    except (OSError, ValueError) as error:
        raise ModelError(f"{file}: cannot be read ({error}). The folder must hold a model's config.json.") from error


def _left_by_configurations() -> dict[str, str]:
    """The folder that each shipped training leaves its model in, and the model that it begins with."""
    found = {}
    for file in sorted(CONFIGS.rglob("*.toml")):
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        if name := values.get("model", {}).get("name"):
            found[f"{values['out']}/final"] = name
    return found
