"""The trivial reference for comparisons: it always prefers the first clip."""

from __future__ import annotations

from collections.abc import Mapping

from vqinsight.baselines.base import Scores
from vqinsight.tasks.types import Missing, Preference


class AlwaysA:
    """Always answers A. Its accuracy is the share of pairs whose label is A."""

    name = "always_a"
    ranges: Mapping[str, tuple[float, float]] = {}
    digest = None

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:  # noqa: ARG002
        """Missing: it cannot score a single clip."""
        return Missing("always A only compares")

    def compare(self, a: str, b: str, prompt: str | None = None) -> Preference | Missing:  # noqa: ARG002
        """A."""
        return Preference("A")
