"""LoRA in a denoiser, through peft: add, disable for the reference, merge into the weights, save, load."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer

from vqinsight.errors import ModelError

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")  # diffusers' names in every denoiser


def add_lora(denoiser: torch.nn.Module, rank: int = 16, *, modules: Sequence[str] = ATTENTION) -> None:
    """Freeze ``denoiser`` and add trainable LoRA of this rank to its attention, initialised to no effect.

    The LoRA is float32, whatever the denoiser is: in half precision small updates round to nothing.

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
    for parameter in denoiser.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def has_lora(denoiser: torch.nn.Module) -> bool:
    """Whether the denoiser has LoRA."""
    return any(True for _ in _layers(denoiser))


def _layers(denoiser: torch.nn.Module) -> Iterator[Any]:
    return (module for module in denoiser.modules() if isinstance(module, BaseTunerLayer))


@contextmanager
def lora_off(denoiser: torch.nn.Module) -> Iterator[None]:
    """A context in which LoRA is disabled; what is trainable stays trainable."""
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
    """Merge LoRA into the base weights and reinitialise it to no effect."""
    with torch.no_grad():
        for layer in _layers(denoiser):
            for name in layer.active_adapters:
                layer.get_base_layer().weight += layer.get_delta_weight(name)
                layer.reset_lora_parameters(name, True)


def merged(denoiser: torch.nn.Module) -> torch.nn.Module:
    """A copy without LoRA layers whose weights include the LoRA."""
    plain = copy.deepcopy(denoiser)
    fold_lora(plain)
    for name, module in list(plain.named_modules()):
        if isinstance(module, BaseTunerLayer):
            plain.set_submodule(name, module.get_base_layer())
    plain.__dict__.pop("peft_config", None)
    return plain


def lora_state(denoiser: torch.nn.Module) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Weights of the LoRA, and the rank and layers for ``add_lora``."""
    config: Any = denoiser.peft_config["default"]  # type: ignore[index]
    settings = {"rank": config.r, "modules": sorted(config.target_modules)}
    return get_peft_model_state_dict(denoiser), settings


def load_lora(denoiser: torch.nn.Module, weights: dict[str, torch.Tensor], settings: dict[str, Any]) -> None:
    """Load saved LoRA into a denoiser.

    Raises:
        ModelError: the weights belong to another denoiser.
    """
    add_lora(denoiser, settings["rank"], modules=settings["modules"])
    found = set_peft_model_state_dict(denoiser, weights)
    if found.unexpected_keys:
        raise ModelError(f"The LoRA belongs to another denoiser, which has {found.unexpected_keys[0]}.")
