"""Quality of a clip of simple shapes given its prompt, measured from pixels alone, to evaluate generators.

Shapes are detected by their colour, compared with clean drawings of every shape, size, tilt and blur, and tracked from
frame to frame. Every kind of defect leaves a trace with a known law (``defects_*``), whose inverse gives the severity.
A dimension's score is that of its worst trace. The oracle must not be used for training.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from vqinsight.errors import UsageError
from vqinsight.synthetic.captions import COLOURS, DIRECTIONS, FACT_NAMES, NUMBER_WORDS, SHAPES, Facts
from vqinsight.synthetic.oracle_shapes import Piece, find_pieces, ramp
from vqinsight.synthetic.oracle_traces import spatial_traces, temporal_traces
from vqinsight.synthetic.scene import _HUES

_NUMBERS = {word: number for number, word in NUMBER_WORDS.items()}


@dataclass(frozen=True)
class Measured:
    """The measurements of a clip.

    Attributes:
        facts: count, colour, shape and direction; ``None`` where undetermined.
        scores: ``spatial``, ``temporal``, ``alignment`` and their mean ``overall``, each 0 to 100.
        traces: implied severity of each kind of defect, 0 to 1.
    """

    facts: dict[str, int | str | None]
    scores: dict[str, float]
    traces: dict[str, float]


def read_prompt(prompt: str) -> Facts:
    """The facts that a caption of the synthetic set states.

    Raises:
        UsageError: one of the four is missing.
    """
    words = re.findall(r"[a-z]+", prompt.lower())
    found: list[int | str] = []
    for name, known in (
        ("count", _NUMBERS),
        ("colour", {colour: colour for colour in COLOURS}),
        ("shape", {form: shape for shape in SHAPES for form in (shape, shape + "s")}),
        ("direction", {direction: direction for direction in DIRECTIONS}),
    ):
        match = next((known[word] for word in words if word in known), None)
        if match is None:
            raise UsageError(f"{prompt!r} states no {name}: the oracle knows captions of the synthetic set only.")
        found.append(match)
    return Facts(*found)  # type: ignore[arg-type]


def measure(frames: np.ndarray, prompt: str) -> Measured:
    """Quality of uint8 frames (F, 64, 64, 3) given ``prompt``."""
    claim = read_prompt(prompt)
    grounds = np.stack([ramp(frame.astype(np.float32)) for frame in frames])
    pieces = [find_pieces(frame.astype(np.float32), ground) for frame, ground in zip(frames, grounds, strict=True)]
    facts, paths = _see(pieces)
    spatial = spatial_traces(frames, grounds, pieces)
    temporal = temporal_traces(frames, grounds, pieces, paths)
    right = sum(facts[name] == getattr(claim, name) for name in FACT_NAMES)
    scores = {
        "spatial": 100 - 90 * max(spatial.values()),
        "temporal": 100 - 90 * max(temporal.values()),
        "alignment": 100 * right / len(FACT_NAMES),
    }
    if not any(pieces):  # no shapes: a clean empty frame is not good
        scores["spatial"] = scores["temporal"] = 10.0
    scores["overall"] = float(np.mean(list(scores.values())))
    return Measured(facts, {name: float(value) for name, value in scores.items()}, {**spatial, **temporal})


def _see(pieces: list[list[Piece]]) -> tuple[dict[str, int | str | None], np.ndarray]:
    """The four facts by majority over frames and shapes, and the paths (frames, shapes, 2) of frames with the most
    frequent number of shapes (others are NaN)."""
    counts = [len(frame) for frame in pieces]
    present = [count for count in counts if count]
    if not present:
        return dict.fromkeys(FACT_NAMES), np.full((len(pieces), 0, 2), np.nan)
    usual = max(sorted(set(present)), key=present.count)
    paths = np.full((len(pieces), usual, 2), np.nan)
    for number, frame in enumerate(pieces):
        if len(frame) == usual:
            paths[number] = _in_order([piece.centre for piece in frame], paths[:number])
    everything = [piece for frame in pieces for piece in frame]
    shapes = [piece.shape for piece in everything]
    colours = [_colour(piece.colour) for piece in everything]
    return {
        "count": usual if usual in NUMBER_WORDS else None,
        "colour": max(sorted(set(colours)), key=colours.count),
        "shape": max(sorted(set(shapes)), key=shapes.count),
        "direction": _direction(paths),
    }, paths


def _in_order(centres: list[np.ndarray], before: np.ndarray) -> np.ndarray:
    """Centres in the order of the last complete frame."""
    complete = before[~np.isnan(before).any((1, 2))] if len(before) else before
    found = np.stack(centres)
    if not len(complete):
        return found
    apart = np.linalg.norm(complete[-1][:, None] - found[None], axis=-1)
    return found[linear_sum_assignment(apart)[1]]


def _direction(paths: np.ndarray) -> str | None:
    slopes = slope(paths)
    if slopes is None:
        return None
    x, y = slopes
    if abs(x) >= abs(y):
        return "right" if x > 0 else "left"
    return "down" if y > 0 else "up"


def slope(paths: np.ndarray) -> np.ndarray | None:
    """Mean velocity (x, y) in pixels per frame by least squares; ``None`` with fewer than three usable frames."""
    seen = ~np.isnan(paths).any((1, 2)) if paths.shape[1] else np.zeros(len(paths), bool)
    if seen.sum() < 3:
        return None
    time = np.flatnonzero(seen).astype(float)
    time -= time.mean()
    return (time[:, None] * paths[seen].mean(1)).sum(0) / (time**2).sum()


def _colour(rgb: np.ndarray) -> str:
    """The named hue nearest to a colour."""
    high, low = rgb.max(), rgb.min()
    span = max(high - low, 1e-6)
    red, green, blue = rgb
    if high == red:
        hue = 60 * ((green - blue) / span % 6)
    elif high == green:
        hue = 60 * ((blue - red) / span + 2)
    else:
        hue = 60 * ((red - green) / span + 4)
    return min(_HUES, key=lambda name: abs((hue - _HUES[name] + 180) % 360 - 180))
