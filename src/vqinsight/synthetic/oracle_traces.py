"""Traces of defects, each converted to a severity by inverting its definition in ``defects_*``."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from vqinsight.synthetic.oracle_shapes import Piece


def _severity(value: float) -> float:
    return float(np.clip(value, 0, 1))


def spatial_traces(frames: np.ndarray, grounds: np.ndarray, pieces: list[list[Piece]]) -> dict[str, float]:
    """Implied severities of blur, ringing, unevenness (noise, blocking), banding and exposure, medians over frames."""
    swept = np.zeros(frames.shape[1:3], bool)
    for piece in (piece for frame in pieces for piece in frame):
        swept |= ndimage.binary_dilation(piece.mask, iterations=3)
    free = ~swept if (~swept).mean() > 0.08 else np.ones_like(swept)
    apart = frames.astype(np.float32) - grounds
    uneven = float(np.median(np.sqrt((apart[:, free] ** 2).mean((1, 2)))))
    rings = []
    for difference, found in zip(apart, pieces, strict=True):
        if found:
            mask = np.any([piece.mask for piece in found], 0)
            ring = ndimage.binary_dilation(mask, iterations=8) & ~ndimage.binary_dilation(mask, iterations=3)
            rings.append(np.sqrt((difference[ring] ** 2).mean()))
    ringing = float(np.sqrt(max(np.median(rings) ** 2 - uneven**2, 0))) if rings else 0.0
    blurs = [piece.blur for frame in pieces for piece in frame]
    blur = float(np.median(blurs)) if blurs else 0.0
    return {
        "blur": _severity(max(blur - 0.45, 0) / 3.5) ** (1 / 1.2),
        "ringing": _severity((ringing - 3) / 17),
        "uneven": _severity(max(uneven - 4, 0) / 42) ** (1 / 1.3),
        "banding": _banding(frames),
        "exposure": _exposure(grounds, pieces),
    }


def _banding(frames: np.ndarray) -> float:
    """Severity from the smallest step between occurring levels, where these are few; 0 where all levels occur."""
    gaps = []
    for channel in range(3):
        used = np.flatnonzero(np.bincount(frames[..., channel].ravel(), minlength=256))
        if len(used) > 19:
            return 0.0
        gaps.append(np.diff(used).min() if len(used) > 1 else 255)
    levels = 255 / max(float(min(gaps)), 1.0) + 1
    return _severity(1 - max((levels - 3) / 15, 0) ** (1 / 1.6)) if levels <= 19 else 0.0


def _exposure(grounds: np.ndarray, pieces: list[list[Piece]]) -> float:
    """Severity from the stops that restore the brightness of background and shapes in the synthetic set.

    The mean of all such stops; 0 where none are needed.
    """
    ground = float(np.median(grounds)) / 255
    colours = [piece.colour for frame in pieces for piece in frame]
    bright = float(np.median([colour.max() for colour in colours])) / 255 if colours else 0.85
    stops = np.linspace(-2.4, 2.4, 97)
    factor = 2 ** (stops / 2.2)
    level, top = ground / factor, bright / factor
    outside = np.maximum(0.3 - level, 0) + np.maximum(level - 0.7, 0) + np.maximum(top - 1.02, 0)
    if bright < 0.985:  # above, it is clipped and ambiguous
        outside += np.maximum(0.7 - top, 0)
    fits = outside <= outside.min() + 0.015
    if fits[np.argmin(np.abs(stops))]:
        return 0.0
    return _severity((abs(float(stops[fits].mean())) - 0.35) / 2.0)


def temporal_traces(
    frames: np.ndarray, grounds: np.ndarray, pieces: list[list[Piece]], paths: np.ndarray
) -> dict[str, float]:
    """Implied severities of the temporal defects; ``paths`` (frames, shapes, 2) with NaN where shapes are not found."""
    traces = {
        "flicker": _flicker(grounds),
        "morphing": _morphing(pieces),
        "ghosting": _ghosting(frames, grounds, pieces),
    }
    if traces["ghosting"] > 0.1:  # the copy changes the outline like morphing
        traces["morphing"] = 0.0
    seen = ~np.isnan(paths).any((1, 2)) if paths.shape[1] else np.zeros(len(paths), bool)
    lost = 1 - seen.mean()
    traces["lost"] = _severity(1.5 * lost)
    if seen.sum() < 4:
        return {**traces, "lost": 1.0}
    traces.update(_motion(paths[seen], np.flatnonzero(seen)))
    return traces


def _flicker(grounds: np.ndarray) -> float:
    level = grounds.mean((1, 2, 3))
    spread = float(np.std(level) / max(level.mean(), 1e-6))
    return _severity((spread / 0.78 - 0.04) / 0.46)


def _motion(paths: np.ndarray, at: np.ndarray) -> dict[str, float]:
    """Jitter from deviations across the path's direction, freezing from steps without motion, shuffling from backward
    steps."""
    middle = paths.mean(1)
    time = at - at.mean()
    velocity = (time[:, None] * middle).sum(0) / (time**2).sum()
    axis = int(np.abs(velocity[1]) > np.abs(velocity[0]))
    if np.ptp(middle[:, axis]) < np.ptp(middle[:, 1 - axis]):
        axis = 1 - axis
    along, across = middle[:, axis], middle[:, 1 - axis]
    wobble = across - across.mean() - time * (time * across).sum() / (time**2).sum()
    amplitude = float(np.sqrt((wobble**2).mean())) * np.sqrt(3) / 0.87
    steps = np.diff(along)
    typical = max(float(np.median(np.abs(steps)[np.abs(steps) > 0.4])) if (np.abs(steps) > 0.4).any() else 0.0, 1.2)
    still = np.abs(steps) < 0.3 * typical
    held = float(still.mean()) * len(steps) / len(along)
    forward = np.sign(velocity[axis]) or 1.0
    if not still.any() and (steps * velocity[axis] > 0).all():  # no other defect moves it along its path
        drift = along - along.mean() - time * velocity[axis]
        amplitude = float(np.sqrt((wobble**2).mean() / 2 + (drift**2).mean() / 2)) * np.sqrt(3) / 0.87
    order = np.sign(along[None, :] - along[:, None])[np.triu_indices(len(along), 1)] * forward
    size = np.abs(along[None, :] - along[:, None])[np.triu_indices(len(along), 1)]
    inverted = float(((order < 0) & (size > 0.5 * typical)).mean())
    return {
        "jitter": _severity((amplitude / 64 - 0.008) / 0.05) if amplitude > 0.55 else 0.0,
        "freeze": _severity((held - 0.2) / 0.68) if still.any() else 0.0,
        "shuffle": _severity(0.1 + inverted / 0.36) if inverted > 0 else 0.0,
    }


def _morphing(pieces: list[list[Piece]]) -> float:
    """Deviation of shapes from their mean over time, in pixels along their outline."""
    usual = max((len(frame) for frame in pieces), default=0)
    frames = [frame for frame in pieces if len(frame) == usual and usual]
    if len(frames) < 3:
        return 0.0
    changes = []
    last = frames[0]
    stacks = [[piece.cover] for piece in last]
    for frame in frames[1:]:
        for stack, before in zip(stacks, frames[0], strict=True):
            nearest = min(
                frame,
                key=lambda piece: (
                    float(np.linalg.norm(piece.colour - before.colour)) * 0.2
                    + float(np.linalg.norm(piece.centre - before.centre))
                ),
            )
            stack.append(nearest.cover)
    for stack in stacks:
        covers = ndimage.gaussian_filter(np.stack(stack), (0, 0.7, 0.7))
        mean = covers.mean(0)
        changes.append(np.abs(covers - mean).sum((1, 2)).mean() / np.sqrt(mean.sum()))
    return _severity((float(np.mean(changes)) - 0.25) / 4.0)


def _ghosting(frames: np.ndarray, grounds: np.ndarray, pieces: list[list[Piece]]) -> float:
    """Remaining colour of shapes at their earlier positions, at the lag with the strongest."""
    masks = [np.any([piece.mask for piece in frame], 0) if frame else None for frame in pieces]
    weight = 0.0
    for lag in range(3, 7):
        shares, beside = [], []
        for now in range(2, len(frames)):
            here, before = masks[now], masks[max(now - lag, 0)]
            if here is None or before is None:
                continue
            left = ndimage.binary_erosion(before) & ~ndimage.binary_dilation(here, iterations=3)
            if left.sum() < 10:
                continue
            colour = np.mean([piece.colour for piece in pieces[now]], 0)
            direction = colour - grounds[now][left].mean(0)
            cover = (frames[now][left] - grounds[now][left]) @ direction / max(float(direction @ direction), 1e-6)
            shares.append(float(np.median(cover)))
            beside.append((before & here).sum() < 0.25 * here.sum())
        if len(shares) >= 2:
            share = float(np.median(shares))
            # Where shape and copy overlap, the shape's centre has its full colour; apart, only its share of it.
            weight = max(weight, share / (1 + share) if np.mean(beside) > 0.5 else share)
    return _severity((weight - 0.17) / 0.55)
