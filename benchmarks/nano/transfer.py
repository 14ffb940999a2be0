"""Real clips with defects of rising strength: python -m benchmarks.nano.transfer CLIP… [--model nano].

Each clip gets each kind of defect at six strengths, from none to severe. Within a content and a kind, the score of the
affected dimension should fall with the strength: SRCC within each, then the mean. Two kinds, ``pixelation`` and
``tearing``, and all contents are not in the training data.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.results import keep
from vqinsight.assessor.assessor import Assessor
from vqinsight.evaluation.metrics.breakdown import within_groups
from vqinsight.inference.api import load
from vqinsight.synthetic.clips import FPS
from vqinsight.synthetic.defects_spatial import SPATIAL
from vqinsight.synthetic.defects_temporal import TEMPORAL, Fetch
from vqinsight.tasks.types import Clip, Question
from vqinsight.video.inputs import expand_inputs
from vqinsight.video.preprocess import ProcessedClip, sample_frames
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.record import ClipInput

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
LONGEST = 120  # most frames of a clip: sampled frames are about as close as in training
SIDE = 270  # clips are downscaled to this height first, as strengths are in pixels
NEW = ("pixelation", "tearing")


def pixelation(frames: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Squares of one colour, 2 to 12 pixels wide."""
    side = round(2 + 10 * severity)
    rows, columns = (np.arange(size) // side * side for size in frames.shape[1:3])
    return frames[:, rows][:, :, columns]


def tearing(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Below a random line the picture is some frames older and shifted sideways, in a share of the frames."""
    frames = fetch(at).copy()
    late = fetch(np.maximum(at - 3, 0))
    torn = rng.random(total) < 0.25 + 0.7 * severity
    lines = rng.uniform(0.2, 0.8, total)
    shift = round(frames.shape[2] * (0.01 + 0.08 * severity))
    for place, index in enumerate(at):
        if torn[index]:
            line = int(lines[index] * frames.shape[1])
            frames[place, line:] = np.roll(late[place, line:], shift, axis=1)
    return frames


def shrunk(path: str) -> np.ndarray:
    """The first frames of a clip, (n, H, W, 3) uint8, at most ``SIDE`` high."""
    from PIL import Image

    info = probe(path)
    frames = []
    for _, frame in iter_frames(info, list(range(min(info.frames, LONGEST)))):
        image = Image.fromarray(frame)
        if image.height > SIDE:
            image = image.resize((round(image.width * SIDE / image.height) // 2 * 2, SIDE), Image.Resampling.LANCZOS)
        frames.append(np.asarray(image))
    return np.stack(frames)


def damaged(frames: np.ndarray, at: np.ndarray, kind: str, severity: float, seed: int) -> np.ndarray:
    """Frames ``at`` with one defect; none at severity 0."""
    rng = np.random.default_rng(seed)
    fetch: Fetch = lambda wanted: frames[wanted]  # noqa: E731
    if severity == 0:
        return frames[at]
    spatial: dict[str, Any] = SPATIAL | {"pixelation": pixelation}
    temporal: dict[str, Any] = TEMPORAL | {"tearing": tearing}
    if kind in spatial:
        return np.asarray(spatial[kind](frames[at], severity, rng))
    return np.asarray(temporal[kind](fetch, len(frames), at, severity, rng))


_NO_INPUT = ClipInput("video", 0, 0, 0, 0.0, 0.0, (), (), "", (0, 0), ())  # no record is made


def footage(assessor: Assessor, frames: np.ndarray, kind: str, severity: float, seed: int, name: str) -> ProcessedClip:
    """The damaged clip, preprocessed for the model."""
    total, builder = len(frames), assessor.loaded.views
    sampling = sample_frames(assessor.loaded.settings, total, np.arange(total) / FPS)
    wanted = builder.needed_frames(sampling)
    shown = zip(wanted, damaged(frames, np.array(wanted), kind, severity, seed), strict=True)
    views = builder.build(shown, sampling, assessor.loaded.spec)
    return ProcessedClip(name, "video", views, _NO_INPUT)


def main() -> None:
    """Print the table; ``--json FILE`` also stores it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--samples", type=int, default=1, help="the mean of so many sampled answers; 1: the likeliest")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    assessor = load(given.model).assessor
    kinds = {"spatial": (*SPATIAL, "pixelation"), "temporal": (*TEMPORAL, "tearing")}
    predictions: dict[str, list[float | None]] = defaultdict(list)
    labels: dict[str, list[float]] = defaultdict(list)
    groups: dict[str, list[str]] = defaultdict(list)
    paths = [str(path) for path, _ in expand_inputs(given.clips, None).clips]
    for seed, path in enumerate(paths):
        frames = shrunk(path)
        for dimension, names in kinds.items():
            for kind in names:
                asked = []
                for severity in STRENGTHS:
                    seen = assessor.encode(footage(assessor, frames, kind, severity, seed, path))
                    asked.append((Question("generated", (Clip(path),)), (seen,)))
                replies = assessor.ask(asked, samples=given.samples, temperature=float(given.samples > 1))
                for severity, said in zip(STRENGTHS, replies, strict=True):
                    known = [reply.value for reply in said if isinstance(reply.value, dict)]
                    numbers = [value[dimension] for value in known if dimension in value]
                    score = float(np.mean(numbers)) if numbers else None
                    for row in (kind, dimension, f"{dimension}, new kind" if kind in NEW else ""):
                        if row:
                            predictions[row].append(score)
                            labels[row].append(100 - 90 * severity)
                            groups[row].append(f"{path} {kind}")
    table = Table(title=f"{given.model}: {len(paths)} real clips, {len(STRENGTHS)} strengths of each kind")
    for heading in ("defect", "mean SRCC inside a content", "constant as 0", "95 % interval", "groups", "constant"):
        table.add_column(heading)
    rows: dict[str, dict[str, Any]] = {}
    for row, values in predictions.items():
        result = within_groups(values, labels[row], groups[row])
        mean, interval = result.srcc.value, result.srcc.interval
        # A content with constant scores has no order: it counts as 0, not as missing.
        strict = (mean or 0.0) * result.groups / max(result.groups + result.constant, 1)
        rows[row] = asdict(result) | {"srcc_constant_as_0": strict}
        table.add_row(
            row,
            "undefined" if mean is None else f"{mean:.3f}",
            f"{strict:.3f}",
            f"{interval.low:.3f} to {interval.high:.3f}" if interval else "",
            str(result.groups),
            str(result.constant),
        )
    Console(width=120).print(table)
    keep({"model_digest": assessor.loaded.digest, "rows": rows}, given.json)


if __name__ == "__main__":
    main()
