"""Backgrounds: flat areas beside sharp edges are among the clean ones."""

from __future__ import annotations

import numpy as np
import pytest

from vqinsight.synthetic import textures


def test_hard_edged_textures_are_flat_between_their_edges_now_and_then() -> None:
    """A clean wall after a denoiser has no grain; where all that is flat is a defect, every such wall is called one."""

    def flat(seed: int) -> float:
        picture = textures.TRAINED["tiles"](np.random.default_rng(seed), 128, 128)
        return float((np.abs(np.diff(picture.mean(2), axis=1)) < 1e-6).mean())

    shares = [flat(seed) for seed in range(30)]
    assert 4 < sum(share > 0.5 for share in shares) < 20


@pytest.mark.parametrize("kind", ["skies", "terraces"])
def test_flat_areas_beside_sharp_edges_are_not_always_a_defect(kind: str) -> None:
    bare = 0
    for seed in range(12):
        grey = textures.TRAINED[kind](np.random.default_rng(seed), 160, 160).mean(2)
        steps = np.abs(np.diff(grey, axis=1))
        bare += bool((steps < 0.005).mean() > 0.4 and steps.max() > 0.05)
    assert bare >= 3
