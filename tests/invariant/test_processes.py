"""Two processes do what one does, also when a group of answers straddles them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import runs

from vqinsight.weights import ASSESSOR


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["temporal", "sft"])
def test_two_processes_are_one(tmp_path: Path, stage: str) -> None:
    """One process takes 8 answers at once; each of two takes 2, so that the 4 answers of a group lie on both."""
    shared = (
        "--set",
        f"stage={stage}",
        "--set",
        "updates=3",
        "--set",
        "questions_per_update=4",
        "--set",
        "data.0.weight=4e6",
    )
    # Sums in another order differ in the last digit, and Adam alone takes a gradient near zero as far as any other.
    shared += ("--set", "trainer.adam_epsilon=1e-5")
    one = runs.train(
        tmp_path, *shared, "--set", "out=one", "--set", f"answers_per_forward={8 if stage != 'sft' else 4}"
    )
    assert one.returncode == 0, one.stderr
    both = runs.train(tmp_path, *shared, "--set", "out=both", "--set", "answers_per_forward=2", processes=2)
    assert both.returncode == 0, both.stderr
    if stage == "temporal":
        samples = [(tmp_path / out / "samples.md").read_text() for out in ("one", "both")]
        assert samples[0] == samples[1]
        assert "Shuffled in time" in samples[0]
    expected, found = runs.weights(tmp_path / "one" / "final"), runs.weights(tmp_path / "both" / "final")
    begun = runs.weights(ASSESSOR)
    assert any(not torch.equal(expected[name], begun[name]) for name in expected)
    for name, weight in expected.items():
        moved = (weight - begun[name]).norm()
        assert (found[name] - weight).norm() <= 2e-3 * moved + 1e-7, name
