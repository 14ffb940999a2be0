"""What a vision-language model is made of, with or without adapters and wrappers, and what its attention can do."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from vqinsight.errors import ModelError


def bare(model: Any) -> Any:
    """The model below adapters."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def language_backbone(model: Any) -> Any:
    """The part of a vision-language model below the language head."""
    return bare(model).model


def language_head(model: Any) -> Any:
    """The language head below DDP's or DeepSpeed's wrapper and adapters.

    Raises:
        TypeError: it is not a plain linear layer without bias.
    """
    while hasattr(model, "module"):
        model = model.module
    head = model.get_output_embeddings()
    # FSDP2 gives the layer a class of its own, with the same forward.
    if not isinstance(head, nn.Linear) or type(head).forward is not nn.Linear.forward or head.bias is not None:
        raise TypeError(f"the language head is a {type(head).__name__}, not a linear layer without bias and adapter")
    return head


def keep_accepted_kwargs(function: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Those of ``values`` that ``function`` accepts: Qwen3-VL takes no times, they are text in its prompt."""
    known = inspect.signature(function).parameters
    return {key: value for key, value in values.items() if key in known}


def prompt_positions(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """(3, B, P): positions of a batch of prompts as the checkpoints were trained; padding is not counted.

    What follows a clip continues behind the largest of its positions, in time, height or width. transformers continues
    behind its height and width since 5.3, so that a long clip's times run into the text (up to 5.2, and vLLM: as here).
    A model whose ``config.text_behind_frame`` is true was trained so and keeps that.
    """
    vision_language = language_backbone(model)
    wanted = keep_accepted_kwargs(vision_language.get_rope_index, batch)
    if any(name.endswith("grid_thw") for name in wanted):
        positions: torch.Tensor = vision_language.get_rope_index(**wanted)[0]
        if not getattr(bare(model).config, "text_behind_frame", False):
            for row, kinds in enumerate(batch["mm_token_type_ids"]):
                _move_behind_views(positions[:, row], kinds)
        return positions
    plain = (batch["attention_mask"].cumsum(-1) - 1).clamp(min=0)
    return plain.expand(3, -1, -1)


def _move_behind_views(positions_3P: torch.Tensor, kinds_P: torch.Tensor) -> None:
    """Move what follows each view, in place, to the view's largest position + 1; a token at least parts two views."""
    counts = torch.unique_consecutive(kinds_P, return_counts=True)[1].tolist()
    start = 0
    for count in counts[:-1]:
        end = start + count
        if kinds_P[start] > 0:
            positions_3P[:, end:] += positions_3P[:, start:end].max() + 1 - positions_3P[0, end]
        start = end


def stop_tokens(model: Any) -> frozenset[int]:
    """The tokens that end an answer."""
    ends = bare(model).generation_config.eos_token_id
    return frozenset(ends if isinstance(ends, list) else [ends])


def has_only_attention(model: Any) -> bool:
    """Whether every layer is plain attention.

    Layers of linear attention (Qwen3.5) carry a state from token to token, which no mask can branch.
    """
    return set(_layer_types(model)) <= {"full_attention", "sliding_attention"}


def check_window(model: Any, tokens: int) -> None:
    """Refuse a sequence that is longer than the model's attention window.

    Raises:
        ModelError: the attention of some layers slides over fewer tokens.
    """
    window = getattr(bare(model).config.get_text_config(), "sliding_window", None)
    if "sliding_attention" in _layer_types(model) and window is not None and tokens > window:
        raise ModelError(
            f"this model's attention slides over {window} tokens, and prompt and answer may take {tokens}. Look at "
            "less (--frames, --max-pixels), or set use_sliding_window = false in its config.json if it was trained so."
        )


def _layer_types(model: Any) -> list[str]:
    return list(getattr(bare(model).config.get_text_config(), "layer_types", None) or ())
