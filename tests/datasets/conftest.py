"""Fixtures: real label files."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def labels(shared: Path) -> Path:
    """Real label files, which are not part of the repository."""
    if not (shared / "labels").is_dir():
        pytest.skip(f"no label files at {shared / 'labels'}: set VQINSIGHT_SHARED to the folder that has them")
    return shared / "labels"
