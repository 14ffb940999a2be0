"""Exponential moving average (EMA) of the trained weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.training_utils import EMAModel


class RunningAverage:
    """The moving average of a denoiser's trainable parameters, all of them or its LoRA."""

    def __init__(self, denoiser: torch.nn.Module, decay: float = 0.999) -> None:
        self._learning = [parameter for parameter in denoiser.parameters() if parameter.requires_grad]
        self._average = EMAModel(self._learning, decay=decay)

    def update(self) -> None:
        """Update the average; call it after every step."""
        self._average.step(self._learning)

    def state(self) -> dict[str, Any]:
        """The state for ``load``."""
        return dict(self._average.state_dict())

    def load(self, state: dict[str, Any]) -> None:
        """Restore the state of an average of the same parameters."""
        self._average.load_state_dict(state)
        self._average.to(self._learning[0].device)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """A context in which the denoiser has the averaged weights, for sampling and saving."""
        self._average.store(self._learning)
        self._average.copy_to(self._learning)
        try:
            yield
        finally:
            self._average.restore(self._learning)
