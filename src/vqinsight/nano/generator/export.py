"""Exports a trained folder as the generator that ships, in half precision."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from vqinsight.generator.families.nano import open_nano
from vqinsight.weights import GENERATOR


def export(trained: Path, out: Path) -> None:
    """Write the folder ``out`` from the folder ``trained``."""
    generator = open_nano(str(trained), trained)
    for network in (generator.denoiser, *generator.frozen.values()):
        network.half()
    shutil.rmtree(out, ignore_errors=True)
    generator.save(out)


def main() -> None:
    """``python -m vqinsight.nano.generator.export runs/generator/final``: replace the weights in the package."""
    parser = argparse.ArgumentParser(description="Make a trained folder the embedded generator.")
    parser.add_argument("trained", type=Path, help="folder that nano.train finished")
    parser.add_argument("--out", type=Path, default=GENERATOR)
    given = parser.parse_args()
    export(given.trained, given.out)


if __name__ == "__main__":
    main()
