"""The bootstrap: confidence intervals by resampling items.

A resample of n items is stored as counts of the items. A ``Statistic`` takes the counts of many resamples at once,
(n, B), and returns a value for each, (B,), NaN where it is undefined. The items are sorted once, not once per resample,
so a thousand resamples of thousands of items take about a second.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13 (percentile intervals); drawing whole
groups is the cluster bootstrap, for items that are not independent (the clips of one prompt).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqinsight.errors import UsageError

Statistic = Callable[[np.ndarray], np.ndarray]
_CHUNK = 100  # resamples at a time; bounds memory, changes no result


@dataclass(frozen=True)
class Bootstrap:
    """Settings of intervals.

    Attributes:
        resamples: number of resamples.
        level: the share of resamples inside an interval, strictly between 0 and 1.
        seed: fixes the draws. The same seed and number of items give the same draws for every statistic.
    """

    resamples: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 1 or not 0 < self.level < 1:
            raise UsageError(f"{self}: resamples must be at least 1 and the level between 0 and 1")


DEFAULT = Bootstrap()


@dataclass(frozen=True)
class Interval:
    """A percentile interval.

    Attributes:
        low, high: its ends.
        level: the share of resamples inside.
        resamples: their number.
        undefined: number of resamples without a value (all items drawn are equal); they are left out.
    """

    low: float
    high: float
    level: float
    resamples: int
    undefined: int = 0


@dataclass(frozen=True)
class Measure:
    """A figure with its interval. ``None``: undefined (constant input, no items), never 0."""

    value: float | None
    interval: Interval | None = None


@dataclass(frozen=True)
class Difference:
    """Two systems measured on the same items.

    Attributes:
        metric: name of the metric.
        n: items measured.
        missing: of scores, the items left out because one system has none; of pairs, the missing answers of both
            systems together, which count as ties.
        first, second: the figure of each system.
        difference: first minus second; the interval is of the paired bootstrap: each resample measures both.
        warnings: remarks on the figures.
    """

    metric: str
    n: int
    missing: int
    first: float | None
    second: float | None
    difference: Measure
    warnings: tuple[str, ...] = ()


def draws(n: int, bootstrap: Bootstrap, clusters: Sequence[Hashable] | None = None) -> Iterator[np.ndarray]:
    """Counts of all resamples in chunks of shape (n, up to 100), float64.

    Args:
        clusters: (n,) the group of each item; whole groups are then drawn, as many as there are.

    Raises:
        UsageError: ``clusters`` has another length, or fewer than two groups.
    """
    names = list(range(n)) if clusters is None else list(clusters)
    if len(names) != n:
        raise UsageError(f"{len(names)} groups for {n} items: give each item its group")
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    if clusters is not None and len(number) < 2:
        raise UsageError("a bootstrap over groups needs at least two groups")
    member = np.array([number[name] for name in names], np.intp)
    generator, groups = np.random.default_rng(bootstrap.seed), len(number)
    for start in range(0, bootstrap.resamples, _CHUNK):
        size = min(_CHUNK, bootstrap.resamples - start)
        drawn = generator.integers(0, groups, (size, groups))
        flat = (drawn + groups * np.arange(size)[:, None]).ravel()
        counts = np.bincount(flat, minlength=size * groups).reshape(size, groups)
        yield np.ascontiguousarray(counts.T[member], np.float64)


def resample(
    statistics: Mapping[str, Statistic],
    n: int,
    bootstrap: Bootstrap,
    clusters: Sequence[Hashable] | None = None,
) -> dict[str, np.ndarray]:
    """Every statistic on the same resamples: (resamples,) values each, in the order drawn, NaN where undefined."""
    pieces: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for counts in draws(n, bootstrap, clusters):
        for name, statistic in statistics.items():
            pieces[name].append(statistic(counts))
    return {name: np.concatenate(values) for name, values in pieces.items()}


def percentile_interval(values: np.ndarray, level: float) -> Interval | None:
    """The interval that leaves (1 - level) / 2 of the defined values on either side; ``None`` if none is defined."""
    defined = values[np.isfinite(values)]
    if len(defined) == 0:
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, len(values), len(values) - len(defined))


def point(statistic: Statistic, n: int) -> float | None:
    """The statistic of the items themselves, each counted once."""
    value = float(statistic(np.ones((n, 1)))[0])
    return value if np.isfinite(value) else None


def paired(
    first: Statistic, second: Statistic, n: int, bootstrap: Bootstrap | None, clusters: Sequence[Hashable] | None = None
) -> tuple[float | None, float | None, Measure]:
    """Both figures and the difference first minus second with its paired interval."""
    one, two = point(first, n), point(second, n)
    if one is None or two is None:
        return one, two, Measure(None)
    interval = None
    if bootstrap is not None:
        values = resample({"first": first, "second": second}, n, bootstrap, clusters)
        interval = percentile_interval(values["first"] - values["second"], bootstrap.level)
    return one, two, Measure(one - two, interval)


def share(counted: np.ndarray, among: np.ndarray) -> Statistic:
    """Sum of ``counted`` over sum of ``among``, both (n,); undefined where the latter is 0."""
    both = np.stack([counted, among]).astype(np.float64)

    def statistic(counts: np.ndarray) -> np.ndarray:
        top, bottom = both @ counts
        values: np.ndarray = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom != 0)
        return values

    return statistic


def mean(values: np.ndarray) -> Statistic:
    """The mean of ``values``, (n,)."""
    return share(values, np.ones(len(values)))
