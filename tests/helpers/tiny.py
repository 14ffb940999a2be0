"""Tiny random checkpoints of real architectures, saved to disk as users' models are."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3_5Config,
    Qwen3_5ForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

from vqinsight.assessor.save import preprocessor
from vqinsight.nano.assessor.architecture import PIXELS
from vqinsight.nano.assessor.tokenizer import train_tokenizer

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
}


QWEN3_VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_heads": 2,
    "out_hidden_size": 32,
    "patch_size": 16,
    "temporal_patch_size": 2,
    "spatial_merge_size": 2,
    "num_position_embeddings": 64,
}


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    """A small tokenizer with the chat form and the special tokens of Qwen."""
    return train_tokenizer(lessons=20)


def _special(token: Any) -> dict[str, int]:
    return {
        "image_token_id": token("<|image_pad|>"),
        "video_token_id": token("<|video_pad|>"),
        "vision_start_token_id": token("<|vision_start|>"),
        "vision_end_token_id": token("<|vision_end|>"),
    }


def _text() -> dict[str, Any]:
    words = tokenizer()
    return {
        **TEXT,
        "vocab_size": len(words),
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [2, 3, 3],
        },
        "bos_token_id": None,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }


def qwen2_5_vl() -> Qwen2_5_VLForConditionalGeneration:
    """About 30 thousand random parameters; two of its three vision layers look through windows."""
    torch.manual_seed(0)
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "out_hidden_size": 32,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "spatial_merge_size": 2,
        "fullatt_block_indexes": [2],
        "window_size": 56,
        "tokens_per_second": 2,
    }
    config = Qwen2_5_VLConfig(
        vision_config=vision,
        text_config=_text(),
        tie_word_embeddings=True,
        **_special(tokenizer().convert_tokens_to_ids),
    )
    return _loud(Qwen2_5_VLForConditionalGeneration(config))


def qwen2_vl() -> Qwen2VLForConditionalGeneration:
    """The same for Qwen2-VL, whose vision tower names its sizes differently."""
    torch.manual_seed(0)
    vision = {
        "depth": 2,
        "embed_dim": 32,
        "hidden_size": 32,
        "mlp_ratio": 2,
        "num_heads": 2,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "spatial_merge_size": 2,
    }
    config = Qwen2VLConfig(
        vision_config=vision,
        text_config=_text(),
        tie_word_embeddings=True,
        **_special(tokenizer().convert_tokens_to_ids),
    )
    return _loud(Qwen2VLForConditionalGeneration(config))


def qwen3_vl() -> Qwen3VLForConditionalGeneration:
    """The same for Qwen3-VL, with two deepstack layers."""
    torch.manual_seed(0)
    vision = QWEN3_VISION | {"depth": 3, "deepstack_visual_indexes": [0, 1]}
    text = _text()
    text["rope_parameters"]["mrope_interleaved"] = True
    config = Qwen3VLConfig(
        vision_config=vision,
        text_config=text,
        tie_word_embeddings=True,
        **_special(tokenizer().convert_tokens_to_ids),
    )
    return _loud(Qwen3VLForConditionalGeneration(config))


def qwen3_5() -> Qwen3_5ForConditionalGeneration:
    """The same for Qwen3.5: two layers of linear attention, then one of full attention."""
    torch.manual_seed(0)
    vision = QWEN3_VISION | {"depth": 2}
    text = _text() | {
        "num_hidden_layers": 3,
        "layer_types": ["linear_attention", "linear_attention", "full_attention"],
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 2,
        "linear_key_head_dim": 16,
        "linear_value_head_dim": 16,
        "partial_rotary_factor": 1.0,
    }
    text["rope_parameters"] |= {"mrope_interleaved": True, "partial_rotary_factor": 1.0}
    config = Qwen3_5Config(
        vision_config=vision,
        text_config=text,
        tie_word_embeddings=True,
        **_special(tokenizer().convert_tokens_to_ids),
    )
    return _loud(Qwen3_5ForConditionalGeneration(config))


def _loud(model: Any) -> Any:
    """Larger weights than usual at the start, so that what is seen changes what is said."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(6.0)
    model.generation_config.eos_token_id = tokenizer().eos_token_id
    model.generation_config.pad_token_id = tokenizer().pad_token_id
    return model.eval()


def save(model: Any, folder: Path, **look: Any) -> Path:
    """A complete model folder; ``look`` becomes its ``vqinsight.json``."""
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    settings = preprocessor(PIXELS, model.config.model_type) | {"patch_size": model.config.vision_config.patch_size}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    if look:
        (folder / "vqinsight.json").write_text(json.dumps(look))
    return folder
