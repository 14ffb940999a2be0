"""The stand-in results of ``helpers/records.py``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def records() -> ModuleType:
    """The module ``helpers/records.py``."""
    path = Path(__file__).parent.parent / "helpers" / "records.py"
    spec = importlib.util.spec_from_file_location("records_helper", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["records_helper"] = module
    spec.loader.exec_module(module)
    return module
