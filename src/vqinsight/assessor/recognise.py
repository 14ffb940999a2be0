"""How a model was taught to see and to answer: from its own file, or from what is known of the released weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vqinsight.settings.inference import TAUGHT, InferenceSettings
from vqinsight.settings.reader import parse_settings, read_settings
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.prompt_sets import SUFFIX, prompt_set

SETTINGS_FILE = "vqinsight.json"
RELEASED = "ByteDance/Q-Insight"  # these weights are trained with the prompt set "released"
VIDEO_FOLDERS = ("vqinsight-comp", "vqinsight-aigcvideo", "vqinsight-naturalvideo")
_IMAGE_FOLDERS = ("score_degradation", "comparison")  # Q-Insight's, beside them: never shown a video
_BASE = "Qwen/Qwen2.5-VL-7B-Instruct"
_SAVED_BY = "4.49."  # the transformers that saved them


def inference_settings(
    place: str, subfolder: str, template: str | None, adapter: str | None = None
) -> tuple[InferenceSettings, PromptSet]:
    """The settings of a model and the prompt set they name.

    What the model's ``vqinsight.json`` says comes first. What it leaves out is as the weights that answer the prompt
    set were taught (``TAUGHT``): the released ones, known by their hub id, or by ``template``, come with their pixels
    and their time.

    Args:
        place: folder or hub id.
        template: a prompt set instead of the model's own: a name or a TOML file.
        adapter: folder of an adapter; where it has a settings file, that one counts.

    Raises:
        UsageError: a wrong setting, or no such prompt set.
    """
    folder = Path(place) / subfolder
    if adapter is not None and (Path(adapter) / SETTINGS_FILE).is_file():
        folder = Path(adapter)
    own: dict[str, Any] = {}
    if (folder / SETTINGS_FILE).is_file():
        own = read_settings(InferenceSettings, folder / SETTINGS_FILE).model_dump(exclude_unset=True)
        if str(own.get("template", "")).endswith(SUFFIX):  # a file beside it
            own["template"] = str(folder / own["template"])
    taught: dict[str, Any] = {**TAUGHT["released"], "template": "released"} if place == RELEASED else {}
    asked = prompt_set(template or own.get("template") or taught.get("template") or InferenceSettings().template)
    taught |= TAUGHT.get(asked.base or asked.name, {})
    if place == RELEASED and subfolder in _IMAGE_FOLDERS:
        taught = {}
    own["template"] = template or own.get("template") or asked.name
    return parse_settings(InferenceSettings, {**taught, **own}, f"{folder / SETTINGS_FILE}"), asked


def hint_of_release(name: str, place: str, subfolder: str, config: dict[str, Any]) -> str | None:
    """What to say of weights that may be the released ones under another name; ``None`` where nothing suggests it.

    Others fine-tuned the same base with the same software: this is a hint, and changes nothing by itself.

    Args:
        config: the contents of ``config.json``.
    """
    folder = (Path(place) / subfolder).resolve().name
    if place == RELEASED or (Path(place) / subfolder / SETTINGS_FILE).is_file():
        return None
    version = str(config.get("transformers_version", ""))
    if folder in VIDEO_FOLDERS:
        evidence = f"the folder is called {folder}"
    elif config.get("_name_or_path") == _BASE and config.get("use_cache") is False and version.startswith(_SAVED_BY):
        evidence = f"config.json says: fine-tuned from {_BASE} with transformers {version}"
    else:
        return None
    return (
        f"{name}: may be VQ-Insight's released weights ({evidence}). If so, choose the template 'released' "
        "(--template released; for training model.template): it brings their wording, pixels and time."
    )
