"""Eq. 9 on every family of generator, epsilon, v and flow, with all weights and with LoRA; random weights."""

from __future__ import annotations

import math

import pytest
import torch
from helpers.tiny_generators import FAMILIES, tiny_generator

from vqinsight.generator.dpo import dpo, pair_errors


@pytest.mark.parametrize("lora", [False, True], ids=["all", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_it_starts_at_ln_2_falls_and_moves_only_what_may_learn(family: str, lora: bool) -> None:
    generator = tiny_generator(family)
    generator.denoiser.eval()
    if lora:
        generator.add_lora(4)
    else:
        generator.reset_reference()
        generator.denoiser.requires_grad_(True)
    learning = [parameter for parameter in generator.denoiser.parameters() if parameter.requires_grad]
    fixed = [parameter for parameter in generator.denoiser.parameters() if not parameter.requires_grad]
    assert learning and bool(fixed) == lora
    before = [parameter.detach().clone() for parameter in learning]
    rng = torch.Generator().manual_seed(0)
    win, lose, noise = (torch.randn(2, *generator.latent_shape, generator=rng) for _ in range(3))
    t, prompts = generator.sample_t(2, rng), generator.encode_prompt(["two red circles moving left", "a star"])
    optimizer, losses = torch.optim.AdamW(learning, lr=3e-3), []
    for _ in range(6):
        errors = pair_errors(generator, win, lose, noise, t, prompts)
        found = dpo(errors.win_B, errors.win_reference_B, errors.lose_B, errors.lose_reference_B, beta=500.0)
        losses.append(found.loss_B.mean().item())
        optimizer.zero_grad()
        found.loss_B.mean().backward()
        optimizer.step()
    assert losses[0] == pytest.approx(math.log(2), abs=1e-3) and losses[-1] < losses[0] - 0.01
    others = [*fixed, *(p for network in generator.frozen.values() for p in network.parameters())]
    assert all(parameter.grad is None for parameter in others)
    assert any(not torch.equal(now, begun) for now, begun in zip(learning, before, strict=True))
