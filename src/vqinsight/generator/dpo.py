"""Eq. 9: diffusion DPO as a function of four denoising errors, for every prediction type.

Source: Wallace et al., Diffusion Model Alignment Using Direct Preference Optimization (2023), eq. 14, with a constant
weight: the -Γ(λ_t) of Eq. 9 is -β / 2 at every t.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from vqinsight.generator.base import Generator
from vqinsight.generator.conditioning import Conditioning


@dataclass(frozen=True)
class Preferred:
    """Eq. 9 for a batch of pairs.

    Attributes:
        loss_B: (B,) nats; ln 2 while the generator is its own reference.
        margin_B: (B,) argument of the sigmoid: above 0 the winner's error falls more than the loser's.
        accuracy_B: (B,) 1.0 where the margin is above 0, the implicit accuracy.
    """

    loss_B: torch.Tensor
    margin_B: torch.Tensor
    accuracy_B: torch.Tensor


def denoising_error(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """E: the squared error, a mean over all axes but the first, (B,) float32."""
    return (prediction.float() - target.float()).square().flatten(1).mean(1)


def dpo(
    win_B: torch.Tensor,
    win_reference_B: torch.Tensor,
    lose_B: torch.Tensor,
    lose_reference_B: torch.Tensor,
    beta: float,
) -> Preferred:
    """-log σ(-β/2 [(E_w - Eref_w) - (E_l - Eref_l)]) for each pair.

    Args:
        win_B, lose_B: (B,) errors of the trained generator, both clips with the same noise and t.
        win_reference_B, lose_reference_B: (B,) errors of the frozen reference on the same noisy clips.
        beta: strength of the implicit KL constraint.
    """
    margin_B = -0.5 * beta * ((win_B - win_reference_B) - (lose_B - lose_reference_B))
    return Preferred(-F.logsigmoid(margin_B), margin_B.detach(), (margin_B.detach() > 0).float())


@dataclass(frozen=True)
class PairErrors:
    """The four errors of Eq. 9, (B,) each, and the distance from the reference.

    Attributes:
        win_B, lose_B, win_reference_B, lose_reference_B: denoising errors.
        drift_B: squared distance between both generators' predictions, a mean over both clips: up to a factor that
            depends on t, the KL divergence between their denoising steps.
    """

    win_B: torch.Tensor
    win_reference_B: torch.Tensor
    lose_B: torch.Tensor
    lose_reference_B: torch.Tensor
    drift_B: torch.Tensor


def pair_errors(
    generator: Generator,
    win: torch.Tensor,
    lose: torch.Tensor,
    noise: torch.Tensor,
    t: torch.Tensor,
    conditioning: Conditioning,
) -> PairErrors:
    """Noise both clips of each pair with the same noise and t, and denoise them with generator and reference.

    Args:
        win, lose, noise: (B, …) latents.
        t: (B,) from ``generator.sample_t``.
        conditioning: of the B prompts.
    """
    count = len(win)
    clean, noise, t = torch.cat([win, lose]), torch.cat([noise, noise]), torch.cat([t, t])
    conditioning = conditioning.rows([*range(count), *range(count)])
    noisy, target = generator.add_noise(clean, noise, t), generator.target(clean, noise, t)
    prediction = generator.predict(noisy, t, conditioning)
    with torch.no_grad(), generator.reference():
        reference = generator.predict(noisy, t, conditioning)
    win_B, lose_B = denoising_error(prediction, target).split(count)
    win_reference_B, lose_reference_B = denoising_error(reference, target).split(count)
    drift_B = torch.stack(denoising_error(prediction.detach(), reference).split(count)).mean(0)
    return PairErrors(win_B, win_reference_B, lose_B, lose_reference_B, drift_B)
