"""LoRA in a denoiser, through peft: put in, switched off for the reference, folded into the weights, kept."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer

from vqinsight.errors import ModelError

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")  # what diffusers calls them in every denoiser


def add_lora(denoiser: torch.nn.Module, rank: int = 16, *, modules: Sequence[str] = ATTENTION) -> None:
    """Freeze ``denoiser`` and put trainable LoRA of this rank beside its attention; at first it changes nothing.

    Raises:
        ModelError: no layer has one of these names, or there is LoRA already.
    """
    if has_lora(denoiser):
        raise ModelError("The denoiser has LoRA already. Use it, or open the generator anew.")
    denoiser.requires_grad_(False)
    try:
        config = LoraConfig(r=rank, lora_alpha=rank, target_modules=list(modules))
        inject_adapter_in_model(config, denoiser)
    except ValueError as error:
        raise ModelError(f"LoRA does not fit this denoiser: {error}") from error


def has_lora(denoiser: torch.nn.Module) -> bool:
    """Whether LoRA learns in its place."""
    return any(True for _ in _layers(denoiser))


def _layers(denoiser: torch.nn.Module) -> Iterator[Any]:
    return (module for module in denoiser.modules() if isinstance(module, BaseTunerLayer))


@contextmanager
def lora_off(denoiser: torch.nn.Module) -> Iterator[None]:
    """The denoiser as it was before LoRA. What is trainable stays so."""
    trainable = [parameter for parameter in denoiser.parameters() if parameter.requires_grad]
    try:
        for layer in _layers(denoiser):
            layer.enable_adapters(False)
        yield
    finally:
        for layer in _layers(denoiser):
            layer.enable_adapters(True)
        for parameter in trainable:
            parameter.requires_grad_(True)


def fold_lora(denoiser: torch.nn.Module) -> None:
    """Add what LoRA has learned to the weights beneath it and start LoRA anew at nothing."""
    with torch.no_grad():
        for layer in _layers(denoiser):
            for name in layer.active_adapters:
                layer.get_base_layer().weight += layer.get_delta_weight(name)
                layer.reset_lora_parameters(name, True)


def merged(denoiser: torch.nn.Module) -> torch.nn.Module:
    """A plain copy without LoRA layers that says what the denoiser with them says."""
    plain = copy.deepcopy(denoiser)
    fold_lora(plain)
    for name, module in list(plain.named_modules()):
        if isinstance(module, BaseTunerLayer):
            plain.set_submodule(name, module.get_base_layer())
    plain.__dict__.pop("peft_config", None)
    return plain


def lora_state(denoiser: torch.nn.Module) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Weights of the LoRA, and the rank and layers with which ``add_lora`` makes room for them again."""
    config = denoiser.peft_config["default"]  # type: ignore[index, union-attr]
    settings = {"rank": config.r, "modules": sorted(config.target_modules)}
    return get_peft_model_state_dict(denoiser), settings


def load_lora(denoiser: torch.nn.Module, weights: dict[str, torch.Tensor], settings: dict[str, Any]) -> None:
    """Put saved LoRA into a denoiser.

    Raises:
        ModelError: the weights are of another denoiser.
    """
    add_lora(denoiser, settings["rank"], modules=settings["modules"])
    found = set_peft_model_state_dict(denoiser, weights)
    if found.unexpected_keys:
        raise ModelError(f"The LoRA belongs to another denoiser, which has {found.unexpected_keys[0]}.")
