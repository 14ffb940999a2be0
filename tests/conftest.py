"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from helpers import encode as encode_module
from helpers import process, runs

if TYPE_CHECKING:
    from vqinsight.inference.api import VQInsight

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_sessionfinish() -> None:
    process.stop_server()


@pytest.fixture(scope="session")
def encode() -> ModuleType:
    """The module ``helpers/encode.py``: real little videos, made on the fly."""
    return encode_module


@pytest.fixture(scope="session")
def nano() -> VQInsight:
    """The embedded model, loaded once for all tests that only ask it."""
    import vqinsight

    return vqinsight.load("nano", device="cpu")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared clips and labels, which is not part of the repository."""
    folder = Path(os.environ.get("VQINSIGHT_SHARED") or REPOSITORY.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no shared clips at {folder}: set VQINSIGHT_SHARED to their folder")
    return folder


@pytest.fixture(scope="session")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``helpers.runs.straight`` in a folder that all of pytest-xdist's workers share."""
    folder = tmp_path_factory.getbasetemp()
    return partial(runs.straight, folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)
