"""Every family through the one interface, on random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers.tiny_generators import FAMILIES, tiny_generator

from vqinsight.errors import ModelError, UsageError
from vqinsight.generator.base import Generator
from vqinsight.generator.load import open_generator

PROMPTS = ["one red circle moving left", "two blue stars moving up"]


@pytest.fixture(params=FAMILIES)
def generator(request: pytest.FixtureRequest) -> Generator:
    return tiny_generator(request.param)


def _said(generator: Generator, count: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    latents = torch.randn(count, *generator.latent_shape, generator=rng)
    noise = torch.randn(latents.shape, generator=rng)
    t = generator.sample_t(count, rng)
    said = generator.predict(generator.add_noise(latents, noise, t), t, generator.encode_prompt(PROMPTS[:count]))
    return said, generator.target(latents, noise, t)


def test_a_clip_has_the_promised_size_and_a_batch_is_one_by_one(generator: Generator) -> None:
    together = generator.sample(PROMPTS, [3, 4])
    assert together.shape == (2, *generator.latent_shape)
    alone = torch.cat([generator.sample([text], [seed]) for text, seed in zip(PROMPTS, (3, 4), strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-4)
    assert not torch.equal(together[0], together[1])
    frames = generator.decode(together)
    assert frames.dtype == torch.uint8
    assert frames.shape == (2, *generator.size, 3)


def test_a_clip_goes_in_and_out_of_the_latents(generator: Generator) -> None:
    frames = torch.randint(256, (2, *generator.size, 3), dtype=torch.uint8)
    latents = generator.encode_video(frames)
    assert latents.shape == (2, *generator.latent_shape)
    assert latents.isfinite().all()


def test_strength_0_changes_nothing_and_half_stays_nearer_than_all(generator: Generator) -> None:
    start = generator.sample(PROMPTS, [3, 4])
    assert torch.equal(generator.sample(PROMPTS, [5, 6], init_latents=start, strength=0.0), start)
    half = generator.sample(PROMPTS, [5, 6], init_latents=start, strength=0.5, steps=4)
    assert half.shape == start.shape
    assert half.isfinite().all()
    assert not torch.equal(half, start)


def test_what_is_said_has_the_shape_of_the_target(generator: Generator) -> None:
    said, target = _said(generator)
    assert said.shape == target.shape
    assert said.requires_grad


def test_gradients_flow_into_lora_and_nowhere_else(generator: Generator) -> None:
    generator.add_lora(4)
    generator.denoiser.train()
    before, target = _said(generator)
    (before - target).square().mean().backward()
    learning = {name for name, p in generator.denoiser.named_parameters() if p.grad is not None}
    assert learning
    assert all("lora_" in name for name in learning)
    for network in generator.frozen.values():
        assert all(parameter.grad is None and not parameter.requires_grad for parameter in network.parameters())


def test_the_reference_stays_while_lora_learns_and_moves_when_it_is_reset(generator: Generator) -> None:
    generator.add_lora(4)
    first, _ = _said(generator)
    with torch.no_grad():
        for name, parameter in generator.denoiser.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.3)
    learned, _ = _said(generator)
    assert not torch.allclose(learned, first)
    with generator.reference():
        torch.testing.assert_close(_said(generator)[0], first)
    torch.testing.assert_close(_said(generator)[0], learned)
    generator.reset_reference()
    torch.testing.assert_close(_said(generator)[0], learned, rtol=1e-3, atol=1e-4)
    with generator.reference():
        torch.testing.assert_close(_said(generator)[0], learned, rtol=1e-3, atol=1e-4)


def test_saved_and_opened_again_it_says_the_same(generator: Generator, tmp_path: Path) -> None:
    generator.save(tmp_path / "base")
    opened = open_generator(str(tmp_path / "base"))
    opened.size, opened.steps = generator.size, generator.steps
    assert opened.family == generator.family
    torch.testing.assert_close(opened.sample(PROMPTS, [3, 4]), generator.sample(PROMPTS, [3, 4]))

    opened.add_lora(4)
    with torch.no_grad():
        for name, parameter in opened.denoiser.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(2))
    learned = opened.sample(PROMPTS, [3, 4])
    opened.save(tmp_path / "lora")
    assert not (tmp_path / "lora" / "vae").exists()
    opened.reset_reference()
    opened.save(tmp_path / "whole")
    for folder in ("lora", "whole"):
        again = open_generator(str(tmp_path / folder))
        again.size, again.steps = generator.size, generator.steps
        torch.testing.assert_close(again.sample(PROMPTS, [3, 4]), learned, rtol=1e-3, atol=1e-4)


def test_checkpointing_changes_no_gradient_or_is_refused(generator: Generator) -> None:
    if generator.family in ("modelscope", "t2v_turbo"):
        with pytest.raises(ModelError, match="gradient checkpointing"):
            generator.enable_gradient_checkpointing()
        return
    gradients = []
    for wanted in (False, True):
        generator.denoiser.zero_grad()
        generator.denoiser.train()
        if wanted:
            generator.enable_gradient_checkpointing()
        said, target = _said(generator)
        (said - target).square().mean().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in generator.denoiser.parameters() if p.grad is not None]))
    torch.testing.assert_close(*gradients)


def test_without_lora_the_reference_is_a_frozen_copy() -> None:
    generator = tiny_generator("nano")
    with pytest.raises(UsageError, match="reset_reference"), generator.reference():
        pass
    generator.reset_reference()
    before, _ = _said(generator)
    with torch.no_grad():
        next(iter(generator.denoiser.parameters())).add_(0.5)
    after, _ = _said(generator)
    with generator.reference():
        said, _ = _said(generator)
        assert not said.requires_grad
    torch.testing.assert_close(said, before)
    assert not torch.allclose(after, before)


def test_turbo_is_trained_at_its_own_times_only() -> None:
    generator = tiny_generator("t2v_turbo")
    generator.steps = 4
    drawn = generator.sample_t(64, torch.Generator().manual_seed(0))
    assert set(drawn.tolist()) == set(generator._new_scheduler(4).timesteps.tolist())
