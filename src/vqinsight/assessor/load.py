"""Loading the embedded model, a local folder, or a hub id with optional ``:subfolder``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, AutoTokenizer, GenerationConfig, PretrainedConfig
from transformers.image_processing_base import ImageProcessingMixin
from transformers.utils import cached_file
from transformers.utils import logging as transformers_logging

from vqinsight.assessor.families import FAMILIES, IMAGE_TOKEN, VIDEO_TOKEN, VISION_END, VISION_START, Family
from vqinsight.assessor.recognise import SETTINGS_FILE, hint_of_release, inference_settings
from vqinsight.common.device import free_memory, pick_device, spare_threads
from vqinsight.common.files import is_missing_folder
from vqinsight.errors import ModelError
from vqinsight.settings.inference import InferenceSettings
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.video.patches import PixelSpec
from vqinsight.video.views import OverviewViews, ViewBuilder
from vqinsight.weights import ASSESSOR

_LARGE = 2**30  # bytes from which the memory estimate is announced
_GIB = 2**30


@dataclass(frozen=True)
class LoadedModel:
    """A model ready for inference.

    Attributes:
        name: as the user gave it.
        digest: 12 hex digits that change with the weights.
        model, tokenizer: transformers' objects, the model in evaluation mode.
        family: its prompt format.
        spec: its patch size and normalisation.
        settings: how it is shown clips and asked.
        prompt_set: the wording of its questions, and how answers are read.
        views: builds the views of a clip that it is shown.
        suppressed_tokens: ids of placeholder tokens, which are never generated.
        threads: CPU threads of inference; ``None`` keeps torch's number.
    """

    name: str
    digest: str
    model: Any
    tokenizer: Any
    family: Family
    spec: PixelSpec
    settings: InferenceSettings
    prompt_set: PromptSet
    views: ViewBuilder
    suppressed_tokens: tuple[int, ...]
    threads: int | None = None


def load_model(
    name: str,
    *,
    adapter: str | None = None,
    template: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    on_message: Callable[[str], None] | None = None,
) -> LoadedModel:
    """Load a vision-language model.

    Args:
        name: ``"nano"``, a folder, or a hub id, optionally with ``:subfolder``.
        adapter: folder or hub id of a LoRA adapter, merged into the weights.
        template: prompt set instead of the model's own: a name or a TOML file.
        device: ``"auto"`` takes CUDA if there is one, see ``pick_device``.
        dtype: ``"auto"`` is bfloat16 on an accelerator and float32 on a CPU; else ``"float32"``, ``"bfloat16"``,
            ``"float16"``, or ``"stored"``, the one of the checkpoint.
        on_message: called with the device that ``"auto"`` picks unless it is the CPU, the memory estimate of large
            weights, and a hint where they may be the released ones under another name.

    Raises:
        ModelError: no such model, an unsupported family, incomplete files, or an adapter that does not fit.
    """
    transformers_logging.disable_progress_bar()  # small models load at once
    place, subfolder = _split(name)
    if is_missing_folder(place):
        raise ModelError(f"{name}: there is no such folder. A finished training leaves its model in 'final'.")
    if adapter is None and (Path(place) / subfolder / "adapter_config.json").is_file():
        return _load_adapter_folder(name, str(Path(place) / subfolder), template, device, dtype, on_message)
    where: dict[str, Any] = {"subfolder": subfolder} if subfolder else {}
    if not Path(place).exists():
        from vqinsight.common.hub import local_only

        where |= local_only(name, place, subfolder)
    settings, asked = inference_settings(place, subfolder, template, adapter)
    target = pick_device(device, on_message)
    number = "auto" if dtype == "stored" else pick_dtype(dtype, target)  # the word of transformers
    try:
        config = AutoConfig.from_pretrained(place, **where)
        if config.model_type not in FAMILIES:
            raise ModelError(
                f"{name}: the family {config.model_type!r} is not supported; known: {', '.join(FAMILIES)}. "
                "Add an entry to assessor/families.py that says what stands for a view in its prompts."
            )
        if on_message is not None and template is None:
            raw, _ = PretrainedConfig.get_config_dict(place, **where)
            if hint := hint_of_release(name, place, subfolder, raw):
                on_message(hint)
        tokenizer = AutoTokenizer.from_pretrained(place, **where)
        if not tokenizer("a", add_special_tokens=False)["input_ids"]:  # without its files some are made empty
            raise ValueError("its tokenizer has no words")
        tokenizer.chat_template = tokenizer.chat_template or _processor_template(place, where)
        spec = _pixel_spec(place, where)
        _announce_memory(name, Path(place) / subfolder, config, number, target, on_message)
        model = AutoModelForImageTextToText.from_pretrained(place, dtype=number, **where)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{name}: cannot be loaded ({_first_line(error)}). {_advice(place)}") from error
    if adapter is not None:
        model = _merge_adapter(model, adapter)
    model = model.eval().requires_grad_(False).to(target)
    if model.generation_config is None or model.generation_config.eos_token_id is None:
        model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id)
    views = _view_builder(name, settings, spec)
    low, high = min(settings.min_pixels, settings.max_pixels), settings.max_pixels
    spec = replace(spec, min_pixels=low, max_pixels=high)
    tokens = (IMAGE_TOKEN, VIDEO_TOKEN, VISION_START, VISION_END)
    suppressed_tokens = tuple(tokenizer.convert_tokens_to_ids(token) for token in tokens)
    digest = weights_digest(place, where, adapter, config)
    family = FAMILIES[config.model_type]
    threads = spare_threads() if name == "nano" and target.type == "cpu" else None
    return LoadedModel(name, digest, model, tokenizer, family, spec, settings, asked, views, suppressed_tokens, threads)


def _split(name: str) -> tuple[str, str]:
    if name == "nano":
        return str(ASSESSOR), ""
    if Path(name).exists():
        return name, ""
    place, _, subfolder = name.partition(":")
    return place, subfolder


def _load_adapter_folder(
    name: str, folder: str, template: str | None, device: str, dtype: str, on_message: Callable[[str], None] | None
) -> LoadedModel:
    """Load a folder that holds only an adapter, whose configuration names the base model."""
    from peft import PeftConfig

    base = PeftConfig.from_pretrained(folder).base_model_name_or_path
    if not base:
        raise ModelError(f"{name}: the adapter does not name its base model. Give --model BASE --adapter {name}")
    loaded = load_model(base, adapter=folder, template=template, device=device, dtype=dtype, on_message=on_message)
    return replace(loaded, name=name)


def _merge_adapter(model: Any, adapter: str) -> Any:
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, adapter).merge_and_unload()
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{adapter}: cannot be used as a LoRA adapter ({_first_line(error)}). "
            "Give a folder with adapter_config.json and its weights, or a hub id."
        ) from error


def pick_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The torch dtype of that name; ``auto`` is bfloat16 on an accelerator and float32 on a CPU."""
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if dtype == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    if dtype not in known:
        raise ModelError(f"dtype {dtype!r} is not known. Choose from auto, {', '.join(known)}.")
    return known[dtype]


def _pixel_spec(place: str, where: dict[str, Any]) -> PixelSpec:
    """Patch size and normalisation from the preprocessor files; pixel limits are set by ``InferenceSettings``."""
    values, _ = ImageProcessingMixin.get_image_processor_dict(place, **where)
    try:
        mean, std = tuple(values["image_mean"]), tuple(values["image_std"])
        return PixelSpec(
            patch_size=values["patch_size"],
            temporal_patch_size=values["temporal_patch_size"],
            merge_size=values["merge_size"],
            mean=(mean[0], mean[1], mean[2]),
            std=(std[0], std[1], std[2]),
            min_pixels=InferenceSettings().min_pixels,
            max_pixels=InferenceSettings().max_pixels,
        )
    except KeyError as error:
        raise ModelError(f"{place}: the preprocessor settings lack {error}.") from error


def _processor_template(place: str, where: dict[str, Any]) -> str:
    """The chat template of ``chat_template.json``, where older processors keep it and tokenizers do not look."""
    file = cached_file(place, "chat_template.json", _raise_exceptions_for_missing_entries=False, **where)
    text = json.loads(Path(file).read_text(encoding="utf-8"))["chat_template"] if file else None
    if not isinstance(text, str):
        raise ModelError(
            f"{place}: there is no chat template. Add chat_template.jinja, from the model that this one was made from."
        )
    return text


def _view_builder(name: str, settings: InferenceSettings, spec: PixelSpec) -> ViewBuilder:
    if settings.instruments is None:
        return OverviewViews()
    from vqinsight.video.instruments.scopes import SIDE
    from vqinsight.video.instruments.views import InstrumentViews

    if settings.instruments.scopes and spec.factor != SIDE:
        raise ModelError(
            f"{name}: scopes are drawn for tokens of {SIDE} pixels and this model's have {spec.factor}. "
            f"Set instruments.scopes = false in its {SETTINGS_FILE}."
        )
    return InstrumentViews(settings.instruments)


def _announce_memory(
    name: str,
    folder: Path,
    config: Any,
    dtype: torch.dtype | str,
    device: torch.device,
    on_message: Callable[[str], None] | None,
) -> None:
    if 0 < _weight_bytes(folder) < _LARGE // 4:  # below the limit in any dtype: no estimate needed
        return
    with torch.device("meta"):
        count = sum(p.numel() for p in AutoModelForImageTextToText.from_config(config).parameters())
    size = torch.empty((), dtype=dtype).element_size() if isinstance(dtype, torch.dtype) else 2  # stored: 2 or 4
    needed = count * size
    if needed < _LARGE:
        return
    free = free_memory(device)
    text = f"{name}: {count / 1e9:.1f} billion parameters take {needed / _GIB:.1f} GiB on {device}"
    if free is not None:
        text += f", {free / _GIB:.1f} GiB are free"
        if needed > free:
            raise ModelError(f"{text}. Use --dtype bfloat16, a smaller model, or another device.")
    if on_message is not None:
        on_message(f"{text}. Answers need some more on top.")


def _weight_bytes(folder: Path) -> int:
    """Size of a local folder's weights; 0 for a hub id."""
    return sum(file.stat().st_size for file in (*folder.glob("*.safetensors"), *folder.glob("*.bin")))


def weights_digest(place: str, where: dict[str, Any], adapter: str | None, config: Any) -> str:
    """Digest of local weights (names, sizes, first and last MiB of each file) or of the commit of hub weights."""
    digest = hashlib.sha256()
    folders = [Path(place) / where.get("subfolder", ""), *([Path(adapter)] if adapter else [])]
    for folder in folders:
        if not folder.is_dir():
            commit = getattr(config, "_commit_hash", None)
            digest.update(f"{folder}@{commit}".encode())
            continue
        for file in sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")]):
            digest.update(f"{file.name}:{file.stat().st_size}".encode())
            with file.open("rb") as stream:
                digest.update(stream.read(2**20))
                stream.seek(max(0, file.stat().st_size - 2**20))
                digest.update(stream.read(2**20))
    return digest.hexdigest()[:12]


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _advice(place: str) -> str:
    if Path(place).exists():
        return "The folder must hold config.json, the weights, the tokenizer and preprocessor_config.json."
    return "Give 'nano', a folder, or a hub id such as Qwen/Qwen2.5-VL-7B-Instruct (hub ids need the network once)."
