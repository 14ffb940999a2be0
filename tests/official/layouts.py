"""Model folders in the official layouts, small and random, from the tool beside the shared clips."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path


def build(shared: Path, out: Path, layout: str) -> Path:
    """The folder of one layout, made by ``shared/tools/real_layouts.py``."""
    tool = shared / "tools" / "real_layouts.py"
    spec = importlib.util.spec_from_file_location("real_layouts", tool)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(out, layout)
    return out / layout


def digest(folder: Path) -> str:
    """Of the weights: reference values hold for these only."""
    whole = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        whole.update(file.read_bytes())
    return whole.hexdigest()[:16]
