"""Constructors of the systems, one function each, which imports what it needs.

Options are checked against a function's parameters before torch is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vqinsight.baselines.base import Baseline

if TYPE_CHECKING:
    from vqinsight.inference.api import VQInsight


def _load(model: str, options: dict[str, Any]) -> VQInsight:
    from vqinsight.inference.api import load

    return load(model, **options)


def technical() -> Baseline:
    from vqinsight.baselines.technical import Technical

    return Technical()


def always_a() -> Baseline:
    from vqinsight.baselines.always_a import AlwaysA

    return AlwaysA()


def nano(model: str = "nano", **options: Any) -> Baseline:
    return _vlm("nano", model, options)


def sft(model: str, **options: Any) -> Baseline:
    return _vlm("sft", model, options)


def zero_shot(model: str = "Qwen/Qwen2.5-VL-7B-Instruct", **options: Any) -> Baseline:
    return _vlm("qwen2_5_vl", model, {"template": "standard", **options})


def _vlm(name: str, model: str, options: dict[str, Any]) -> Baseline:
    from vqinsight.baselines.vlm import VLM

    return VLM(name, _load(model, options))


def vq_insight(model: str = "ByteDance/Q-Insight", **options: Any) -> Baseline:
    from vqinsight.baselines.vlm import ReleasedVQInsight

    return ReleasedVQInsight(model, **options)


def q_insight(model: str = "ByteDance/Q-Insight:score_degradation", *, frames: int = 4, **options: Any) -> Baseline:
    from vqinsight.baselines.vlm import QInsight

    return QInsight(_load(model, {"template": "released", **options}), frames)


def clip_iqa(model: str = "clip_iqa", *, frames: int = 8, device: str = "auto") -> Baseline:
    from vqinsight.baselines.clip import CLIPIQA

    return CLIPIQA(model, frames=frames, device=device)


def clipscore(model: str = "openai/clip-vit-base-patch16", *, frames: int = 8, device: str = "auto") -> Baseline:
    from vqinsight.baselines.clip import CLIPScore

    return CLIPScore(model, frames=frames, device=device)


def vqascore(model: str = "Qwen/Qwen2.5-VL-7B-Instruct", **options: Any) -> Baseline:
    from vqinsight.baselines.vqascore import VQAScore

    return VQAScore(_load(model, options))


def level_words(model: str = "Qwen/Qwen2.5-VL-7B-Instruct", **options: Any) -> Baseline:
    from vqinsight.baselines.level_words import LevelWords

    return LevelWords(_load(model, options))


def foreign(
    name: str,
    *,
    home: str | None = None,
    python: str | None = None,
    code: str | None = None,
    weights: str | None = None,
    device: str = "auto",
    timeout: float = 600.0,
    memory_gib: float | None = None,
) -> Baseline:
    """A system of ``foreign.recipes``; see ``foreign.home.home_of`` and ``foreign.system.ForeignSystem``."""
    from vqinsight.baselines.foreign.home import home_of
    from vqinsight.baselines.foreign.recipes import RECIPES
    from vqinsight.baselines.foreign.system import ForeignSystem

    recipe = RECIPES[name]
    place = home_of(recipe, home=home, python=python, code=code, weights=weights)
    return ForeignSystem(recipe, place, device=device, timeout=float(timeout), memory_gib=memory_gib)


def unifiedreward(model: str = "CodeGoat24/UnifiedReward-qwen-7b", **options: Any) -> Baseline:
    from vqinsight.baselines.unifiedreward import UnifiedReward

    return UnifiedReward(_load(model, options))


def unifiedreward_think(model: str = "CodeGoat24/UnifiedReward-Think-qwen-7b", **options: Any) -> Baseline:
    from vqinsight.baselines.unifiedreward import UnifiedReward

    return UnifiedReward(_load(model, options), think=True)


def videoreward(
    folder: str,
    *,
    base: str | None = None,
    template: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
) -> Baseline:
    from vqinsight.baselines.videoreward import TEMPLATE, VideoReward

    return VideoReward(folder, base=base, template=template or TEMPLATE, device=device, dtype=dtype)


def videoscore(
    code: str, model: str = "TIGER-Lab/VideoScore", *, frames: int = 16, device: str = "auto", dtype: str = "auto"
) -> Baseline:
    from vqinsight.baselines.videoscore import VideoScore

    return VideoScore(model, code, frames=int(frames), device=device, dtype=dtype)


def videoscore2(
    code: str, model: str = "TIGER-Lab/VideoScore2", *, device: str = "auto", dtype: str = "auto"
) -> Baseline:
    from vqinsight.baselines.videoscore2 import VideoScore2

    return VideoScore2(model, code, device=device, dtype=dtype)


def visionreward_questions(code: str, model: str = "Qwen/Qwen2.5-VL-7B-Instruct", **options: Any) -> Baseline:
    from vqinsight.baselines.visionreward import VisionRewardQuestions

    return VisionRewardQuestions(_load(model, options), code)


def unifiedreward2(code: str, model: str = "CodeGoat24/UnifiedReward-2.0-qwen3vl-8b", **options: Any) -> Baseline:
    from vqinsight.baselines.unifiedreward2 import UnifiedReward2

    return UnifiedReward2(model, code, **options)


def unifiedreward2_think(
    code: str, model: str = "CodeGoat24/UnifiedReward-Think-qwen3vl-8b", **options: Any
) -> Baseline:
    from vqinsight.baselines.unifiedreward2 import UnifiedReward2Think

    return UnifiedReward2Think(model, code, **options)
