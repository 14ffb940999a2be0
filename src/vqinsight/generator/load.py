"""``open_generator``: the embedded generator, a folder, or a hub id; and the known families of pipelines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging as transformers_logging

from vqinsight.common.device import pick_device
from vqinsight.common.files import is_missing_folder
from vqinsight.errors import ModelError
from vqinsight.generator.base import Generator

INSTALL = "Text-to-video generators need diffusers. Install it: pip install 'vqinsight[generate]'"


def open_generator(name: str, *, device: str = "cpu") -> Generator:
    """Open a generator.

    Args:
        name: ``"nano"``, a folder (from ``Generator.save``, or a diffusers pipeline), or a hub id.
        device: as ``pick_device`` takes it.

    Raises:
        ModelError: diffusers is missing, there is no such model, its family is unknown, or there is no such device.
    """
    try:
        import diffusers  # noqa: F401
    except ImportError as error:
        raise ModelError(INSTALL) from error
    transformers_logging.disable_progress_bar()  # as for assessors
    return _open(name).to(pick_device(device))


def _open(name: str) -> Generator:
    from vqinsight.generator.checkpoint import load_lora, read_card
    from vqinsight.generator.families.nano import open_nano
    from vqinsight.weights import GENERATOR

    folder = GENERATOR if name == "nano" else Path(name)
    card = read_card(folder)
    if name == "nano" and card is None:
        raise ModelError("This installation carries no embedded generator. Train it: make generator")
    if is_missing_folder(name):
        raise ModelError(f"{name}: there is no such folder. A finished training leaves its generator in 'final'.")
    if card is None or card["family"] not in ("nano", "lora"):
        return open_pipeline(name)
    if card["family"] == "nano":
        return open_nano(name, folder)
    generator = _open(str(card["base"]))
    load_lora(generator.denoiser, folder, card)
    generator.name, generator.base = name, card["base"]
    return generator


def families() -> dict[str, Any]:
    """Constructors by the name of the diffusers pipeline class: called with (name, pipeline)."""
    from vqinsight.generator.families.cogvideox import CogVideoXGenerator
    from vqinsight.generator.families.ltx import LTXGenerator
    from vqinsight.generator.families.unet3d import open_unet3d
    from vqinsight.generator.families.wan import WanGenerator

    return {
        "TextToVideoSDPipeline": open_unet3d,
        "CogVideoXPipeline": CogVideoXGenerator,
        "WanPipeline": WanGenerator,
        "LTXPipeline": LTXGenerator,
    }


def open_pipeline(name: str) -> Generator:
    """Open a folder or hub id of a diffusers pipeline, in float32.

    Raises:
        ModelError: no such model, incomplete files, or an unknown family.
    """
    from diffusers import DiffusionPipeline

    known = families()
    try:
        kind = DiffusionPipeline.load_config(name)["_class_name"]
        if kind not in known:
            raise ModelError(f"{name}: the pipeline {kind!r} is not supported; known: {', '.join(known)}.")
        pipeline = DiffusionPipeline.from_pretrained(name, dtype=torch.float32)
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{name}: cannot be loaded ({first}). Give 'nano', a folder that holds model_index.json, or a hub id such "
            "as Wan-AI/Wan2.1-T2V-1.3B-Diffusers (hub ids need the network once)."
        ) from error
    opened: Generator = known[kind](name, pipeline)
    return opened
