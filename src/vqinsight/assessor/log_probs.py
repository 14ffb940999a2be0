"""Log-probabilities of answer tokens without the logits of all of them.

The float32 logits of 8 answers of 1024 tokens over 152,064 words take 5 GB, and several times that with their
gradients. Here the logits exist for one chunk of tokens at a time, and are computed a second time in the backward
pass. It happens inside the model's own forward pass, in place of its language head: wrappers that synchronise or
gather (DDP, FSDP2, DeepSpeed) act at the calls of modules, and body and head called past them would give each process
gradients of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from vqinsight.assessor.backbone import language_head
from vqinsight.settings.train import LOGITS_CHUNK_BYTES

_WORDS = 2**14  # rows of the head's gradient at once


@contextmanager
def head_returns_log_probs(
    model: Any, row_A: torch.Tensor, place_AT: torch.Tensor, ids_AT: torch.Tensor, mask_AT: torch.Tensor, **options: Any
) -> Iterator[None]:
    """Inside, ``model(...).logits`` are log-probability and entropy of each answer token, (A, T, 2) float32.

    Both are 0 where ``mask_AT`` is; the entropy has no gradient.

    Args:
        model: a vision-language model, wrapped or not.
        row_A, place_AT: row of each answer, and the position whose hidden state predicts each of its tokens.
        ids_AT, mask_AT: the answer tokens, and 1 where there is one.
        options: ``temperature``, see ``token_log_probs``.
    """
    head = language_head(model)

    def forward(hidden_BSH: torch.Tensor) -> torch.Tensor:
        wanted_AT = mask_AT.bool()
        hidden_NH = hidden_BSH[row_A[:, None], place_AT][wanted_AT]
        found_N2 = torch.stack(token_log_probs(hidden_NH, head.weight, ids_AT[wanted_AT], **options), dim=-1)
        return found_N2.new_zeros(*mask_AT.shape, 2).index_put((wanted_AT,), found_N2)

    head.forward = forward  # of this object only, and found before the method of its class
    try:
        yield
    finally:
        del head.forward


def token_log_probs(
    hidden_NH: torch.Tensor, weight_VH: torch.Tensor, ids_N: torch.Tensor, *, temperature: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of each token under ``softmax(hidden W^T / temperature)``, and the entropy of that distribution.

    Under autocast the product has autocast's precision; what follows is float32.

    Args:
        hidden_NH: (N, H) the state that predicts each token.
        weight_VH: (V, H) of the language head.
        ids_N: (N,) the tokens.

    Returns:
        (N,) float32 log-probabilities, and (N,) entropies in nats, without gradient.
    """
    device = hidden_NH.device.type
    number = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight_VH.dtype
    found: tuple[torch.Tensor, torch.Tensor] = _TokenLogProbs.apply(hidden_NH, weight_VH, ids_N, temperature, number)
    return found


class _TokenLogProbs(torch.autograd.Function):
    """``token_log_probs``; the backward pass computes the logits of each chunk again."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden_NH: torch.Tensor,
        weight_VH: torch.Tensor,
        ids_N: torch.Tensor,
        temperature: float,
        number: torch.dtype,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        # The parameter itself is kept, not its cast copy: a wrapper may free and gather it again in between.
        ctx.save_for_backward(hidden_NH, weight_VH, ids_N)
        ctx.temperature, ctx.number = temperature, number
        cast_VH = weight_VH.to(number)
        logp_N = hidden_NH.new_empty(len(ids_N), dtype=torch.float32)
        entropy_N = torch.empty_like(logp_N)
        for part in _chunks(len(ids_N), len(weight_VH)):
            logp_NV = _logits(hidden_NH[part], cast_VH, temperature)
            p_NV = logp_NV.exp()  # of logits of at most 0; torch.logsumexp takes one more buffer
            total_N1 = p_NV.sum(-1, keepdim=True)
            p_NV.div_(total_N1)
            logp_NV.sub_(total_N1.log())
            logp_N[part] = logp_NV.gather(-1, ids_N[part, None])[:, 0]
            logp_NV.clamp_(min=torch.finfo(torch.float32).min)  # words that cannot follow: 0 times infinity is nan
            # A batched product sums without a third buffer.
            entropy_N[part] = -(p_NV[:, None] @ logp_NV[..., None])[:, 0, 0]
        ctx.mark_non_differentiable(entropy_N)
        return logp_N, entropy_N

    @staticmethod
    def backward(ctx: Any, grad_N: torch.Tensor, _: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        hidden_NH, weight_VH, ids_N = ctx.saved_tensors
        cast_VH = weight_VH.to(ctx.number)
        grad_NH = torch.empty_like(hidden_NH) if ctx.needs_input_grad[0] else None
        grad_VH = torch.zeros_like(weight_VH) if ctx.needs_input_grad[1] else None
        for part in _chunks(len(ids_N), len(weight_VH)):
            # d log p(id) / d logits is the one-hot of the token minus the softmax.
            grad_NV = _logits(hidden_NH[part], cast_VH, ctx.temperature).exp_()
            grad_NV.div_(grad_NV.sum(-1, keepdim=True)).neg_()
            ones_N1 = torch.ones_like(grad_NV[:, :1])
            grad_NV.scatter_add_(-1, ids_N[part, None], ones_N1).mul_(grad_N[part, None] / ctx.temperature)
            cast_NV = grad_NV.to(ctx.number)
            if grad_NH is not None:
                grad_NH[part] = (cast_NV @ cast_VH).to(grad_NH.dtype)
            if grad_VH is not None:
                states_NH = hidden_NH[part].to(ctx.number)
                for first in range(0, len(weight_VH), _WORDS):
                    words = slice(first, first + _WORDS)
                    grad_VH[words] += cast_NV[:, words].T @ states_NH
        return grad_NH, grad_VH, None, None, None


def _chunks(tokens: int, words: int) -> list[slice]:
    size = max(1, LOGITS_CHUNK_BYTES // (4 * words))
    return [slice(first, first + size) for first in range(0, tokens, size)]


def _logits(hidden_NH: torch.Tensor, weight_VH: torch.Tensor, temperature: float) -> torch.Tensor:
    """(N, V) float32, the largest of a row 0; a product that is float32 already is changed in place."""
    with torch.autocast(hidden_NH.device.type, enabled=False):
        logits_NV = (hidden_NH.to(weight_VH.dtype) @ weight_VH.T).float().div_(temperature)
    return logits_NV.sub_(logits_NV.amax(-1, keepdim=True))
