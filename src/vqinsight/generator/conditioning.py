"""Encoded prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Conditioning:
    """Encoded prompts: tensors whose first axis is the prompt."""

    tensors: dict[str, torch.Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def rows(self, index: Sequence[int] | torch.Tensor | slice) -> Conditioning:
        """Only these prompts, in this order."""
        chosen = index if isinstance(index, slice) else torch.as_tensor(index)
        return Conditioning({name: tensor[chosen] for name, tensor in self.tensors.items()})

    def repeat(self, times: int) -> Conditioning:
        """All prompts, repeated ``times`` times: a b gives a b a b."""
        return Conditioning.cat([self] * times)

    def to(self, device: torch.device | str) -> Conditioning:
        return Conditioning({name: tensor.to(device) for name, tensor in self.tensors.items()})

    @staticmethod
    def cat(parts: Sequence[Conditioning]) -> Conditioning:
        """Concatenate along the prompts; encoded by one generator, they have the same length."""
        return Conditioning({name: torch.cat([part.tensors[name] for part in parts]) for name in parts[0].tensors})
