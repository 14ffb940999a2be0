"""Table 6 from a VBench results folder: quality, semantic and overall score of a generator.

VBench runs in its own environment and writes JSON files ``{dimension: [score, [one entry per video]]}``. Each score is
normalised with the dimension's range and weighted. A missing dimension is an error; the official script counts it as 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vqinsight.errors import UsageError

Part = Literal["quality", "semantic"]
_PROMPTS = "_full_info.json"  # VBench's copy of its prompts, beside the results


@dataclass(frozen=True)
class VBenchDimension:
    """One dimension: its range, its weight, and the part of the overall score it belongs to."""

    name: str
    low: float
    high: float
    weight: float
    part: Part


# Ranges and weights: Vchitect/VBench, scripts/constant.py at commit 45e79ec1 (values only).
DIMENSIONS = (
    VBenchDimension("subject consistency", 0.1462, 1.0, 1.0, "quality"),
    VBenchDimension("background consistency", 0.2615, 1.0, 1.0, "quality"),
    VBenchDimension("temporal flickering", 0.6293, 1.0, 1.0, "quality"),
    VBenchDimension("motion smoothness", 0.706, 0.9975, 1.0, "quality"),
    VBenchDimension("aesthetic quality", 0.0, 1.0, 1.0, "quality"),
    VBenchDimension("imaging quality", 0.0, 1.0, 1.0, "quality"),
    VBenchDimension("dynamic degree", 0.0, 1.0, 0.5, "quality"),
    VBenchDimension("object class", 0.0, 1.0, 1.0, "semantic"),
    VBenchDimension("multiple objects", 0.0, 1.0, 1.0, "semantic"),
    VBenchDimension("human action", 0.0, 1.0, 1.0, "semantic"),
    VBenchDimension("color", 0.0, 1.0, 1.0, "semantic"),
    VBenchDimension("spatial relationship", 0.0, 1.0, 1.0, "semantic"),
    VBenchDimension("scene", 0.0, 0.8222, 1.0, "semantic"),
    VBenchDimension("appearance style", 0.0009, 0.2855, 1.0, "semantic"),
    VBenchDimension("temporal style", 0.0, 0.364, 1.0, "semantic"),
    VBenchDimension("overall consistency", 0.0, 0.364, 1.0, "semantic"),
)
QUALITY_WEIGHT, SEMANTIC_WEIGHT = 4.0, 1.0
_BY_NAME = {dimension.name: dimension for dimension in DIMENSIONS}


@dataclass(frozen=True)
class VBenchScores:
    """One generator's row of Table 6.

    Attributes:
        quality, semantic, overall: weighted means of the normalised scores; 0.81 is what Table 6 prints as 81 %.
        raw: VBench's score by dimension.
        normalised: by dimension, (raw - low) / (high - low); not clipped to [0, 1], as in the official script.
    """

    quality: float
    semantic: float
    overall: float
    raw: dict[str, float]
    normalised: dict[str, float]


def vbench_scores(raw: Mapping[str, float]) -> VBenchScores:
    """From the score of each of the 16 dimensions, each in [0, 1]; names with spaces or underscores.

    Raises:
        UsageError: dimensions are missing (all are listed) or unknown, given twice, or a score is outside [0, 1].
    """
    scores: dict[str, float] = {}
    for given, value in raw.items():
        name = _name(given)
        if name in scores:
            raise UsageError(f"VBench dimension {name!r} is given twice, with spaces and with underscores")
        scores[name] = value
    unknown = [name for name in scores if name not in _BY_NAME]
    if unknown:
        raise UsageError(f"not dimensions of VBench: {', '.join(unknown)}. Known are: {', '.join(_BY_NAME)}")
    missing = [name for name in _BY_NAME if name not in scores]
    if missing:
        raise UsageError(
            f"VBench results lack {len(missing)} of {len(DIMENSIONS)} dimensions: {', '.join(missing)}. "
            "Without them there is no overall score; run VBench for these too."
        )
    wrong = [f"{name} {value}" for name, value in scores.items() if not 0 <= value <= 1]
    if wrong:
        raise UsageError(
            f"VBench scores are shares between 0 and 1, not {', '.join(wrong)}. Percentages? Divide by 100."
        )
    normalised = {d.name: (scores[d.name] - d.low) / (d.high - d.low) for d in DIMENSIONS}
    quality, semantic = _weighted_mean(normalised, "quality"), _weighted_mean(normalised, "semantic")
    return VBenchScores(
        quality, semantic, overall(quality, semantic), {d.name: float(scores[d.name]) for d in DIMENSIONS}, normalised
    )


def overall(quality: float, semantic: float) -> float:
    """(4 quality + semantic) / 5."""
    return (QUALITY_WEIGHT * quality + SEMANTIC_WEIGHT * semantic) / (QUALITY_WEIGHT + SEMANTIC_WEIGHT)


def read_vbench(folder: str | Path) -> VBenchScores:
    """The scores in a results folder (its ``*.json``, not those of folders inside it) or in a single file.

    VBench's copy of its prompts, ``*_full_info.json``, is ignored.

    Raises:
        UsageError: no such folder, no results in it, a file in another layout, two files that disagree about a
            dimension, or as for ``vbench_scores``.
    """
    folder = Path(folder)
    if not folder.exists():
        raise UsageError(f"{folder}: no such file or folder. Give VBench's output folder.")
    files = sorted(folder.glob("*.json")) if folder.is_dir() else [folder]
    files = [file for file in files if not file.name.endswith(_PROMPTS)]
    if not files:
        raise UsageError(f"{folder}: no results (*.json) here. Give VBench's output folder.")
    scores: dict[str, float] = {}
    source: dict[str, Path] = {}
    for file in files:
        for given, value in _read(file).items():
            name = _name(given)
            if name in scores and scores[name] != value:
                raise UsageError(f"{name}: {source[name]} says {scores[name]}, {file} says {value}. Keep one of them.")
            scores[name], source[name] = value, file
    return vbench_scores(scores)


def _read(file: Path) -> dict[str, float]:
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file}: cannot be read as JSON ({error}). Run VBench again or remove it.") from error
    expected = f"{file}: not VBench results. Expected {{dimension: [score, [one entry a video]]}}"
    if not isinstance(content, dict) or not content:
        raise UsageError(f"{expected}.")
    scores = {}
    for name, entry in content.items():
        value = entry[0] if isinstance(entry, list) and entry else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise UsageError(f"{expected}; {name!r} holds no score.")
        scores[name] = float(value)
    return scores


def _name(given: str) -> str:
    return " ".join(given.replace("_", " ").lower().split())


def _weighted_mean(normalised: Mapping[str, float], part: Part) -> float:
    mine = [dimension for dimension in DIMENSIONS if dimension.part == part]
    return sum(d.weight * normalised[d.name] for d in mine) / sum(d.weight for d in mine)
