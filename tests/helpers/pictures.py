"""Pictures of the synthetic set for tests."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest

from vqinsight.synthetic import textures


def textured(kind: str, height: int, width: int, seed: int = 0, *, grain: bool = True) -> np.ndarray:
    """A texture as (height, width, 3) uint8 RGB; without ``grain`` those with hard edges are bare now and then."""
    with ExitStack() as stack:
        if grain:
            stack.enter_context(pytest.MonkeyPatch.context()).setattr(textures, "_MAYBE", 0.03)
        canvas = {**textures.TRAINED, **textures.HELD_OUT}[kind](np.random.default_rng(seed), height, width)
    assert canvas.shape == (height, width, 3)
    return (np.clip(canvas, 0, 1) * 255).astype(np.uint8)
