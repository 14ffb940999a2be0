"""Fixtures every test may use."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def encode() -> ModuleType:
    """The module ``helpers/encode.py``: real little videos, made on the fly."""
    spec = importlib.util.spec_from_file_location("encode_helper", Path(__file__).parent / "helpers" / "encode.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["encode_helper"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared clips and labels, which is not part of the repository."""
    folder = Path(os.environ.get("VQINSIGHT_SHARED") or REPOSITORY.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no shared clips at {folder}: set VQINSIGHT_SHARED to their folder")
    return folder
