"""Calibration: a monotone map from a model's scores to a named scale of mean opinion scores (MOS).

The map is fitted on items with a score and a MOS, preserves order, and records its fitting set: name, size and digest.
A score outside the fitting set's range gets the value of the nearest end, and a note. Evaluate a map on other items
than those it is fitted on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

from vqinsight.common.files import write_atomic
from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.correlation import FEWEST
from vqinsight.evaluation.metrics.join import Number, join, known, predicted

Method = Literal["isotonic", "pchip"]
_FORMAT: Literal["vqinsight calibration 1"] = "vqinsight calibration 1"


@dataclass(frozen=True)
class FittingSet:
    """The data that a map is fitted on.

    Attributes:
        name: the user's name, such as ``"KoNViD-1k, first half"``.
        n: items used.
        digest: SHA-256 of the items used: ids, scores and labels, independent of their order.
        scores: (n,) the model's scores, ascending; percentiles refer to these.
        left_out: a line for each kind of unusable item, with its count.
    """

    name: str
    n: int
    digest: str
    scores: tuple[float, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Calibrated:
    """One score on the named scale.

    Attributes:
        value: score on the scale.
        percentile: share of the fitting set's scores that are lower, in percent, equal ones counting half.
        note: set when the score lies outside the fitting set's range, so that ``value`` is that of the nearest end.
    """

    value: float
    percentile: float
    note: str | None = None


@dataclass(frozen=True)
class Calibration:
    """A fitted map.

    Attributes:
        scale: name of the scale, such as ``"KoNViD-1k MOS"``.
        low, high: its ends.
        scores_of: source of the scores, such as ``"nano c7561509aa90, quality"``. The map applies to these alone.
        method: ``"isotonic"``: isotonic regression, linear between its steps; ``"pchip"``: a smooth monotone
            curve through the midpoints of those steps.
        knots: scores, ascending; ``values``: the map at these, non-decreasing.
        fitted_on: the fitting set.
        format: of the file.
    """

    scale: str
    low: float
    high: float
    scores_of: str
    method: Method
    knots: tuple[float, ...]
    values: tuple[float, ...]
    fitted_on: FittingSet
    format: Literal["vqinsight calibration 1"] = _FORMAT

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip(self.knots, self.knots[1:], strict=False))
        sorted_values = all(a <= b for a, b in zip(self.values, self.values[1:], strict=False))
        if len(self.knots) != len(self.values) or len(self.knots) < 2 or not rising or not sorted_values:
            raise ValueError("knots must rise and values must not fall, as many of one as of the other, at least two")
        if len(self.fitted_on.scores) != self.fitted_on.n:
            raise ValueError(f"{len(self.fitted_on.scores)} scores are stored of a fitting set of {self.fitted_on.n}")

    def __call__(self, scores: Sequence[float] | np.ndarray) -> np.ndarray:
        """Scores (n,) on the named scale, (n,); constant outside the fitting set's range.

        Raises:
            UsageError: a score is not a finite number.
        """
        x = np.clip(known(list(scores), "scores"), self.knots[0], self.knots[-1])
        values: np.ndarray = np.interp(x, self.knots, self.values)
        if self.method == "pchip":
            values = PchipInterpolator(self.knots, self.values)(x)
        return values

    def at(self, score: float) -> Calibrated:
        """One score with its percentile, and a note if it lies outside the fitting set's range."""
        value = float(self([score])[0])
        seen = np.array(self.fitted_on.scores)
        below = np.searchsorted(seen, score, "left") + np.searchsorted(seen, score, "right")
        note = None
        if not seen[0] <= score <= seen[-1]:
            where = "below the lowest" if score < seen[0] else "above the highest"
            end = seen[0] if score < seen[0] else seen[-1]
            note = f"{score:g} is {where} score of {self.fitted_on.name} ({end:g}): held at {value:g}"
        return Calibrated(value, float(50 * below / len(seen)), note)

    def save(self, path: str | Path) -> None:
        """Write the map as JSON."""
        write_atomic(Path(path), TypeAdapter(Calibration).dump_json(self, indent=1).decode() + "\n")


def fit_calibration(
    scores: Mapping[str, Number] | Iterable[tuple[str, Number]],
    labels: Mapping[str, float] | Iterable[tuple[str, float]],
    *,
    name: str,
    scale: str,
    low: float,
    high: float,
    scores_of: str,
    method: Method = "isotonic",
) -> Calibration:
    """The least-squares monotone map from scores to labels, each as (id, value) pairs.

    Equal scores become one point at the mean of their labels. ``low`` and ``high`` are the ends of the labels' scale.

    Raises:
        UsageError: as for ``join``; fewer than three items; labels outside the scale; or labels that do not increase
            with the scores.
    """
    joined = join(scores, labels)
    y = known(joined.labels)
    x, said = predicted(joined.predictions, y)
    keep = np.isfinite(x)
    ids = [key for key, kept in zip(joined.ids, keep, strict=True) if kept]
    x, y = x[keep], y[keep]
    if len(x) < FEWEST:
        raise UsageError(f"{name}: only {len(x)} items have a score and a label; a map needs at least {FEWEST}")
    if y.min() < low or y.max() > high:
        raise UsageError(f"{name}: labels from {y.min():g} to {y.max():g} do not fit a scale from {low:g} to {high:g}")
    knots, values = monotone_map(x, y, method)
    if values[0] == values[-1]:
        raise UsageError(f"{name}: the labels do not rise with the scores of {scores_of}: there is nothing to map")
    rows = sorted(zip(ids, x.tolist(), y.tolist(), strict=True))
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    fitted_on = FittingSet(name, len(x), digest, tuple(np.sort(x).tolist()), (*joined.warnings, *said))
    return Calibration(scale, low, high, scores_of, method, tuple(knots.tolist()), tuple(values.tolist()), fitted_on)


def monotone_map(scores: np.ndarray, labels: np.ndarray, method: Method = "isotonic") -> tuple[np.ndarray, np.ndarray]:
    """Knots (k,), ascending, and non-decreasing values (k,) of the least-squares monotone map of scores (n,) to labels
    (n,), finite, n at least 1. All values are equal, k may be 1, where labels do not rise with scores.
    """
    unique, place, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    means = np.bincount(place, weights=labels) / sizes
    fit = isotonic_regression(means, weights=sizes)
    starts, ends = fit.blocks[:-1], fit.blocks[1:]
    if method == "pchip":
        knots = np.add.reduceat(unique * sizes, starts) / np.add.reduceat(sizes, starts)
        values = fit.x[starts]
    else:
        chosen = np.unique(np.concatenate([starts, ends - 1]))
        knots, values = unique[chosen], fit.x[chosen]
    return knots, np.maximum.accumulate(values)


def load_calibration(path: str | Path) -> Calibration:
    """Read a file written by ``save``.

    Raises:
        UsageError: the file does not exist or is no calibration.
    """
    try:
        return TypeAdapter(Calibration).validate_json(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}). Give a file that a calibration was saved to."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{path}: not a calibration: {place}: {first['msg']}. Fit and save it again.") from error
