"""Writes ``reference.json``: what the official pipeline makes of six clips in three layouts.

In an environment with torchvision, the folder of shared clips beside the repository:

    PYTHONPATH=src:tests python tests/official/make_reference.py ../shared

Layouts are built by ``tools/real_layouts.py`` of that folder with its seeds. Only numbers are kept.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import torch
import torchvision
import transformers
from official import layouts, pipeline


def main(shared: Path) -> None:
    """Build each layout, run each clip, write the file beside this one."""
    found: dict[str, object] = {}
    for layout in pipeline.LAYOUTS:
        with tempfile.TemporaryDirectory() as out:
            folder = layouts.build(shared, Path(out), layout)
            clips = {clip: pipeline.reference(folder, layout, shared / "clips" / clip) for clip in pipeline.CLIPS}
            found[layout] = {"weights": layouts.digest(folder), "clips": clips}
    made_by = {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "transformers": transformers.__version__,
    }
    text = json.dumps({"made_by": made_by, "layouts": found}, separators=(",", ":"))
    (Path(__file__).parent / "reference.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
