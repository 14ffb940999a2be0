"""Random generators of every family, as small as their libraries allow, behind the real adapters."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLCogVideoX,
    AutoencoderKLLTXVideo,
    AutoencoderKLWan,
    CogVideoXDDIMScheduler,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    LTXPipeline,
    LTXVideoTransformer3DModel,
    TextToVideoSDPipeline,
    UNet3DConditionModel,
    UniPCMultistepScheduler,
    WanPipeline,
    WanTransformer3DModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

from vqinsight.generator.base import Generator
from vqinsight.generator.families.cogvideox import CogVideoXGenerator
from vqinsight.generator.families.ltx import LTXGenerator
from vqinsight.generator.families.nano import NanoGenerator
from vqinsight.generator.families.nano_networks import (
    build_autoencoder,
    build_denoiser,
    build_scheduler,
    build_text_encoder,
    build_tokenizer,
)
from vqinsight.generator.families.unet3d import ModelScopeGenerator, T2VTurboGenerator
from vqinsight.generator.families.wan import WanGenerator

FAMILIES = ("nano", "modelscope", "t2v_turbo", "cogvideox", "wan", "ltx")
_TEXT = 16


def tiny_generator(family: str) -> Generator:
    """A generator of this family with seeded random weights."""
    torch.manual_seed(0)
    generator: Generator = _MAKERS[family]()
    generator.steps = 2
    return generator


def _nano() -> Generator:
    tokenizer = build_tokenizer()
    text = build_text_encoder(len(tokenizer))
    return NanoGenerator("tiny", build_denoiser(2, 1), build_autoencoder(8), text, tokenizer, build_scheduler())


def _clip(tokenizer: Any) -> Any:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=_TEXT,
            intermediate_size=_TEXT,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=24,
            pad_token_id=0,
            bos_token_id=2,
            eos_token_id=3,
        )
    )


def _t5(kind: Any, config: Any, tokenizer: Any) -> Any:
    return kind(config(vocab_size=len(tokenizer), d_model=_TEXT, d_kv=8, d_ff=16, num_layers=1, num_heads=2)).eval()


def _unet_pipeline(guidance_input: int | None) -> Any:
    tokenizer = build_tokenizer()
    unet = UNet3DConditionModel(
        block_out_channels=(8, 8),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
        cross_attention_dim=_TEXT,
        attention_head_dim=4,
        norm_num_groups=4,
        time_cond_proj_dim=guidance_input,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=4,
    )
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False
    )
    return TextToVideoSDPipeline(vae, _clip(tokenizer), tokenizer, unet, scheduler)


def _modelscope() -> Generator:
    generator = ModelScopeGenerator("tiny", _unet_pipeline(None))
    generator.size = (3, 16, 16)
    return generator


def _turbo() -> Generator:
    generator = T2VTurboGenerator("tiny", _unet_pipeline(256))
    generator.size = (3, 16, 16)
    return generator


def _cogvideox() -> Generator:
    tokenizer = build_tokenizer()
    transformer = CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=4,
        out_channels=4,
        time_embed_dim=8,
        text_embed_dim=_TEXT,
        num_layers=1,
        sample_width=2,
        sample_height=2,
        sample_frames=9,
        patch_size=2,
        temporal_compression_ratio=4,
        max_text_seq_length=226,
        use_rotary_positional_embeddings=True,
    )
    vae = AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
        temporal_compression_ratio=4,
    )
    text = _t5(T5EncoderModel, T5Config, tokenizer)
    pipeline = CogVideoXPipeline(tokenizer, text, vae, transformer, CogVideoXDDIMScheduler())
    generator = CogVideoXGenerator("tiny", pipeline)
    generator.size = (9, 16, 16)
    return generator


def _wan() -> Generator:
    tokenizer = build_tokenizer()
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=16,
        out_channels=16,
        text_dim=_TEXT,
        freq_dim=32,
        ffn_dim=16,
        num_layers=1,
        cross_attn_norm=True,
        rope_max_seq_len=32,
    )
    vae = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    text = _t5(UMT5EncoderModel, UMT5Config, tokenizer)
    generator = WanGenerator("tiny", WanPipeline(tokenizer, text, vae, scheduler, transformer))
    generator.size = (5, 16, 16)
    return generator


def _ltx() -> Generator:
    tokenizer = build_tokenizer()
    transformer = LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        num_layers=1,
        caption_channels=_TEXT,
    )
    vae = AutoencoderKLLTXVideo(
        latent_channels=8,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, False, False),
        decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False, False, False, False, False),
        upsample_residual=(False, False, False, False),
        upsample_factor=(1, 1, 1, 1),
        patch_size=1,
        patch_size_t=1,
        encoder_causal=True,
        decoder_causal=False,
    )
    vae.use_framewise_encoding = vae.use_framewise_decoding = False
    text = _t5(T5EncoderModel, T5Config, tokenizer)
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    generator = LTXGenerator("tiny", LTXPipeline(scheduler, vae, text, tokenizer, transformer))
    generator.size = (9, 16, 16)
    return generator


_MAKERS: dict[str, Any] = {
    "nano": _nano,
    "modelscope": _modelscope,
    "t2v_turbo": _turbo,
    "cogvideox": _cogvideox,
    "wan": _wan,
    "ltx": _ltx,
}
