"""The four-parameter logistic of quality assessment, from predictions to mean opinion scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.special import expit

_EVALUATIONS = 10_000
_TINY = 1e-300


@dataclass(frozen=True)
class Logistic:
    """f(x) = b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|)).

    Attributes:
        b1, b2: the right and left asymptotes.
        b3: the midpoint.
        b4: width of the rise, in units of the predictions.
        settled: whether the least-squares fit converged.
    """

    b1: float
    b2: float
    b3: float
    b4: float
    settled: bool = True

    @property
    def falling(self) -> bool:
        """Whether larger predictions are mapped to smaller labels."""
        return self.b1 < self.b2

    def __call__(self, x: Sequence[float] | np.ndarray) -> np.ndarray:
        """Predictions (n,) on the scale of the labels (n,)."""
        return _curve(np.array([self.b1, self.b2, self.b3, self.b4]), np.asarray(x, np.float64))


def fit_logistic(predictions: np.ndarray, labels: np.ndarray) -> Logistic:
    """Least squares from the customary start: largest label, smallest label, mean prediction, 0.5.

    With predictions on a wide scale that start is a step function, a local minimum. A logistic approximates any
    straight line, so a fit worse than the best line has failed: it is repeated with a start width of a quarter of the
    predictions' standard deviation, and the better fit is kept.

    Args:
        predictions, labels: (n,) finite, n at least 4, neither constant.

    Source: VQEG, Final report on the validation of objective models of video quality assessment, phase II (2003).
    """
    start = [labels.max(), labels.min(), predictions.mean(), 0.5]
    fitted, error = _fit(predictions, labels, start)
    line = np.polynomial.Polynomial.fit(predictions, labels, 1)
    if error > np.square(labels - line(predictions)).sum() * (1 + 1e-6):
        again, smaller = _fit(predictions, labels, [*start[:3], predictions.std() / 4])
        fitted = again if smaller < error else fitted
    return fitted


def _fit(x: np.ndarray, y: np.ndarray, start: list[float]) -> tuple[Logistic, float]:
    """The fit from one start, and its sum of squared errors."""
    found = least_squares(lambda b: _curve(b, x) - y, start, method="lm", max_nfev=_EVALUATIONS)
    b1, b2, b3, b4 = found.x.tolist()
    return Logistic(b1, b2, b3, b4, settled=bool(found.status > 0)), float(2 * found.cost)


def _curve(b: np.ndarray, x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # far from a step the quotient is infinite and the curve flat
        values: np.ndarray = b[1] + (b[0] - b[1]) * expit((x - b[2]) / max(abs(b[3]), _TINY))
    return values
