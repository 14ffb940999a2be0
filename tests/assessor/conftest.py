"""Fixtures: model folders and clips as arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import tiny
from PIL import Image

LOOK = {"template": "brief", "frames": 4, "max_pixels": 112 * 112, "max_new_tokens": 24, "batch_tokens": 8192}


@pytest.fixture(scope="session", params=["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random checkpoint of each family on disk."""
    model = getattr(tiny, request.param)()
    return tiny.save(model, tmp_path_factory.mktemp(request.param), **LOOK)


@pytest.fixture
def clip_files(tmp_path: Path) -> Callable[[int], list[str]]:
    """Folders of random frames, each clip different, some sizes different."""

    def make(count: int) -> list[str]:
        rng = np.random.default_rng(3)
        paths = []
        for number in range(count):
            folder = tmp_path / f"clip{number}"
            folder.mkdir()
            size = (84, 84, 3) if number % 2 else (60, 120, 3)
            for index in range(6):
                Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(folder / f"{index}.png")
            paths.append(str(folder))
        return paths

    return make
