"""Inputs and outputs of the embedded generator's auto-encoder, text encoder and denoiser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from vqinsight.generator.families.nano_networks import FRAME_STEP, UNSHUFFLE


def to_planes(frames: torch.Tensor) -> torch.Tensor:
    """uint8 (N, H, W, 3) becomes float (N, 48, H/4, W/4) in [-1, 1]."""
    return F.pixel_unshuffle(frames.permute(0, 3, 1, 2).float() / 127.5 - 1, UNSHUFFLE)


def to_pixels(planes: torch.Tensor) -> torch.Tensor:
    """The inverse, rounded and clipped; values that are not finite give black."""
    pixels = F.pixel_shuffle(torch.nan_to_num(planes.float(), nan=-1.0), UNSHUFFLE)
    return ((pixels + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1)


def frame_times(t: torch.Tensor, denoiser: Any, latents: torch.Tensor) -> torch.Tensor:
    """(B, tokens) in thousandths: ``t`` for the first frame's tokens, and for each further frame's ``FRAME_STEP`` more.

    Wan's transformer has relative positions only. In pure noise it cannot tell the first frame from the last, and so
    not the direction of motion (dev/log). The time, which modulates every layer, gives each frame's absolute position.

    Args:
        t: (B,) in (0, 1].
        latents: (B, C, F, H, W), the denoiser's input.
    """
    frames, height, width = latents.shape[2:]
    _, patch_height, patch_width = denoiser.config.patch_size
    steps = FRAME_STEP * torch.arange(frames, device=latents.device)
    steps = steps.repeat_interleave(height // patch_height * (width // patch_width))
    return t.to(latents.device, torch.float32)[:, None] * 1000 + steps  # half precision rounds 7,502 to 7,500


def say_clip(denoiser: Any, noisy: torch.Tensor, t: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    """The denoiser's prediction of the clip, (B, C, F, H, W), from ``noisy`` and ``text`` of ``encode_words``."""
    clip: torch.Tensor = denoiser(noisy, frame_times(t, denoiser, noisy), text, return_dict=False)[0]
    return clip


def encode_words(encoder: Any, tokenizer: Any, prompts: Sequence[str]) -> torch.Tensor:
    """(B, words, width): every prompt padded to the same length, longer ones cut; differentiable."""
    words = tokenizer(list(prompts), padding="max_length", truncation=True, return_tensors="pt")
    device = next(encoder.parameters()).device
    return encoder(words["input_ids"].to(device)).last_hidden_state
