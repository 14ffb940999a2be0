"""The untrained embedded model: a small Qwen2.5-VL whose patch embedding is initialised as a filter bank."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from vqinsight.settings.inference import InferenceSettings
from vqinsight.video.patches import PixelSpec
from vqinsight.video.views import OverviewViews

# OpenAI CLIP's normalisation, as in every Qwen-VL.
PIXELS = PixelSpec(
    patch_size=14,
    temporal_patch_size=2,
    merge_size=2,
    mean=(0.48145466, 0.4578275, 0.40821073),
    std=(0.26862954, 0.26130258, 0.27577711),
    min_pixels=56 * 56,
    max_pixels=112 * 112,
)
VIEWS = OverviewViews()
FRAMES = 8

INFERENCE = InferenceSettings(
    template="separate",
    frames=FRAMES,
    min_pixels=PIXELS.min_pixels,
    max_pixels=PIXELS.max_pixels,
    seconds_per_grid=1.0,
    evidence=True,
    max_new_tokens=160,
    batch_tokens=16_384,
)

VISION_WIDTH, VISION_DEPTH = 160, 4
TEXT_WIDTH, TEXT_DEPTH = 192, 5
HEAD = 32
HEADS = "heads.pt"  # in a folder of pre-training, for further training; they do not ship


def nano_config(tokenizer: Any) -> Qwen2_5_VLConfig:
    """The configuration, with about 3.7 million parameters."""
    token = tokenizer.convert_tokens_to_ids
    return Qwen2_5_VLConfig(
        vision_config={
            "depth": VISION_DEPTH,
            "hidden_size": VISION_WIDTH,
            "intermediate_size": 2 * VISION_WIDTH,
            "num_heads": VISION_WIDTH // HEAD,
            "out_hidden_size": TEXT_WIDTH,
            "patch_size": PIXELS.patch_size,
            "temporal_patch_size": PIXELS.temporal_patch_size,
            "spatial_merge_size": PIXELS.merge_size,
            "fullatt_block_indexes": list(range(VISION_DEPTH)),
            "window_size": 112,
            "tokens_per_second": 2,
        },
        text_config={
            "hidden_size": TEXT_WIDTH,
            "intermediate_size": 512,
            "num_hidden_layers": TEXT_DEPTH,
            "num_attention_heads": TEXT_WIDTH // HEAD,
            "num_key_value_heads": 2,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]},
            "tie_word_embeddings": True,
            "bos_token_id": None,
            "eos_token_id": token("<|im_end|>"),
            "pad_token_id": token("<|endoftext|>"),
        },
        tie_word_embeddings=True,
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
    )


def build_model(tokenizer: Any, seed: int = 0) -> Qwen2_5_VLForConditionalGeneration:
    """The model in float32, randomly initialised except for the patch embedding."""
    torch.manual_seed(seed)
    model = Qwen2_5_VLForConditionalGeneration(nano_config(tokenizer))
    token = tokenizer.convert_tokens_to_ids
    with torch.no_grad():
        model.model.visual.patch_embed.proj.weight.copy_(filter_bank(VISION_WIDTH, PIXELS.patch_size))
        _square(model.model.visual.blocks[0].mlp)
    model.generation_config.eos_token_id = token("<|im_end|>")
    model.generation_config.pad_token_id = token("<|endoftext|>")
    return model


def _square(mlp: Any) -> None:
    """Initialise a gated layer to squares: silu(z) z + silu(-z) (-z) = z^2, summed in random directions.

    It gives the energy of detail, independent of its sign, from the first step.
    """
    same = torch.eye(VISION_WIDTH)
    both = torch.cat((same, -same))
    mlp.gate_proj.weight.copy_(both)
    mlp.up_proj.weight.copy_(both)
    mlp.gate_proj.bias.zero_()
    mlp.up_proj.bias.zero_()
    mixed = torch.randn(VISION_WIDTH, VISION_WIDTH) * 0.3 / VISION_WIDTH**0.5
    mlp.down_proj.weight.copy_(torch.cat((mixed, mixed), dim=1))


def filter_bank(width: int, side: int) -> torch.Tensor:
    """(width, 3, 2, side, side) patch filters: cosines of colour means, of frame differences, and of fine luminance.

    Detail of random sign (noise, lost texture, block edges) has no first-order gradient: its strength is not learned
    from a random initialisation, but from these filters.
    """
    place = (np.arange(side) + 0.5) * np.pi / side
    waves = np.cos(np.arange(side)[:, None] * place[None, :])  # (frequency, position)
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    order = sorted(((u, v) for u in range(side) for v in range(side)), key=lambda uv: (uv[0] ** 2 + uv[1] ** 2, uv))
    luminance, red_green, blue_yellow = (
        np.array(c) / np.linalg.norm(c) for c in ((1.0, 1.0, 1.0), (1.0, -1.0, 0.0), (-0.5, -0.5, 1.0))
    )
    mean, difference = np.array((1.0, 1.0)) / np.sqrt(2), np.array((1.0, -1.0)) / np.sqrt(2)

    def cosine(uv: tuple[int, int], colour: np.ndarray, time: np.ndarray) -> np.ndarray:
        return np.einsum("c,t,y,x->ctyx", colour, time, waves[uv[0]], waves[uv[1]])

    coarse = [cosine(uv, luminance, mean) for uv in order[:28]]
    colours = [cosine(uv, colour, mean) for uv in order[:14] for colour in (red_green, blue_yellow)]
    changes = [cosine(uv, luminance, difference) for uv in order[:20]]
    colour_changes = [cosine(order[0], colour, difference) for colour in (red_green, blue_yellow)]
    left = width - len(coarse) - len(colours) - len(changes) - len(colour_changes)
    fine_mean, fine_change = left * 2 // 3, left - left * 2 // 3
    spread = order[28:]
    fine = [cosine(spread[i], luminance, mean) for i in np.linspace(0, len(spread) - 1, fine_mean).astype(int)]
    fine += [cosine(spread[i], luminance, difference) for i in np.linspace(0, len(spread) - 1, fine_change).astype(int)]
    bank = np.stack([*coarse, *colours, *changes, *colour_changes, *fine])
    return torch.from_numpy(bank).float()
