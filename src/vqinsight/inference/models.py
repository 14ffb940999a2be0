"""The known models: what each scores on which scale, and how to get it. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from vqinsight.tasks.prompt_sets import prompt_set
from vqinsight.tasks.types import Dimension, TaskName

_HUB = "https://huggingface.co"
_RELEASED = "ByteDance/Q-Insight"
_NOT_STATED = "not stated where we looked; see the hub page"
_EVERY: tuple[TaskName, ...] = ("image", "natural", "generated", "compare", "yesno")


@dataclass(frozen=True)
class ModelInfo:
    """What a user needs to know to choose a model.

    Attributes:
        name: what ``--model`` and ``vqinsight.load`` take.
        family: transformers' model type.
        state: ``embedded`` in this package, ``released`` by the paper's authors for this use, or ``base``: a general
            model, to be trained or asked zero-shot.
        tasks: that it supports: image, natural and generated are scored; compare and yesno are answered.
        scores: by scoring task, its dimensions with their ranges. Higher is better on every one.
        template: its prompt set.
        licence: of the weights, as their authors state it.
        source: where it is documented.
        command: how to get it.
        note: further remarks.
        higher_is_better: of every dimension.
    """

    name: str
    family: str
    state: Literal["embedded", "released", "base"]
    tasks: tuple[TaskName, ...]
    scores: dict[str, tuple[Dimension, ...]]
    template: str
    licence: str
    source: str
    command: str
    note: str
    higher_is_better: bool = True

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **asdict(self),
            "tasks": list(self.tasks),
            "scores": {k: list(v) for k, v in asdict(self)["scores"].items()},
        }


def list_models() -> list[ModelInfo]:
    """The models known by name: the embedded one, the released weights, and base models of each family.

    Any other model of a supported family works as well: a folder, or a hub id.
    """
    return [
        _model(
            "nano", "qwen2_5_vl", "embedded", _EVERY, "brief", "Apache-2.0", "src/vqinsight/weights/assessor/README.md",
            "nothing to get", "A model of 3.8 million parameters for technical defects. It knows no real objects: its "
            "alignment score means nothing on real footage.",
        ),
        _released("vqinsight-naturalvideo", ("natural",), "Natural videos."),
        _released("vqinsight-aigcvideo", ("generated",), "Generated videos; alignment only with a prompt."),
        _released("vqinsight-comp", ("compare",), "Compares two clips."),
        _released("score_degradation", ("image",), "Q-Insight, a model of images."),
        _base("Qwen/Qwen2-VL-2B-Instruct", "qwen2_vl", "Apache-2.0"),
        _base("Qwen/Qwen2-VL-7B-Instruct", "qwen2_vl", "Apache-2.0"),
        _base("Qwen/Qwen2.5-VL-3B-Instruct", "qwen2_5_vl", "Qwen Research Licence, non-commercial"),
        _base("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2_5_vl", "Apache-2.0"),
        _base("Qwen/Qwen3-VL-4B-Instruct", "qwen3_vl", "Apache-2.0"),
        _base("Qwen/Qwen3-VL-8B-Instruct", "qwen3_vl", "Apache-2.0"),
        _base("Qwen/Qwen3.5-9B", "qwen3_5", _NOT_STATED),
    ]  # fmt: skip


def _released(subfolder: str, tasks: tuple[TaskName, ...], note: str) -> ModelInfo:
    command = f"hf download {_RELEASED} --include '{subfolder}/*'"
    name, source = f"{_RELEASED}:{subfolder}", f"{_HUB}/{_RELEASED}"
    return _model(name, "qwen2_5_vl", "released", tasks, "released", _NOT_STATED, source, command, note)


def _base(name: str, family: str, licence: str) -> ModelInfo:
    note = "Not trained to judge quality: asked zero-shot, or the base of a training."
    command = f"hf download {name}"
    return _model(name, family, "base", _EVERY, "standard", licence, f"{_HUB}/{name}", command, note)


def _model(
    name: str,
    family: str,
    state: Literal["embedded", "released", "base"],
    tasks: tuple[TaskName, ...],
    template: str,
    licence: str,
    source: str,
    command: str,
    note: str,
) -> ModelInfo:
    scales = prompt_set(template).scales
    scores = {str(task): scales[task] for task in tasks if task in scales}
    return ModelInfo(name, family, state, tasks, scores, template, licence, source, command, note)
