"""The networks of the embedded generator, all from libraries. A clip is 32 tokens, each a quarter of a frame."""

from __future__ import annotations

import re
from typing import Any

from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, WanTransformer3DModel
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast

from vqinsight.synthetic.captions import CAPTION_TEMPLATES, COLOURS, DIRECTIONS, NUMBER_WORDS, SHAPES
from vqinsight.synthetic.simple import QUALITY_WORDS, SIDE

UNSHUFFLE = 4  # blocks of 4x4 pixels become channels before the first convolution: eight times the speed
CHANNELS = 16  # of the latents
TEXT_WIDTH = 96
WORDS = 24  # longest prompt, in tokens
SHIFT = 4.0  # in training and in sampling; without it frames show different objects
FRAME_STEP = 1000  # between the times of two frames, in thousandths: their ranges do not overlap
NEAR = 0.25  # smallest t that weights errors in training and that DPO draws: 1 / t diverges


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token per word of the captions; other words become one unknown token."""
    template = " ".join(CAPTION_TEMPLATES) + " clean and smooth move moves " + " ".join(QUALITY_WORDS.values())
    words = set(re.findall(r"[a-z]+", re.sub(r"\{.*?\}", " ", template)))
    words |= {*COLOURS, *DIRECTIONS, *NUMBER_WORDS.values(), *SHAPES, *(f"{shape}s" for shape in SHAPES)}
    vocabulary = {word: place for place, word in enumerate(("<pad>", "<unk>", "<s>", "</s>", ",", *sorted(words)))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("<s>", vocabulary["<s>"]), ("</s>", vocabulary["</s>"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=WORDS,
    )


def build_text_encoder(vocabulary: int) -> Any:
    """A CLIP-style text encoder of two layers, whose word embeddings are initialised like torch's.

    CLIP's initialisation, fifty times smaller, suits the vocabulary of a language. With it, this small vocabulary does
    not learn to tell "left" from "right" (dev/log).
    """
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=TEXT_WIDTH,
        intermediate_size=2 * TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=WORDS,
        projection_dim=TEXT_WIDTH,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
    )
    encoder = CLIPTextModel(config)
    encoder.get_input_embeddings().reset_parameters()
    return encoder


def build_autoencoder(width: int = 48) -> AutoencoderKL:
    """Frame by frame: 64×64×3, unshuffled to 16×16×48, becomes 8×8×16."""
    return AutoencoderKL(
        in_channels=3 * UNSHUFFLE**2,
        out_channels=3 * UNSHUFFLE**2,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(width, 2 * width),
        layers_per_block=1,
        latent_channels=CHANNELS,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=SIDE // UNSHUFFLE,
    )


def build_denoiser(heads: int = 8, layers: int = 5) -> WanTransformer3DModel:
    """Wan's transformer, small."""
    return WanTransformer3DModel(
        patch_size=(1, 4, 4),
        num_attention_heads=heads,
        attention_head_dim=32,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        text_dim=TEXT_WIDTH,
        freq_dim=128,
        ffn_dim=3 * heads * 32,
        num_layers=layers,
        cross_attn_norm=True,
        rope_max_seq_len=32,
    )


def build_scheduler() -> FlowMatchEulerDiscreteScheduler:
    """Euler steps along the flow."""
    return FlowMatchEulerDiscreteScheduler(shift=SHIFT)
