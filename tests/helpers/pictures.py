"""Pictures of the synthetic set for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest

from vqinsight.synthetic import generate, photos, textures


def textured(kind: str, height: int, width: int, seed: int = 0, *, grain: bool = True) -> np.ndarray:
    """A texture as (height, width, 3) uint8 RGB; without ``grain`` those with hard edges are bare now and then."""
    with ExitStack() as stack:
        if grain:
            stack.enter_context(pytest.MonkeyPatch.context()).setattr(textures, "_MAYBE", 0.03)
        canvas = {**textures.TRAINED, **textures.HELD_OUT}[kind](np.random.default_rng(seed), height, width)
    assert canvas.shape == (height, width, 3)
    return (np.clip(canvas, 0, 1) * 255).astype(np.uint8)


@contextmanager
def unpainted() -> Iterator[None]:
    """Backgrounds of synthetic clips have one pixel and cost nothing to paint: for tests of what is said of clips."""
    with pytest.MonkeyPatch.context() as patch:
        for kinds in (textures.TRAINED, textures.HELD_OUT):
            for kind in kinds:
                patch.setitem(kinds, kind, lambda _rng, _height, _width: np.zeros((1, 1, 3)))
        patch.setattr(photos, "photo", lambda _name: np.zeros((1, 1, 3), np.uint8))
        patch.setattr(generate, "_large_enough", lambda names, _height, _width: list(names))
        yield
