"""The shapes of a vision-language model, from its ``config.json``, and its parameters counted exactly."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vqinsight.errors import ModelError

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")  # whose layers are counted here


@dataclass(frozen=True)
class TextShape:
    """The language model.

    Attributes:
        layers, width, inner: decoder layers, their width, and that of the feed-forward part.
        heads, key_heads, head_width: query heads, key and value heads, and the width of each.
        vocabulary: rows of the embedding and of the head.
        tied: whether the head is the embedding.
        query_norm: whether queries and keys are normalised (Qwen3); without it their projections have biases.
    """

    layers: int
    width: int
    inner: int
    heads: int
    key_heads: int
    head_width: int
    vocabulary: int
    tied: bool
    query_norm: bool

    @property
    def table(self) -> int:
        """Parameters of the embedding, and of the head."""
        return self.vocabulary * self.width

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of a layer's linear maps, by name in the layer."""
        queries, keys = self.heads * self.head_width, self.key_heads * self.head_width
        return {
            "self_attn.q_proj": (self.width, queries),
            "self_attn.k_proj": (self.width, keys),
            "self_attn.v_proj": (self.width, keys),
            "self_attn.o_proj": (queries, self.width),
            "mlp.gate_proj": (self.width, self.inner),
            "mlp.up_proj": (self.width, self.inner),
            "mlp.down_proj": (self.inner, self.width),
        }

    @property
    def layer_matrices(self) -> int:
        """Weights of a layer's linear maps, which every token is multiplied with."""
        return sum(given * made for given, made in self.linears.values())

    @property
    def layer(self) -> int:
        """All parameters of a layer: linear maps, two norms, and biases or norms of queries and keys."""
        queries, keys = self.heads * self.head_width, self.key_heads * self.head_width
        small = 2 * self.head_width if self.query_norm else queries + 2 * keys
        return self.layer_matrices + 2 * self.width + small

    @property
    def parameters(self) -> int:
        """Embedding, layers, final norm, and the head unless it is the embedding."""
        return self.table * (1 if self.tied else 2) + self.layers * self.layer + self.width


@dataclass(frozen=True)
class VisionShape:
    """The vision tower.

    Attributes:
        depth, width, inner, heads: blocks, their width, that of the feed-forward part, and attention heads.
        out: width of the visual tokens, the language model's.
        patch, temporal_patch, merge: pixels of a patch's side, frames of a patch, patches of a token's side.
        gated: whether the feed-forward part has a gate and the norms no bias (Qwen2.5-VL).
        window: pixels of a window's side in which all but ``full`` blocks attend; 0 for no windows.
        full: blocks that attend to the whole frame.
        positions: learned positions; with them the first map has a bias (Qwen3-VL).
        deepstack: further mergers, whose tokens enter the language model's first layers.
    """

    depth: int
    width: int
    inner: int
    heads: int
    out: int
    patch: int
    temporal_patch: int
    merge: int
    gated: bool
    window: int
    full: int
    positions: int
    deepstack: int

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of a block's linear maps, by name in the block."""
        attention = {"attn.qkv": (self.width, 3 * self.width), "attn.proj": (self.width, self.width)}
        if self.gated:
            names = {"mlp.gate_proj": (self.width, self.inner), "mlp.up_proj": (self.width, self.inner)}
            return {**attention, **names, "mlp.down_proj": (self.inner, self.width)}
        first, second = ("linear_fc1", "linear_fc2") if self.positions else ("fc1", "fc2")
        return {**attention, f"mlp.{first}": (self.width, self.inner), f"mlp.{second}": (self.inner, self.width)}

    @property
    def block_matrices(self) -> int:
        """Weights of a block's linear maps."""
        return sum(given * made for given, made in self.linears.values())

    @property
    def merger(self) -> int:
        """A merger's two linear maps with their biases; its norm counts apart."""
        merged = self.width * self.merge**2
        return merged * merged + merged + merged * self.out + self.out

    @property
    def parameters(self) -> int:
        """First map, positions, blocks, and mergers with their norms."""
        norm = self.width if self.gated else 2 * self.width
        biases = sum(made for _, made in self.linears.values())
        first = 3 * self.temporal_patch * self.patch**2 * self.width + (self.width if self.positions else 0)
        blocks = self.depth * (self.block_matrices + biases + 2 * norm)
        deepstack = self.deepstack * (self.merger + 2 * self.width * self.merge**2)
        return first + self.positions * self.width + blocks + self.merger + norm + deepstack

    @property
    def token_side(self) -> int:
        """Pixels of the side of the square that one visual token stands for."""
        return self.patch * self.merge


@dataclass(frozen=True)
class Shapes:
    """A whole model; ``family`` is transformers' ``model_type``."""

    family: str
    text: TextShape
    vision: VisionShape

    @property
    def parameters(self) -> int:
        """Of the language model and the vision tower."""
        return self.text.parameters + self.vision.parameters

    def adapter(self, rank: int, targets: str) -> int:
        """Parameters of a LoRA adapter: a layer of n inputs and m outputs has rank x (n + m).

        Args:
            targets: as ``model.lora_targets``: peft's ``all-linear``, or a regular expression that must match a
                layer's full name.
        """
        found = 0
        for name, (given, made) in self._named_linears():
            if targets == "all-linear" or re.fullmatch(targets, name):
                found += rank * (given + made)
        return found

    def _named_linears(self) -> Iterator[tuple[str, tuple[int, int]]]:
        for layer in range(self.text.layers):
            for name, size in self.text.linears.items():
                yield f"model.language_model.layers.{layer}.{name}", size
        for block in range(self.vision.depth):
            for name, size in self.vision.linears.items():
                yield f"model.visual.blocks.{block}.{name}", size
        merged = self.vision.width * self.vision.merge**2
        first, second = ("linear_fc1", "linear_fc2") if self.family == "qwen3_vl" else ("mlp.0", "mlp.2")
        mergers = ["merger", *(f"deepstack_merger_list.{number}" for number in range(self.vision.deepstack))]
        for merger in mergers:
            yield f"model.visual.{merger}.{first}", (merged, merged)
            yield f"model.visual.{merger}.{second}", (merged, self.vision.out)


def read_shapes(config: dict[str, Any], source: str) -> Shapes:
    """The shapes that a ``config.json`` describes, in the form of 2024 (all in one) or today's (``text_config``).

    Raises:
        ModelError: another family, or a size is missing.
    """
    family = config.get("model_type", "")
    if family not in FAMILIES:
        raise ModelError(
            f"{source}: the layers of the family {family!r} are not counted here; known: {', '.join(FAMILIES)}."
        )
    text, vision = config.get("text_config") or config, config.get("vision_config", {})
    try:
        heads = text["num_attention_heads"]
        shape = TextShape(
            layers=text["num_hidden_layers"],
            width=text["hidden_size"],
            inner=text["intermediate_size"],
            heads=heads,
            key_heads=text.get("num_key_value_heads") or heads,
            head_width=text.get("head_dim") or text["hidden_size"] // heads,
            vocabulary=text["vocab_size"],
            tied=bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))),
            query_norm=family == "qwen3_vl",
        )
        return Shapes(family, shape, _vision(family, vision))
    except KeyError as error:
        raise ModelError(f"{source}: the configuration lacks {error}.") from error


def _vision(family: str, vision: dict[str, Any]) -> VisionShape:
    old = family == "qwen2_vl"  # whose widths have other names
    width = vision["embed_dim"] if old else vision["hidden_size"]
    windowed = family == "qwen2_5_vl"
    return VisionShape(
        depth=vision["depth"],
        width=width,
        inner=math.floor(width * vision.get("mlp_ratio", 4)) if old else vision["intermediate_size"],
        heads=vision["num_heads"],
        out=vision["hidden_size"] if old else vision["out_hidden_size"],
        patch=vision.get("patch_size", 16 if family == "qwen3_vl" else 14),
        temporal_patch=vision.get("temporal_patch_size", 2),
        merge=vision.get("spatial_merge_size", 2),
        gated=windowed,
        window=vision.get("window_size", 112) if windowed else 0,
        full=len(vision["fullatt_block_indexes"]) if windowed else vision["depth"],
        positions=vision.get("num_position_embeddings", 2304) if family == "qwen3_vl" else 0,
        deepstack=len(vision.get("deepstack_visual_indexes", ())) if family == "qwen3_vl" else 0,
    )
