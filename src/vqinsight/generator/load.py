"""``open_generator``: the embedded one, a folder, or a hub id."""

from __future__ import annotations

from pathlib import Path

from transformers.utils import logging as transformers_logging

from vqinsight.common.device import pick_device
from vqinsight.common.files import is_missing_folder
from vqinsight.errors import ModelError
from vqinsight.generator.base import Generator

INSTALL = "Text-to-video generators need diffusers. Install it: pip install 'vqinsight[generate]'"


def open_generator(name: str, *, device: str = "cpu") -> Generator:
    """Open a generator.

    Args:
        name: ``"nano"``, a folder (one that ``Generator.save`` wrote, or a diffusers pipeline), or a hub id.
        device: as ``pick_device`` takes it.

    Raises:
        ModelError: diffusers is not installed, nothing is there, the family is not known, or there is no such device.
    """
    try:
        import diffusers  # noqa: F401
    except ImportError as error:
        raise ModelError(INSTALL) from error
    transformers_logging.disable_progress_bar()  # as for assessors: a bar for a moment is only noise
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
        from vqinsight.generator.pipeline import open_pipeline

        return open_pipeline(name)
    if card["family"] == "nano":
        return open_nano(name, folder)
    generator = _open(str(card["base"]))
    load_lora(generator.denoiser, folder, card)
    generator.name, generator.base = name, card["base"]
    return generator
