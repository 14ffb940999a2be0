"""Joins predictions and labels by id; unusable items are counted and named.

A prediction is a finite number or missing: ``None``, ``Missing``, NaN and infinity are all "no usable answer". A label
that is not a finite number is an error in the label file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from vqinsight.errors import UsageError
from vqinsight.tasks.types import Missing, Score

P = TypeVar("P")
L = TypeVar("L")
Number = float | Missing | None  # a predicted score, or none
_NAMED = 3  # ids listed in a message
_LARGEST = 1e100  # squares of larger numbers overflow


@dataclass(frozen=True)
class Joined(Generic[P, L]):
    """Predictions and labels of the same items, in the order of the labels.

    Attributes:
        ids, predictions, labels: parallel, one entry for each id that has both.
        without_label: ids with a prediction only.
        without_prediction: ids with a label only.
    """

    ids: tuple[str, ...]
    predictions: tuple[P, ...]
    labels: tuple[L, ...]
    without_label: tuple[str, ...]
    without_prediction: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each side that has unmatched ids."""
        said = []
        if self.without_label:
            said.append(f"predictions without a label, left out: {_list(self.without_label)}")
        if self.without_prediction:
            said.append(f"labels without a prediction, left out: {_list(self.without_prediction)}")
        return tuple(said)


def join(
    predictions: Mapping[str, P] | Iterable[tuple[str, P]], labels: Mapping[str, L] | Iterable[tuple[str, L]]
) -> Joined[P, L]:
    """Join two lists of (id, value) on the id.

    Raises:
        UsageError: an id occurs twice on one side, or the two sides have no id in common.
    """
    predicted, known = _unique(predictions, "predictions"), _unique(labels, "labels")
    both = [key for key in known if key in predicted]
    if not both:
        examples = f"{_list(tuple(predicted))}; {_list(tuple(known))}"
        raise UsageError(f"no prediction has a label: the ids differ (predictions, then labels: {examples})")
    return Joined(
        tuple(both),
        tuple(predicted[key] for key in both),
        tuple(known[key] for key in both),
        tuple(key for key in predicted if key not in known),
        tuple(key for key in known if key not in predicted),
    )


def columns(answers: Sequence[Score | Missing | None], keys: Sequence[str]) -> dict[str, list[float | None]]:
    """One list per dimension from one answer per row; ``None`` where an answer lacks the dimension."""
    return {key: [a.values.get(key) if isinstance(a, Score) else None for a in answers] for key in keys}


def known(labels: Sequence[float], what: str = "labels") -> np.ndarray:
    """(n,) float64 labels.

    Raises:
        UsageError: a label is not a finite number.
    """
    bad = [place for place, label in enumerate(labels) if label is None or not abs(label) < _LARGEST]
    if bad:
        places = _list(tuple(str(place) for place in bad))
        raise UsageError(f"{what} that are not finite numbers, by position from 0: {places}. Correct the label file.")
    return np.asarray(labels, np.float64)


def predicted(predictions: Sequence[Number], labels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """(n,) float64 predictions, NaN where missing, and a line about each kind of missing.

    Raises:
        UsageError: there are more or fewer predictions than ``labels``.
    """
    if len(predictions) != len(labels):
        raise UsageError(f"{len(predictions)} predictions for {len(labels)} labels: join them by id first")
    empty = np.array([value is None or isinstance(value, Missing) for value in predictions], bool)
    values = np.array([np.nan if none else value for value, none in zip(predictions, empty, strict=True)], np.float64)
    broken = ~empty & ~(np.abs(values) < _LARGEST)
    values[broken] = np.nan
    n, said = len(values), []
    if empty.any():
        said.append(f"{int(empty.sum())} of {n} predictions are missing")
    if broken.any():
        first = int(np.argmax(broken))
        said.append(
            f"{int(broken.sum())} of {n} predictions are NaN or infinite and count as missing (first at {first})"
        )
    return values, tuple(said)


def _unique(items: Mapping[str, P] | Iterable[tuple[str, P]], what: str) -> dict[str, P]:
    pairs = list(items.items() if isinstance(items, Mapping) else items)
    twice = tuple(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    if twice:
        raise UsageError(f"ids that stand more than once among the {what}: {_list(twice)}. Each item needs one row.")
    return dict(pairs)


def _list(ids: tuple[str, ...]) -> str:
    """``"5 (a, b, c, …)"``: the count, then the first few."""
    more = ", …" if len(ids) > _NAMED else ""
    return f"{len(ids)} ({', '.join(ids[:_NAMED])}{more})" if ids else "0"
