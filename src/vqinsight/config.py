"""Settings read from files, strictly: an unknown key is an error that names the nearest known one. Imports no torch."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vqinsight.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)


class Settings(BaseModel):
    """Base of all settings: frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LookSettings(Settings):
    """How a model looks at clips and is asked; ``vqinsight.json`` in a model's folder, else these defaults.

    Attributes:
        prompts: name of the prompt set the model was taught with.
        fps, min_frames, max_frames: sampling by rate, within bounds.
        frames: a fixed number of frames instead.
        max_pixels: largest height x width of one frame of a clip, after resizing.
        min_pixels: smallest, likewise.
        detail: rows and columns of native-resolution fragments shown beside the overview, or ``None``.
        seconds_per_grid: fixed time step told to the model instead of the true one, or ``None``.
        max_new_tokens: longest answer.
        batch_tokens: most tokens (answers included) in one batch; the knob to lower when memory runs out.
    """

    prompts: str = "standard"
    fps: float = Field(default=2.0, gt=0)
    min_frames: int = Field(default=4, ge=2)
    max_frames: int = Field(default=16, ge=2)
    frames: int | None = Field(default=None, ge=1)
    max_pixels: int = Field(default=105_369, ge=784)
    min_pixels: int = Field(default=3_136, ge=784)
    detail: tuple[int, int] | None = None
    seconds_per_grid: float | None = Field(default=None, gt=0)
    max_new_tokens: int = Field(default=1024, ge=1)
    batch_tokens: int = Field(default=32_768, ge=1)


def parse_settings(kind: type[Model], values: dict[str, Any], source: str) -> Model:
    """Validate ``values`` as ``kind``.

    Raises:
        UsageError: one line an error: the key, what is wrong, and the nearest known key for an unknown one.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise UsageError("\n".join(f"{source}: {_explain(kind, item)}" for item in error.errors())) from None


def read_settings(kind: type[Model], path: Path) -> Model:
    """Read a JSON file as ``kind``; errors name the file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as JSON ({error}). Correct the file or remove it.") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path}: holds a {type(values).__name__}, not an object of settings.")
    return parse_settings(kind, values, str(path))


def _explain(kind: type[BaseModel], item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        return f"{key} = {item['input']!r}: {item['msg']}"
    nearest = difflib.get_close_matches(key, list(kind.model_fields), n=1, cutoff=0.0)
    return f"unknown setting {key!r}. Did you mean {nearest[0]!r}?"
