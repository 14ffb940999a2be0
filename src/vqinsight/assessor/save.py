"""Saving: writes a folder that ``load_model`` reads."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from vqinsight.assessor.load import LoadedModel
from vqinsight.assessor.recognise import SETTINGS_FILE
from vqinsight.common.files import write_atomic
from vqinsight.tasks.prompt_file import write_prompt_set
from vqinsight.tasks.prompt_sets import NAMES
from vqinsight.video.patches import PixelSpec

logger = logging.getLogger(__name__)

PREPROCESSOR_FILE = "preprocessor_config.json"
PROMPTS_FILE = "prompts.toml"


def preprocessor(spec: PixelSpec, model_type: str) -> dict[str, Any]:
    """Preprocessor settings with transformers' class names, so that ``AutoProcessor`` reads the folder too."""
    families = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL", "qwen3_5": "Qwen3VL"}
    family = families[model_type]
    return {
        "image_processor_type": "Qwen2VLImageProcessor",
        "video_processor_type": "Qwen3VLVideoProcessor" if family == "Qwen3VL" else "Qwen2VLVideoProcessor",
        "processor_class": f"{family}Processor",
        "patch_size": spec.patch_size,
        "temporal_patch_size": spec.temporal_patch_size,
        "merge_size": spec.merge_size,
        "image_mean": list(spec.mean),
        "image_std": list(spec.std),
        "size": {"shortest_edge": spec.min_pixels, "longest_edge": spec.max_pixels},
    }


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write a tokenizer without its loading options, which transformers 5.23 keeps among its settings.

    A saved ``local_files_only`` would also apply on machines that have a network.
    """
    for setting in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(setting, None)
    tokenizer.save_pretrained(folder)


def save_companions(loaded: LoadedModel, folder: Path) -> None:
    """Write the files beside the weights: tokenizer, preprocessor, inference settings, and prompts of one's own."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(loaded.tokenizer, folder)
    settings = preprocessor(loaded.spec, loaded.model.config.model_type)
    (folder / PREPROCESSOR_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    template, asked = loaded.settings.template, loaded.prompt_set
    if asked.name not in NAMES:
        template = PROMPTS_FILE
        write_atomic(folder / PROMPTS_FILE, write_prompt_set(asked))
    look = {**loaded.settings.model_dump(), "template": template}
    write_atomic(folder / SETTINGS_FILE, json.dumps(look, indent=2) + "\n")


def restore(model: Any, checkpoint: Path) -> None:
    """Load a checkpoint's weights into a transformers model in place.

    transformers 5.23 saves these models under legacy weight names, and its Trainer, when it resumes, silently loads
    only the weights whose names are the same in both schemes (tests/invariant/test_resume.py).
    """
    saved = type(model).from_pretrained(checkpoint, dtype=torch.float32)
    model.load_state_dict(saved.state_dict())  # each weight in the precision that it has in ``model``


def state_float32(folder: Path) -> None:
    """Say in a saved model's ``config.json`` that its weights are float32.

    transformers writes the dtype of one of the weights in memory, which are frozen in bfloat16 in part.
    """
    file = folder / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    for part in (config, *(value for value in config.values() if isinstance(value, dict))):
        if "dtype" in part:
            part["dtype"] = "float32"
    write_atomic(file, json.dumps(config, indent=2) + "\n")


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint: the trainer's state is written last, so one without it is incomplete."""
    found = []
    for place in folder.glob("checkpoint-*"):
        number = re.fullmatch(r"checkpoint-(\d+)", place.name)
        if number is None:
            continue
        try:
            json.loads((place / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            logger.warning("%s is not whole and is passed over", place)
            continue
        found.append((int(number[1]), place))
    return max(found)[1] if found else None
