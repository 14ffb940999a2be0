"""Gumbel noise from a counter: a function of an answer's seed, the token's position, and the vocabulary index."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from vqinsight.common.seeds import seed_of

# Odd multipliers and shifts of the 32-bit finaliser of MurmurHash3 (public domain), and the golden ratio.
_GOLDEN, _FIRST, _SECOND = -1640531535, -2048144789, -1028477387


def gumbel_noise(seeds: Sequence[int], position: int, words: int, device: torch.device) -> torch.Tensor:
    """(R, V) float32 standard Gumbel draws, on ``device``.

    The argmax of logits plus this noise is an exact draw from their softmax. A row depends on its own seed alone, so an
    answer is the same alone and in any batch. The bits are those of a 32-bit hash in integer arithmetic, equal on every
    device.

    Args:
        seeds: one of each answer.
        position: of the token in the answer, from 0.
        words: V, size of the vocabulary.
    """
    keys = torch.tensor([_halves(seed_of(f"{seed}/{position}")) for seed in seeds], dtype=torch.int32, device=device)
    counter_V = torch.arange(words, dtype=torch.int32, device=device) * _GOLDEN
    if device.type != "cpu":
        return _draw(counter_V, keys)
    # Row by row: a row fits a core's cache.
    return torch.cat([_draw(counter_V, key[None]) for key in keys])


def _draw(counter_V: torch.Tensor, key_R2: torch.Tensor) -> torch.Tensor:
    bits = counter_V ^ key_R2[:, :1]
    bits ^= (bits >> 16).bitwise_and_(0xFFFF)  # of int32 the shift is arithmetic
    bits *= _FIRST
    bits ^= (bits >> 13).bitwise_and_(0x7FFFF)
    bits ^= key_R2[:, 1:]
    bits *= _SECOND
    bits ^= (bits >> 16).bitwise_and_(0xFFFF)
    # |x| / 2^31 is uniform, and most exact near 0, where the small exponential draws are that win.
    uniform = bits.float().abs_().add_(0.5).mul_(2.0**-31).clamp_(max=1 - 2.0**-24)
    return uniform.neg_().log1p_().neg_().log_().neg_()


def _halves(seed: int) -> tuple[int, int]:
    """Two signed 32-bit numbers."""
    low, high = seed & 0xFFFFFFFF, seed >> 31 & 0xFFFFFFFF
    return low - 2**31, high - 2**31
