"""Equation 2: the clipped policy objective with a KL term to a frozen reference."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Loss:
    """The loss of each answer and, without gradient, its diagnostics; (A,) each.

    Attributes:
        loss: minus the objective, a mean over the answer's tokens.
        kl: mean KL estimate to the reference; 0 without one.
        clipped: share of tokens whose ratio is clipped.
    """

    loss: torch.Tensor
    kl: torch.Tensor
    clipped: torch.Tensor


def grpo_loss(
    logp_AT: torch.Tensor,
    old_AT: torch.Tensor,
    reference_AT: torch.Tensor | None,
    advantage_A: torch.Tensor,
    mask_AT: torch.Tensor,
    delta: float,
    beta: float,
    anchored_AT: torch.Tensor | None = None,
) -> Loss:
    """Eq. 2, negated: ``-(min(rho A, clip(rho, 1 - delta, 1 + delta) A) - beta KL)``, rho the ratio to the old policy.

    KL is the estimate ``exp(q - p) - (q - p) - 1`` of reference q against policy p, never negative.

    Args:
        logp_AT: (A, T) log-probabilities under the trained policy, with gradient.
        old_AT: (A, T) under the sampling policy; where a batch is used once, ``logp_AT.detach()``.
        reference_AT: (A, T) under the frozen reference; ``None`` leaves the KL term out, as ``beta`` 0 does.
        mask_AT: 1 for tokens of the answer, 0 for padding.
        anchored_AT: 1 for tokens that the KL term covers, else 0; ``None`` covers all, as in Eq. 2.
    """
    count_A = mask_AT.sum(1).clamp(min=1)

    def mean_over_tokens(value_AT: torch.Tensor) -> torch.Tensor:
        return (value_AT * mask_AT).sum(1) / count_A

    ratio_AT = (logp_AT - old_AT).exp()
    free_AT = ratio_AT * advantage_A[:, None]
    held_AT = ratio_AT.clamp(1 - delta, 1 + delta) * advantage_A[:, None]
    loss_AT = -torch.minimum(free_AT, held_AT)
    kl_AT = torch.zeros_like(loss_AT)
    if reference_AT is not None and beta:
        gap_AT = reference_AT - logp_AT
        kl_AT = gap_AT.exp() - gap_AT - 1
        loss_AT = loss_AT + beta * (kl_AT if anchored_AT is None else kl_AT * anchored_AT)
    clipped_AT = (held_AT < free_AT).float()
    return Loss(mean_over_tokens(loss_AT), mean_over_tokens(kl_AT.detach()), mean_over_tokens(clipped_AT))
