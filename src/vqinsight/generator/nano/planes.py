"""Frames as the auto-encoder takes them, and words as the text encoder does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from vqinsight.generator.nano.build import UNSHUFFLE


def to_planes(frames: torch.Tensor) -> torch.Tensor:
    """uint8 (N, H, W, 3) becomes float (N, 48, H/4, W/4) in [-1, 1]."""
    return F.pixel_unshuffle(frames.permute(0, 3, 1, 2).float() / 127.5 - 1, UNSHUFFLE)


def to_pixels(planes: torch.Tensor) -> torch.Tensor:
    """The inverse, rounded and clipped; what is not finite comes out black."""
    pixels = F.pixel_shuffle(torch.nan_to_num(planes.float(), nan=-1.0), UNSHUFFLE)
    return ((pixels + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1)


def encode_words(encoder: Any, tokenizer: Any, prompts: Sequence[str]) -> torch.Tensor:
    """(B, words, width): every prompt padded to the same length, longer ones cut; differentiable."""
    words = tokenizer(list(prompts), padding="max_length", truncation=True, return_tensors="pt")
    device = next(encoder.parameters()).device
    return encoder(words["input_ids"].to(device)).last_hidden_state
