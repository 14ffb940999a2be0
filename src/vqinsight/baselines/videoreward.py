"""VideoReward (Liu et al., 2025, "Improving Video Generation with Human Feedback"; repository KwaiVGI/VideoAlign).

A Qwen2-VL whose prompt has three special tokens, and a linear head that maps the hidden state at each of them to a
reward. The released folder holds ``model_config.json`` and ``checkpoint-<step>/`` with either ``model.pth`` or
``adapter_model.safetensors`` and ``non_lora_state_dict.pth``: weights with separate LoRA, which is merged on loading.
Their names are those of transformers 4, and are translated.

As in its training, the three tokens are in the question, not in the answer, and positions continue through the visual
tokens in one dimension.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.backbone import language_backbone
from vqinsight.assessor.load import load_model
from vqinsight.assessor.vision import encoder_outputs
from vqinsight.baselines.base import Scorer, Scores
from vqinsight.baselines.next_token import about_one, encode
from vqinsight.errors import ModelError
from vqinsight.settings.inference import InferenceSettings
from vqinsight.tasks.prompt_set import clean
from vqinsight.tasks.types import Missing

TOKENS = ("<|VQ_reward|>", "<|MQ_reward|>", "<|TA_reward|>")
DIMENSIONS = ("spatial", "temporal", "alignment")  # visual quality, motion quality, text alignment
_KEYS = ("VQ", "MQ", "TA")
_MIN_PIXELS = 128 * 28 * 28
_MAX_FRAMES = 768
# Our wording; the released head is trained with a longer text: set it with ``template`` for the published figures.
TEMPLATE = (
    "Rate this generated video on three separate criteria, each from 0 (worst) to 10 (best).\n"
    "Visual Quality: are the single frames plausible, clear, rich in detail and pleasing?\n"
    "Rating of Visual Quality: <|VQ_reward|>\n"
    "Motion Quality: is the motion stable, natural, smooth, and is there enough of it?\n"
    "Rating of Motion Quality: <|MQ_reward|>\n"
    "Text Alignment: do subject, action, surroundings, style and camera agree with the prompt?\n"
    "Textual prompt - {text_prompt}\n"
    "Rating of Text Alignment: <|TA_reward|>"
)


class VideoReward(Scorer):
    """Scores ``spatial``, ``temporal`` and ``alignment``: unbounded rewards, normalised over its training data.

    Args:
        folder: the downloaded weights.
        base: the Qwen2-VL base model, instead of the one that they name.
        template: the question, with ``{text_prompt}`` and the three tokens.
        options: ``device`` and ``dtype`` for ``load_model``.

    Raises:
        ModelError: a file is missing or does not fit.
    """

    name = "videoreward"
    ranges: Mapping[str, tuple[float, float]] = {}

    def __init__(self, folder: str, *, base: str | None = None, template: str = TEMPLATE, **options: Any) -> None:
        if not all(template.count(token) == 1 for token in (*TOKENS, "{text_prompt}")):
            raise ModelError(f"the template must hold each of {', '.join(TOKENS)} and {{text_prompt}} once.")
        released = read_release(Path(folder))
        loaded = load_model(base or released.base, **options)
        if loaded.model.config.model_type != "qwen2_vl":
            raise ModelError(f"{loaded.name} is a {loaded.model.config.model_type}, VideoReward a qwen2_vl.")
        loaded.tokenizer.add_special_tokens({"additional_special_tokens": list(TOKENS)})
        loaded.model.resize_token_embeddings(len(loaded.tokenizer), mean_resizing=False)
        self._head = _pour(loaded.model, released, folder)
        settings = InferenceSettings(
            fps=released.fps, frames=released.frames, max_frames=_MAX_FRAMES, max_pixels=released.max_pixels
        )
        pixels = replace(loaded.spec, max_pixels=settings.max_pixels, min_pixels=min(_MIN_PIXELS, settings.max_pixels))
        self._assessor = Assessor(replace(loaded, settings=settings, spec=pixels))
        self._tokens = loaded.tokenizer.convert_tokens_to_ids(list(TOKENS))
        self._released, self._template = released, template

    @torch.no_grad()
    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``; missing without a prompt."""
        if not prompt or not prompt.strip():
            return Missing("VideoReward needs the text prompt")
        clip = encode(self._assessor, path)
        asked = self._assessor.build(about_one(self._template.replace("{text_prompt}", clean(prompt))), [clip])
        model = self._assessor.loaded.model
        ids = torch.tensor([asked.ids], device=model.device)
        hidden = language_backbone(model)(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            position_ids=torch.arange(ids.shape[1], device=ids.device).expand(3, 1, -1),
            mm_encoder_outputs=encoder_outputs(clip.views, self._assessor.output_type),
            use_cache=False,
        ).last_hidden_state[0]
        rewards = (hidden.float() @ self._head.T).cpu()
        places = [asked.ids.index(token) for token in self._tokens]
        column = range(3) if rewards.shape[1] == 3 else (0, 0, 0)  # one output for all three, or one for each
        values = [float(rewards[place, c]) for place, c in zip(places, column, strict=True)]
        scaled = [(v - m) / s for v, m, s in zip(values, self._released.means, self._released.deviations, strict=True)]
        return dict(zip(DIMENSIONS, scaled, strict=True))


@dataclass(frozen=True)
class Release:
    """Settings and weights of a released folder.

    Attributes:
        base: hub id of the base model.
        fps, frames, max_pixels: how clips are sampled.
        means, deviations: for normalising the rewards.
        scale: factor of every LoRA product.
        weights: parameter by name, as saved.
    """

    base: str
    fps: float
    frames: int | None
    max_pixels: int
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    scale: float
    weights: dict[str, torch.Tensor]


def read_release(folder: Path) -> Release:
    """The released settings and the weights of the latest checkpoint.

    Raises:
        ModelError: a file or a setting is missing.
    """
    steps = sorted(folder.glob("checkpoint-*"), key=lambda path: int(re.sub(r"\D", "", path.name) or 0))
    if not (folder / "model_config.json").is_file() or not steps:
        raise ModelError(
            f"{folder}: not VideoReward's weights: wanted model_config.json and checkpoint-*/. "
            "Get them: hf download KwaiVGI/VideoReward --local-dir DIR"
        )
    try:
        settings = json.loads((folder / "model_config.json").read_text(encoding="utf-8"))
        data, lora = settings["data_config"], settings["peft_lora_config"]
        norm = settings.get("inference_config") or {}
        rank = lora["lora_r"] if lora["lora_enable"] else 1
        return Release(
            base=settings["model_config"]["model_name_or_path"],
            fps=float(data["fps"] or 2.0),
            frames=data["num_frames"],
            max_pixels=int(data["max_frame_pixels"]),
            means=tuple(float(norm.get(f"{key}_mean", 0.0)) for key in _KEYS),
            deviations=tuple(float(norm.get(f"{key}_std", 1.0)) for key in _KEYS),
            scale=lora["lora_alpha"] / (math.sqrt(rank) if lora.get("use_rslora") else rank),
            weights=_weights(steps[-1]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder}: VideoReward's weights are incomplete or damaged ({error!r}).") from error


def _weights(step: Path) -> dict[str, torch.Tensor]:
    whole = step / "model.pth"
    if whole.is_file():
        found: dict[str, torch.Tensor] = torch.load(whole, map_location="cpu", weights_only=True)
        return found
    rest = torch.load(step / "non_lora_state_dict.pth", map_location="cpu", weights_only=True)
    return {**rest, **load_file(step / "adapter_model.safetensors")}


def _pour(model: Any, released: Release, folder: str) -> torch.Tensor:
    """Load released weights into the model, with LoRA merged; returns the head, (outputs, width) float32."""
    named: dict[str, torch.Tensor] = {}
    pairs: dict[str, dict[str, torch.Tensor]] = {}
    for name, value in released.weights.items():
        if ".original_module." in name:
            continue  # the untrained head, which peft keeps
        module, _, part = re.sub(r"\.default(?=\.|$)", "", name).partition(".lora_")
        if not part:
            named[modern(module)] = value
        elif part in ("A.weight", "B.weight"):
            pairs.setdefault(modern(module + ".weight"), {})[part[0]] = value
        else:
            raise ModelError(f"{folder}: {name} is no plain LoRA weight, which is all that can be merged here.")
    head = named.pop("rm_head.weight", None)
    own = dict(model.named_parameters())
    tied = {"lm_head.weight"}  # the language head is not used
    unknown = sorted(({*named, *pairs} - set(own)) - tied)
    if head is None or unknown:
        raise ModelError(f"{folder}: does not fit {model.config.model_type}: {unknown[:3] or 'no rm_head.weight'}")
    with torch.no_grad():
        for name, value in named.items():
            if name not in tied:
                _fit(own[name], value, name, folder)
        for name, pair in pairs.items():
            own[name] += (released.scale * pair["B"].float() @ pair["A"].float()).to(own[name])
    return head.float().to(model.device)


def _fit(parameter: torch.Tensor, value: torch.Tensor, name: str, folder: str) -> None:
    if parameter.shape != value.shape:
        raise ModelError(f"{folder}: {name} is {tuple(value.shape)}, the model below has {tuple(parameter.shape)}.")
    parameter.copy_(value)


def modern(name: str) -> str:
    """A parameter's name in transformers 5, from the name saved by peft on transformers 4 (or 5)."""
    name = name.removeprefix("base_model.model.").replace(".base_layer.", ".").replace(".modules_to_save.", ".")
    name = re.sub(r"^visual\.", "model.visual.", name)
    return re.sub(r"^model\.(embed_tokens|layers|norm)\.", r"model.language_model.\1.", name)
