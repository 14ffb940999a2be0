"""Flicker: brightness that goes up and down from frame to frame."""

from __future__ import annotations

import numpy as np

_DARK = 8.0  # grey levels, added to a cell's brightness: black does not flicker visibly


def gain(before: np.ndarray, now: np.ndarray, after: np.ndarray) -> float:
    """How far brightness lies from the mean of its neighbours' in time, as a share of it; 0 is steady.

    The smaller of the mean over cells and of the median, in which each has the weight of its brightness: what moves
    changes few cells, flicker most of them.

    Args:
        before, now, after: (h, w) float32 means of cells of three frames, in grey levels.
    """
    usual = (before + after) / 2
    share = ((now - usual) / (usual + _DARK)).ravel()
    order = np.argsort(share)
    weight = np.cumsum(usual.ravel()[order] + 1e-6)
    most = float(share[order][np.searchsorted(weight, weight[-1] / 2)])
    mean = float((now - usual).mean() / (usual.mean() + _DARK))
    return min(abs(most), abs(mean)) if most * mean > 0 else 0.0
