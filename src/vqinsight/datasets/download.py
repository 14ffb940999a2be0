"""The result of reading a download: labelled questions, and the names of everything left out."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vqinsight.errors import UsageError
from vqinsight.tasks.types import Clip, Example


@dataclass(frozen=True)
class Download:
    """One split of a labelled download.

    Attributes:
        name, split: of the dataset.
        examples: questions whose clips all exist, in the order of the labels, with unique ids.
        missing: clips that the labels name and that do not exist, each once, as written. A label without its clip
            yields no example.
        left_out: unusable label rows: file, line and reason.
        notes: remarks: how the split is made, what is chosen, which duplicates are dropped.
    """

    name: str
    split: str
    examples: tuple[Example, ...]
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prompts:
    """Prompts to generate clips from, without labels.

    Attributes:
        name: of the dataset.
        prompts: the texts, each once.
        left_out, notes: as in ``Download``.
    """

    name: str
    prompts: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class BadRow(Exception):
    """An unusable label row; the text says why. Loaders record it and continue with the next row."""


class Tray:
    """Collects examples, and what is left out, while a loader reads the labels.

    An id that occurs again with the same question and answer is kept once; with different ones, all its rows are left
    out.
    """

    def __init__(self, name: str, split: str) -> None:
        self.name, self.split = name, split
        self._kept: dict[str, tuple[Example, str]] = {}
        self._contradicted: set[str] = set()
        self._missing: dict[str, None] = {}
        self._left_out: list[str] = []
        self._repeated = 0

    def clips(self, wanted: Sequence[tuple[str, Path | None]], prompt: str | None = None) -> tuple[Clip, ...] | None:
        """The clips of one question; ``None``, with the missing ones recorded, unless all exist.

        Args:
            wanted: for each clip its name in the labels and its file, or ``None``.
            prompt: the text they were generated from.
        """
        self._missing.update((label, None) for label, place in wanted if place is None)
        found = [place for _, place in wanted if place is not None]
        return tuple(Clip(str(place), prompt) for place in found) if len(found) == len(wanted) else None

    def add(self, example: Example, where: str) -> None:
        """Add an example; ``where`` is the file and line of its label."""
        before = self._kept.get(example.id)
        if example.id in self._contradicted:
            self.leave_out(where, f"{example.id} stands in several rows that differ")
        elif before is None:
            self._kept[example.id] = (example, where)
        elif before[0] == example:
            self._repeated += 1
        else:
            self._contradicted.add(example.id)
            del self._kept[example.id]
            for place in (before[1], where):
                self.leave_out(place, f"{example.id} stands in several rows that differ")

    def leave_out(self, where: str, why: str) -> None:
        """Record an unusable label row."""
        self._left_out.append(f"{where}: {why}")

    def done(self, *notes: str) -> Download:
        """Everything collected."""
        again = (f"{self._repeated} label rows repeat another exactly and count once",) if self._repeated else ()
        examples = tuple(example for example, _ in self._kept.values())
        return Download(self.name, self.split, examples, tuple(self._missing), tuple(self._left_out), (*notes, *again))


def check_scale(scale: tuple[float, float] | None) -> None:
    """Refuse a scale whose ends are not in order.

    Raises:
        UsageError: they are not.
    """
    if scale is not None and not (math.isfinite(scale[0]) and math.isfinite(scale[1]) and scale[0] < scale[1]):
        raise UsageError(f"A scale goes from its lowest to its highest score, got {scale[0]:g} to {scale[1]:g}.")


def check_choice(what: str, value: str, known: Sequence[str]) -> None:
    """Refuse a value that is not in ``known``.

    Raises:
        UsageError: the message names the nearest and all the others.
    """
    if value not in known:
        nearest = difflib.get_close_matches(value, known, n=1, cutoff=0.0)[0]
        raise UsageError(f"{what} {value!r} is unknown: did you mean {nearest!r}? Known: {', '.join(known)}")
