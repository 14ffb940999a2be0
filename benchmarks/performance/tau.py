"""Seconds for pairwise figures and correlations: python -m benchmarks.performance.tau [--pairs N] [--items N]."""

from __future__ import annotations

import argparse
import time

import numpy as np

from vqinsight.evaluation.metrics.bootstrap import Bootstrap
from vqinsight.evaluation.metrics.correlation import correlate
from vqinsight.evaluation.metrics.pairwise import best_threshold, score_pairs


def main() -> None:
    """Print seconds for tau_deutsch alone, for all pairwise figures, and for the correlations with intervals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=5_000)
    given = parser.parse_args()
    generator = np.random.default_rng(0)
    humans = generator.integers(-1, 2, given.pairs)
    margins = humans + generator.normal(0, 1, given.pairs)
    labels = generator.uniform(0, 100, given.items)
    scores = labels + generator.normal(0, 20, given.items)

    start = time.perf_counter()
    tau, threshold = best_threshold(humans, margins)
    print(f"tau_deutsch of {given.pairs:,} pairs: {time.perf_counter() - start:.4f} s ({tau:.4f} at {threshold:.4f})")
    bootstrap = Bootstrap()
    start = time.perf_counter()
    score_pairs(margins.tolist(), humans.tolist(), bootstrap=bootstrap)
    spent = time.perf_counter() - start
    print(f"all pairwise figures with intervals from {bootstrap.resamples:,} resamples: {spent:.2f} s")
    start = time.perf_counter()
    correlate(scores.tolist(), labels.tolist(), bootstrap=bootstrap)
    spent = time.perf_counter() - start
    print(f"correlations of {given.items:,} items with intervals from {bootstrap.resamples:,} resamples: {spent:.2f} s")


if __name__ == "__main__":
    main()
