"""Saved generators: the digest of the weights, LoRA, and the card ``generator.json`` that describes a folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from vqinsight.common.files import write_atomic
from vqinsight.errors import ModelError
from vqinsight.generator import lora

CARD = "generator.json"  # in every folder of a saved generator
LORA_FILE = "lora.safetensors"


def read_card(folder: Path) -> dict[str, Any] | None:
    """The card of a saved folder; ``None`` where it has none.

    Raises:
        ModelError: the card cannot be read.
    """
    file = folder / CARD
    if not file.is_file():
        return None
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{file}: cannot be read as JSON ({error}). Save the generator again.") from error
    if not isinstance(card, dict) or "family" not in card:
        raise ModelError(f"{file}: names no family. Save the generator again.")
    return card


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write the card; it is written last, so that a folder with a card is complete."""
    write_atomic(folder / CARD, json.dumps(card, indent=2) + "\n")


def save_lora(denoiser: torch.nn.Module, folder: Path, base: str) -> None:
    """Save LoRA without the base weights."""
    folder.mkdir(parents=True, exist_ok=True)
    weights, settings = lora.lora_state(denoiser)
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / LORA_FILE)
    write_card(folder, {"family": "lora", "base": base, "lora": settings})


def load_lora(denoiser: torch.nn.Module, folder: Path, card: dict[str, Any]) -> None:
    """Load LoRA from ``save_lora`` into the denoiser of its base."""
    try:
        weights = load_file(folder / LORA_FILE)
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / LORA_FILE}: cannot be read ({error}). Save the generator again.") from error
    lora.load_lora(denoiser, weights, card["lora"])


def weights_digest(*networks: torch.nn.Module) -> str:
    """12 hex digits that change with the weights: of every tensor its name, shape, sum and first values."""
    digest = hashlib.sha256()
    for network in networks:
        for name, tensor in network.state_dict().items():
            values = tensor.detach().float().flatten()
            digest.update(f"{name}{tuple(tensor.shape)}{values.double().sum().item()!r}".encode())
            digest.update(values[:16].cpu().numpy().tobytes())
    return digest.hexdigest()[:12]
