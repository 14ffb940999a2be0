"""Settings of a generator's training. Imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from vqinsight.settings.reader import Settings


class DpoSettings(Settings):
    """``[dpo]``: Eq. 9 and its training.

    Attributes:
        beta: of Eq. 9 (Γ = β / 2).
        sft: weight of the winner's denoising error, added to Eq. 9: it limits the rise of the winners' error.
        max_rise: the run stops early when the winners' error, over the last ``watch`` updates, is this share above the
            reference's (likelihood displacement); 0 never stops it.
        watch: updates that the rise is averaged over.
        updates: of the generator.
        pairs_per_prompt: 1 is best over worst (Eq. 8); more adds second best over second worst, and so on inwards.
        pairs_per_update: over all processes together.
        pairs_per_forward: pairs per forward pass of the denoiser on each process; lower it to save memory.
        learning_rate: at its peak.
        warmup: updates over which the learning rate rises from 0.
        weight_decay: AdamW's.
        max_grad_norm: gradients are clipped to this norm.
        ema: largest decay of the exponential moving average of the trained weights, which is saved. 0 saves the last
            update's weights.
        lora_rank: 0 trains all weights of the denoiser; above 0 an adapter of this rank.
        gradient_checkpointing: recomputes the denoiser's activations in the backward pass.
        dtype: of the computation: ``no`` is that of the weights, ``bf16`` autocasts. What is trained is float32 either
            way.
        log_every, save_every: updates between log entries, and between checkpoints.
    """

    beta: float = Field(default=5000.0, gt=0)
    sft: float = Field(default=0.0, ge=0)
    max_rise: float = Field(default=0.05, ge=0)
    watch: int = Field(default=20, ge=1)
    updates: int = Field(default=1000, ge=1)
    pairs_per_prompt: int = Field(default=1, ge=1)
    pairs_per_update: int = Field(default=16, ge=1)
    pairs_per_forward: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=6e-6, gt=0)
    warmup: int = Field(default=0, ge=0)
    weight_decay: float = Field(default=0.01, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    ema: float = Field(default=0.0, ge=0, lt=1)
    lora_rank: int = Field(default=0, ge=0)
    gradient_checkpointing: bool = False
    dtype: Literal["no", "bf16"] = "no"
    log_every: int = Field(default=10, ge=1)
    save_every: int = Field(default=100, ge=1)

    @model_validator(mode="after")
    def _fits(self) -> DpoSettings:
        if self.pairs_per_update % self.pairs_per_forward:
            raise ValueError(
                f"pairs_per_update = {self.pairs_per_update} cannot be cut into passes of pairs_per_forward = "
                f"{self.pairs_per_forward}"
            )
        return self
