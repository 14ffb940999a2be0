"""Families of generators by the name of their diffusers pipeline."""

from __future__ import annotations

from typing import Any

from vqinsight.generator.families.cogvideox import CogVideoXGenerator
from vqinsight.generator.families.ltx import LTXGenerator
from vqinsight.generator.families.unet3d import open_unet3d
from vqinsight.generator.families.wan import WanGenerator
from vqinsight.generator.pipeline import PipelineGenerator

FAMILIES: dict[str, Any] = {
    "TextToVideoSDPipeline": open_unet3d,
    "CogVideoXPipeline": CogVideoXGenerator,
    "WanPipeline": WanGenerator,
    "LTXPipeline": LTXGenerator,
}

__all__ = ["FAMILIES", "PipelineGenerator"]
