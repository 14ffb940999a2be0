"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest
from helpers import encode as encode_module

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def encode() -> ModuleType:
    """The module ``helpers/encode.py``: real little videos, made on the fly."""
    return encode_module


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared clips and labels, which is not part of the repository."""
    folder = Path(os.environ.get("VQINSIGHT_SHARED") or REPOSITORY.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no shared clips at {folder}: set VQINSIGHT_SHARED to their folder")
    return folder
