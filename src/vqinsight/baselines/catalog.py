"""All systems of the paper's Tables 1 to 3, and two references, with their requirements."""

from __future__ import annotations

from functools import partial

from vqinsight.baselines import builders
from vqinsight.baselines.base import System
from vqinsight.baselines.catalog_cloned import CLONED
from vqinsight.baselines.foreign.recipes import RECIPES

_GIT = "https://github.com"
_HUB = "hf download"
_TINY = "Tested on tiny random weights of the same architecture, never on the released ones."
_NO_CODE = "No code here: a row is read from a file of predictions or of published figures."
_GENERATED = ("spatial", "temporal", "alignment")


def _published(
    name: str, title: str, licence: str, source: str, *, dimensions: tuple[str, ...] = ("quality",), note: str = ""
) -> System:
    return System(
        name=name,
        title=title,
        state="published numbers only",
        licence=licence,
        source=source,
        extra=None,
        command=f"git clone {source}",
        dimensions=dimensions,
        note=f"{_NO_CODE} {note}".strip(),
        build=None,
    )


def _foreign(name: str, title: str, source: str, note: str = "") -> System:
    recipe = RECIPES[name]
    return System(
        name=name,
        title=title,
        state="needs weights",
        licence=recipe.licence,
        source=source,
        extra=None,
        command=f"vqinsight baselines {name} --recipe",
        dimensions=recipe.dimensions,
        note=f"Runs in an environment of its own. Sees {recipe.sampling}. {recipe.note} {note}".strip(),
        build=partial(builders.foreign, name),
    )


_ALL = (
    System(
        name="technical",
        build=builders.technical,
        title="Technical score",
        state="runs here",
        licence="Apache-2.0",
        source="this repository, baselines/technical.py",
        extra=None,
        command="nothing to get",
        dimensions=("spatial", "temporal", "quality"),
        note="Sharpness, noise, blocking, flicker, freezing, unsteadiness; knows no content.",
    ),
    System(
        name="always_a",
        build=builders.always_a,
        title="Always A",
        state="runs here",
        licence="Apache-2.0",
        source="this repository, baselines/always_a.py",
        extra=None,
        command="nothing to get",
        dimensions=(),
        note="The share of pairs whose label is A.",
    ),
    System(
        name="nano",
        build=builders.nano,
        title="VQ-Insight nano",
        state="runs here",
        licence="Apache-2.0",
        source="this repository, docs/nano.md",
        extra=None,
        command="nothing to get",
        dimensions=(*_GENERATED, "quality"),
        note="The embedded model; model=DIR takes another of its stages.",
    ),
    System(
        name="sft",
        build=builders.sft,
        title="Supervised fine-tuning",
        state="needs weights",
        licence="the base model's",
        source="this repository, training/sft.py",
        extra=None,
        command="vqinsight train nano/sft",
        dimensions=(*_GENERATED, "quality"),
        note="model=DIR names the finished folder. Runs on any folder that the assessor loads.",
    ),
    System(
        name="qwen2_5_vl",
        build=builders.zero_shot,
        title="Qwen2.5-VL, zero-shot",
        state="needs weights",
        licence="Apache-2.0 (7B; 3B: Qwen Research Licence, non-commercial)",
        source="https://huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct",
        extra=None,
        command=f"{_HUB} Qwen/Qwen2.5-VL-7B-Instruct",
        dimensions=(*_GENERATED, "quality"),
        note=f"Asked with the standard prompts. {_TINY}",
    ),
    System(
        name="q_insight",
        build=builders.q_insight,
        title="Q-Insight",
        state="needs weights",
        licence="not stated where we looked; see the hub page",
        source="https://huggingface.co/ByteDance/Q-Insight",
        extra=None,
        command=f"{_HUB} ByteDance/Q-Insight --include 'score_degradation/*'",
        dimensions=("quality",),
        note=f"An image model: the mean over four frames; our wording. {_TINY}",
    ),
    System(
        name="vq_insight",
        build=builders.vq_insight,
        title="VQ-Insight, released",
        state="needs weights",
        licence="not stated where we looked; see the hub page",
        source="https://huggingface.co/ByteDance/Q-Insight",
        extra=None,
        command=f"{_HUB} ByteDance/Q-Insight --include 'vqinsight-*/*'",
        dimensions=(*_GENERATED, "quality"),
        note=f"Three models for three questions, one in memory at a time; our wording. {_TINY}",
    ),
    System(
        name="clip_iqa",
        build=builders.clip_iqa,
        title="CLIP-IQA",
        state="needs weights",
        licence="torchmetrics Apache-2.0; piq Apache-2.0; CLIP MIT",
        source="https://arxiv.org/abs/2207.12396",
        extra="clip",
        command="pip install 'vqinsight[clip]'; for its own ResNet-50 'vqinsight[clip-iqa]', which needs torchvision",
        dimensions=("quality",),
        note="Mean over eight frames. Tested on a tiny random CLIP through torchmetrics; the ResNet-50 of piq was not.",
    ),
    System(
        name="clipscore",
        build=builders.clipscore,
        title="CLIPScore",
        state="needs weights",
        licence="torchmetrics Apache-2.0; CLIP MIT",
        source="https://arxiv.org/abs/2104.08718",
        extra="clip",
        command=f"pip install 'vqinsight[clip]'; {_HUB} openai/clip-vit-base-patch16",
        dimensions=("alignment",),
        note="Mean over eight frames. Tested on a tiny random CLIP through torchmetrics.",
    ),
    System(
        name="vqascore",
        build=builders.vqascore,
        title="VQAScore on a Qwen-VL",
        state="needs weights",
        licence="the model's",
        source="https://arxiv.org/abs/2404.01291",
        extra=None,
        command=f"{_HUB} Qwen/Qwen2.5-VL-7B-Instruct",
        dimensions=("alignment",),
        note=f"The probability of Yes, on the whole clip; our wording. {_TINY}",
    ),
    _foreign("clip_flant5", "VQAScore, CLIP-FlanT5", f"{_GIT}/linzhiqiu/t2v_metrics"),
    System(
        name="level_words",
        build=builders.level_words,
        title="Q-Align's readout on a Qwen-VL",
        state="needs weights",
        licence="the model's",
        source="https://arxiv.org/abs/2312.17090",
        extra=None,
        command=f"{_HUB} Qwen/Qwen2.5-VL-7B-Instruct",
        dimensions=("quality",),
        note=f"Not Q-Align: its readout (five level words) on a model not taught for it. {_TINY}",
    ),
    _foreign("q_align", "Q-Align (OneAlign)", f"{_GIT}/Q-Future/Q-Align"),
    System(
        name="unifiedreward",
        build=builders.unifiedreward,
        title="UnifiedReward",
        state="needs weights",
        licence="MIT",
        source="https://github.com/CodeGoat24/UnifiedReward",
        extra=None,
        command=f"{_HUB} CodeGoat24/UnifiedReward-qwen-7b",
        dimensions=("spatial", "temporal", "dynamic", "alignment", "factual", "quality"),
        note=f"The version on Qwen2.5-VL, not that on LLaVA; our wording; pairs in both orders. {_TINY}",
    ),
    System(
        name="unifiedreward_think",
        build=builders.unifiedreward_think,
        title="UnifiedReward-Think",
        state="needs weights",
        licence="MIT",
        source="https://github.com/CodeGoat24/UnifiedReward",
        extra=None,
        command=f"{_HUB} CodeGoat24/UnifiedReward-Think-qwen-7b",
        dimensions=(),
        note=f"Compares only; the version on Qwen2.5-VL; our wording; pairs in both orders. {_TINY}",
    ),
    System(
        name="videoreward",
        build=builders.videoreward,
        title="VideoReward",
        state="needs weights",
        licence="Apache-2.0",
        source="https://github.com/KwaiVGI/VideoAlign",
        extra=None,
        command=f"{_HUB} KwaiVGI/VideoReward --local-dir DIR; then folder=DIR",
        dimensions=_GENERATED,
        note=f"Our wording unless template= gives theirs, which its head was taught with. {_TINY}",
    ),
    *CLONED,
    _foreign("fast_vqa", "FAST-VQA", f"{_GIT}/VQAssessment/FAST-VQA-and-FasterVQA"),
    _foreign("faster_vqa", "FasterVQA", f"{_GIT}/VQAssessment/FAST-VQA-and-FasterVQA"),
    _foreign("dover", "DOVER", f"{_GIT}/VQAssessment/DOVER"),
    _foreign("minimalist_vqa", "Minimalist-VQA", f"{_GIT}/sunwei925/MinimalisticVQA"),
    _foreign("mplug_owl2", "mPLUG-Owl2", f"{_GIT}/X-PLUG/mPLUG-Owl"),
    _foreign("q_instruct", "Q-Instruct", f"{_GIT}/Q-Future/Q-Instruct"),
    _foreign("vqa2", "VQA²", f"{_GIT}/Q-Future/Visual-Question-Answering-for-Video-Quality-Assessment"),
    _foreign("visionreward", "VisionReward-Video", f"{_GIT}/THUDM/VisionReward"),
    _published(
        "ugvq",
        "UGVQ",
        "not stated",
        f"{_GIT}/zczhang-sjtu/UGVQ",
        dimensions=_GENERATED,
        note="Its repository holds a heading alone: neither code nor weights are public.",
    ),
)
SYSTEMS: dict[str, System] = {system.name: system for system in _ALL}
