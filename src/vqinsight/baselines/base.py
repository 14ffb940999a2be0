"""The interface of all systems of the tables: score a clip, compare two, and describe the system."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol

from vqinsight.tasks.types import Missing, Preference

State = Literal["runs here", "needs weights", "published numbers only"]
Scores = dict[str, float]


class Baseline(Protocol):
    """A system that judges clips.

    Attributes:
        name: its key in ``catalog.SYSTEMS``.
        ranges: lowest and highest possible value by dimension, without unbounded dimensions.
        digest: of its weights or its file; ``None`` where name and options alone identify it.
    """

    @property
    def name(self) -> str: ...
    @property
    def ranges(self) -> Mapping[str, tuple[float, float]]: ...
    @property
    def digest(self) -> str | None: ...

    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """Value by dimension; higher is better.

        Raises:
            UnreadableVideo: the clip cannot be used.
        """

    def compare(self, a: str, b: str, prompt: str | None = None) -> Preference | Missing:
        """The better of two clips; errors as for ``score``."""


class Scorer(ABC):
    """A baseline that scores single clips and prefers the clip with the higher overall score.

    Attributes:
        remarks: what a reader of its scores has to know, one sentence each.
    """

    name: str
    ranges: Mapping[str, tuple[float, float]]
    digest: str | None = None
    remarks: tuple[str, ...] = ()

    @abstractmethod
    def score(self, path: str, prompt: str | None = None) -> Scores | Missing:
        """See ``Baseline.score``."""

    def overall(self, values: Mapping[str, float]) -> float:
        """The score that decides a comparison: the mean of the dimensions."""
        return sum(values.values()) / len(values)

    def compare(self, a: str, b: str, prompt: str | None = None) -> Preference | Missing:
        """The sign of the margin; 0 is a tie."""
        margin = self.margin(a, b, prompt)
        if isinstance(margin, Missing):
            return margin
        return Preference("A" if margin > 0 else "B" if margin < 0 else "tie")

    def margin(self, a: str, b: str, prompt: str | None = None) -> float | Missing:
        """The first clip's overall score minus the second's; missing where a clip has no score."""
        first, second = self.score(a, prompt), self.score(b, prompt)
        if isinstance(first, Missing):
            return first
        if isinstance(second, Missing):
            return second
        if set(first) != set(second):
            return Missing(f"scored on different dimensions: {sorted(first)} and {sorted(second)}")
        return self.overall(first) - self.overall(second)


@dataclass(frozen=True)
class System:
    """The description of a system.

    Attributes:
        name: key, as on the command line.
        title: as in the paper's tables.
        state: ``runs here`` without downloads; ``needs weights``: the code is included and tested, the weights are not;
            ``published numbers only``: no code, figures are read from a file.
        licence: of code and weights, as their authors state it; "not stated" where none is found.
        source: paper or repository.
        extra: the optional extra to install, or ``None``.
        command: how to get it.
        dimensions: the scored dimensions; empty for a system that only compares.
        note: what is tested, and differences from the original.
        build: constructs it from its options; ``None`` without code.
    """

    name: str
    title: str
    state: State
    licence: str
    source: str
    extra: str | None
    command: str
    dimensions: tuple[str, ...]
    note: str
    build: Callable[..., Baseline] | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "build"}
        return {**plain, "dimensions": list(self.dimensions)}
