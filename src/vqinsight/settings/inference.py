"""How a model is shown clips and asked: ``vqinsight.json`` in a model's folder. Imports no torch."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from vqinsight.settings.reader import Settings

# How the weights that answer a prompt set were shown clips, where their folder does not say: the released VQ-Insight
# weights saw frames of at least 128 tokens of 28 x 28 pixels, and times as if a temporal patch took a second.
TAUGHT: dict[str, dict[str, float]] = {"released": {"min_pixels": 128 * 28 * 28, "seconds_per_grid": 1.0}}


class InstrumentSettings(Settings):
    """Views in addition to the overview, for small models (``video/instruments``).

    Attributes:
        rows, columns: grid of native-resolution crops of each sampled frame and of its successor.
        scopes: plots of measurements of every frame beside its crops; they need 3 columns.
        self_similarity: a further view with the similarity of segments of the clip; needs the scopes.
    """

    rows: int = Field(ge=1)
    columns: int = Field(ge=1)
    scopes: bool = False
    self_similarity: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.scopes and self.columns != 3:
            raise ValueError("scopes lie beside crops in 3 columns: set columns = 3, or scopes = false")
        if self.self_similarity and not self.scopes:
            raise ValueError("self-similarity is one of the scopes: set scopes = true, or self_similarity = false")
        return self


class InferenceSettings(Settings):
    """How a model is shown clips and asked.

    Attributes:
        template: the prompt set the model is trained with: a name, or a TOML file of your own (``PromptFile``).
        fps, min_frames, max_frames: sampled frames per second, and bounds on their number.
        frames: a fixed number of frames instead.
        max_pixels: largest height x width of one frame of a clip, after resizing.
        min_pixels: smallest, likewise: a smaller frame is enlarged, if need be beyond ``max_pixels``.
        instruments: views beside the overview, or ``None``.
        seconds_per_grid: fixed seconds per temporal patch given to the model, or ``None`` for the clip's own.
        evidence: whether questions state what is measured on every frame (``measure``). Every frame is then decoded.
        max_new_tokens: longest answer.
        batch_tokens: most tokens (answers included) in one batch; lower it to save memory.
    """

    template: str = "standard"
    fps: float = Field(default=2.0, gt=0)
    min_frames: int = Field(default=4, ge=2)
    max_frames: int = Field(default=16, ge=2)
    frames: int | None = Field(default=None, ge=1)
    max_pixels: int = Field(default=105_369, ge=784)
    min_pixels: int = Field(default=3_136, ge=784)
    instruments: InstrumentSettings | None = None
    seconds_per_grid: float | None = Field(default=None, gt=0)
    evidence: bool = False
    max_new_tokens: int = Field(default=1024, ge=1)
    batch_tokens: int = Field(default=32_768, ge=1)
