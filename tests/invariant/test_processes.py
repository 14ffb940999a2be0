"""Two processes do what one does, also when a group of answers straddles them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers import runs

from vqinsight.weights import ASSESSOR


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["temporal", pytest.param("sft", marks=pytest.mark.full)])
def test_two_processes_are_one(stage: str, straight: Callable[..., Path]) -> None:
    """One process takes 8 answers at once; each of two takes 2, so that the 4 answers of a group lie on both."""
    if stage == "temporal":
        one = straight(*runs.COMPARED)
        both = straight(*runs.COMPARED, *runs.ON_TWO, processes=2)
    else:
        one = straight(*runs.COMPARED, *runs.SFT, "--set", "answers_per_forward=2")
        both = straight(*runs.COMPARED, *runs.SFT, processes=2)
    if stage == "temporal":
        samples = [(out / "samples.md").read_text() for out in (one, both)]
        assert samples[0] == samples[1]
        assert "Shuffled in time" in samples[0]
    expected, found = runs.weights(one / "final"), runs.weights(both / "final")
    begun = runs.weights(ASSESSOR)
    assert any(not torch.equal(expected[name], begun[name]) for name in expected)
    for name, weight in expected.items():
        moved = (weight - begun[name]).norm()
        assert (found[name] - weight).norm() <= 2e-3 * moved + 1e-7, name
