"""A baseline by its name: one function each, which imports what it needs itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

from vqinsight.baselines.base import Baseline
from vqinsight.baselines.catalog import SYSTEMS
from vqinsight.datasets.download import check_choice
from vqinsight.errors import UsageError

if TYPE_CHECKING:
    from vqinsight.inference.api import VQInsight

# What ``vqinsight.load`` takes beside the model: options of every baseline that runs on it. Here, for the check of
# options must not import torch.
LOAD_OPTIONS = ("adapter", "template", "device", "dtype", "fps", "frames", "max_pixels", "folder_fps")


def open_baseline(name: str, **options: Any) -> Baseline:
    """Make a baseline.

    Args:
        name: key in ``SYSTEMS``.
        options: its own; ``predictions=FILE`` reads any system's answers from a file instead.

    Raises:
        UsageError: as for ``check_baseline``.
        ModelError: a package or weights are missing.
    """
    check_baseline(name, options)
    if "predictions" in options:
        from vqinsight.baselines.published import Published

        return Published(name, options["predictions"])
    return _BUILD[name](**options)


def check_baseline(name: str, options: Mapping[str, Any]) -> None:
    """Refuse an unknown system, and options that it does not take, before anything is imported for it.

    Raises:
        UsageError: no such system, one without code and no file of predictions, or a wrong option.
    """
    check_choice("baseline", name, list(SYSTEMS))
    if "predictions" in options:
        if others := sorted(set(options) - {"predictions"}):
            raise UsageError(f"baseline {name}: predictions=FILE takes no other option, such as {others[0]}.")
        return
    if name not in _BUILD:
        raise UsageError(f"{SYSTEMS[name].title} has no code here. Give predictions=FILE, see docs/baselines.md.")
    parameters = signature(_BUILD[name]).parameters
    taken = [key for key, each in parameters.items() if each.kind is not each.VAR_KEYWORD]
    if len(taken) < len(parameters):
        taken += LOAD_OPTIONS
    for key in options:
        check_choice(f"option of baseline {name}", key, ["predictions", *taken])
    missing = [key for key, each in parameters.items() if each.default is each.empty and key in taken]
    if lacking := [key for key in missing if key not in options]:
        raise UsageError(f"baseline {name} needs the option {lacking[0]}=VALUE, see docs/baselines.md.")


def _load(model: str, options: dict[str, Any]) -> VQInsight:
    from vqinsight.inference.api import load

    return load(model, **options)


def _technical() -> Baseline:
    from vqinsight.baselines.technical import Technical

    return Technical()


def _always_a() -> Baseline:
    from vqinsight.baselines.always_a import AlwaysA

    return AlwaysA()


def _nano(model: str = "nano", **options: Any) -> Baseline:
    return _vlm("nano", model, options)


def _sft(model: str, **options: Any) -> Baseline:
    return _vlm("sft", model, options)


def _zero_shot(model: str = "Qwen/Qwen2.5-VL-7B-Instruct", **options: Any) -> Baseline:
    return _vlm("qwen2_5_vl", model, {"template": "standard", **options})


def _vlm(name: str, model: str, options: dict[str, Any]) -> Baseline:
    from vqinsight.baselines.vlm import VLM

    return VLM(name, _load(model, options))


def _vq_insight(model: str = "ByteDance/Q-Insight", **options: Any) -> Baseline:
    from vqinsight.baselines.vlm import ReleasedVQInsight

    return ReleasedVQInsight(model, **options)


def _q_insight(model: str = "ByteDance/Q-Insight:score_degradation", *, frames: int = 4, **options: Any) -> Baseline:
    from vqinsight.baselines.vlm import QInsight

    return QInsight(_load(model, {"template": "released", **options}), frames)


def _clip_iqa(model: str = "clip_iqa", *, frames: int = 8, device: str = "auto") -> Baseline:
    from vqinsight.baselines.clip import CLIPIQA

    return CLIPIQA(model, frames=frames, device=device)


def _clipscore(model: str = "openai/clip-vit-base-patch16", *, frames: int = 8, device: str = "auto") -> Baseline:
    from vqinsight.baselines.clip import CLIPScore

    return CLIPScore(model, frames=frames, device=device)


def _vqascore(model: str = "Qwen/Qwen2.5-VL-7B-Instruct", **options: Any) -> Baseline:
    from vqinsight.baselines.vqascore import VQAScore

    return VQAScore(_load(model, options))


def _level_words(model: str = "Qwen/Qwen2.5-VL-7B-Instruct", **options: Any) -> Baseline:
    from vqinsight.baselines.level_words import LevelWords

    return LevelWords(_load(model, options))


def _clip_flant5(python: str, model: str = "clip-flant5-xxl", *, frames: int = 8) -> Baseline:
    from vqinsight.baselines.subprocess import Outside

    ranges = {"alignment": (0.0, 1.0)}
    return Outside("clip_flant5", python, "t2v_vqascore.py", (model,), frames=frames, needs_prompt=True, ranges=ranges)


def _q_align(python: str, model: str = "q-future/one-align", *, frames: int = 8) -> Baseline:
    from vqinsight.baselines.subprocess import Outside

    return Outside("q_align", python, "one_align.py", (model,), frames=frames, ranges={"quality": (1.0, 5.0)})


def _unifiedreward(model: str = "CodeGoat24/UnifiedReward-qwen-7b", **options: Any) -> Baseline:
    from vqinsight.baselines.unifiedreward import UnifiedReward

    return UnifiedReward(_load(model, options))


def _unifiedreward_think(model: str = "CodeGoat24/UnifiedReward-Think-qwen-7b", **options: Any) -> Baseline:
    from vqinsight.baselines.unifiedreward import UnifiedReward

    return UnifiedReward(_load(model, options), think=True)


def _videoreward(
    folder: str,
    *,
    base: str | None = None,
    template: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
) -> Baseline:
    from vqinsight.baselines.videoreward import TEMPLATE, VideoReward

    return VideoReward(folder, base=base, template=template or TEMPLATE, device=device, dtype=dtype)


_BUILD: dict[str, Callable[..., Baseline]] = {
    "technical": _technical,
    "always_a": _always_a,
    "nano": _nano,
    "sft": _sft,
    "qwen2_5_vl": _zero_shot,
    "q_insight": _q_insight,
    "vq_insight": _vq_insight,
    "clip_iqa": _clip_iqa,
    "clipscore": _clipscore,
    "vqascore": _vqascore,
    "clip_flant5": _clip_flant5,
    "level_words": _level_words,
    "q_align": _q_align,
    "unifiedreward": _unifiedreward,
    "unifiedreward_think": _unifiedreward_think,
    "videoreward": _videoreward,
}
