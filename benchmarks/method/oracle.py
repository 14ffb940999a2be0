"""Agreement of the oracle with the exact truth: python -m benchmarks.method.oracle [--clips 300] [--generator nano].

With a generator the clips first pass through its auto-encoder, like generated ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks.results import store
from vqinsight.synthetic.oracle import Measured, measure
from vqinsight.synthetic.simple import SimpleClip, draw_simple

DIMENSIONS = ("spatial", "temporal", "alignment")


def compare(clips: list[SimpleClip], seen: list[Measured]) -> dict[str, Any]:
    """SRCC by dimension and by kind of defect, and the share of correct facts."""
    rows: dict[str, Any] = {}
    for name in DIMENSIONS:
        rows[name] = _srcc([(clip.quality[name], m.scores[name]) for clip, m in zip(clips, seen, strict=True)])
    kinds: dict[str, list[tuple[float, float]]] = {}
    for clip, m in zip(clips, seen, strict=True):
        for name, defect in (("spatial", clip.truth.spatial), ("temporal", clip.truth.temporal)):
            if defect is not None:
                kinds.setdefault(defect.kind, []).append((100 - 90 * defect.severity, m.scores[name]))
    facts = []
    for clip, m in zip(clips, seen, strict=True):
        facts += [m.facts[name] == getattr(clip.truth.facts, name) for name in m.facts]
    by_kind = {name: _srcc(pairs) for name, pairs in kinds.items()}
    return {"srcc": rows, "kinds": by_kind, "facts": float(np.mean(facts))}


def _srcc(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    truth, said = zip(*pairs, strict=True)
    found = float(spearmanr(truth, said)[0]) if len(set(truth)) > 1 and len(set(said)) > 1 else None
    return {"value": found, "n": len(pairs)}


def main() -> None:
    """Print, and store with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--seed", type=int, default=900_000, help="first clip; training begins at 0")
    parser.add_argument("--generator", help="send the clips through its auto-encoder as well")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    clips = [draw_simple(given.seed + i, defects=0.6, errors=0.5) for i in range(given.clips)]
    found = {"as drawn": compare(clips, [measure(clip.frames, clip.prompt) for clip in clips])}
    if given.generator:
        from vqinsight.generator.load import open_generator

        generator = open_generator(given.generator)
        shown = []
        for clip in clips:
            latents = generator.encode_video(torch.from_numpy(clip.frames)[None])
            shown.append(measure(generator.decode(latents)[0].numpy(), clip.prompt))
        found["through the auto-encoder"] = compare(clips, shown)
    store({"clips": given.clips, "rows": found}, given.json)


if __name__ == "__main__":
    main()
