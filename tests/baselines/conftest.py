"""Tiny random models of real architectures, and two little clips, for the baselines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import tiny

import vqinsight


@pytest.fixture(scope="session")
def clips(encode, tmp_path_factory) -> tuple[str, str]:
    """Two clips of 12 frames that differ."""
    folder = tmp_path_factory.mktemp("clips")
    noise = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), np.uint8)
    return str(encode.video(folder / "a.mp4", 12)), str(encode.video(folder / "b.mp4", noise))


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """A Qwen2.5-VL of 30 thousand random parameters on disk."""
    return tiny.save(tiny.qwen2_5_vl(), tmp_path_factory.mktemp("model"), max_new_tokens=12)


@pytest.fixture(scope="session")
def judge(model) -> vqinsight.VQInsight:
    return vqinsight.load(str(model), device="cpu")
