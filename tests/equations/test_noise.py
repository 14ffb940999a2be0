"""Noise and targets worked by hand: ᾱ = 0.64, so sqrt(ᾱ) = 0.8 and sqrt(1 - ᾱ) = 0.6; x = 1, noise = 2."""

from __future__ import annotations

import torch

from vqinsight.generator.noise import diffuse, flow, flow_towards, shifted, velocity

X, NOISE, ALPHA = torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([0.64])


def test_variance_preserving_noise_and_velocity() -> None:
    torch.testing.assert_close(diffuse(X, NOISE, ALPHA), torch.tensor([[0.8 * 1 + 0.6 * 2]]))
    torch.testing.assert_close(velocity(X, NOISE, ALPHA), torch.tensor([[0.8 * 2 - 0.6 * 1]]))


def test_noise_and_clip_come_back_from_the_noisy_clip_and_its_velocity() -> None:
    x, noise = torch.randn(5, 3, 2), torch.randn(5, 3, 2)
    alpha = torch.rand(5)
    noisy, v = diffuse(x, noise, alpha), velocity(x, noise, alpha)
    root, rest = alpha.sqrt().view(5, 1, 1), (1 - alpha).sqrt().view(5, 1, 1)
    torch.testing.assert_close(root * noisy - rest * v, x)
    torch.testing.assert_close(rest * noisy + root * v, noise)


def test_flow_goes_straight_from_the_clip_to_noise() -> None:
    torch.testing.assert_close(flow(X, NOISE, torch.tensor([0.25])), torch.tensor([[0.75 * 1 + 0.25 * 2]]))
    assert flow(X, NOISE, torch.zeros(1)) == X
    assert flow(X, NOISE, torch.ones(1)) == NOISE


def test_who_says_the_clip_says_the_flow() -> None:
    # at t = 0.25 the noisy clip is 1.25: (1.25 - 1) / 0.25 = 1 = noise - x
    t = torch.tensor([0.25])
    torch.testing.assert_close(flow_towards(X, flow(X, NOISE, t), t), NOISE - X)
    assert flow_towards(X, X, torch.zeros(1)) == 0  # the end of the way


def test_shift_moves_times_towards_noise() -> None:
    # 4 * 0.5 / (1 + 3 * 0.5) = 0.8
    torch.testing.assert_close(shifted(torch.tensor([0.0, 0.5, 1.0]), 4.0), torch.tensor([0.0, 0.8, 1.0]))
