"""Checks a download before training: counts, label ranges, and the names of unusable items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vqinsight.datasets import DATASETS, Download, Prompts
from vqinsight.datasets.download import check_choice
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.tasks.types import Example, Preference, Score, Verdict


@dataclass(frozen=True)
class Finding:
    """The result for one split.

    Attributes:
        dataset, split: names.
        questions: usable questions by task, those with unreadable clips excepted; ``prompts`` for texts.
        clips: number of distinct readable clips in these questions.
        labels: lowest and highest score by dimension, or the count of each choice.
        scales: the distinct scales of the scores.
        missing, left_out, notes: as in ``Download``.
        unreadable: clips that exist and cannot be opened, with the reason; empty unless clips are opened.
        absent: why the split cannot be read, else ``None``.
    """

    dataset: str
    split: str
    questions: dict[str, int]
    clips: int
    labels: dict[str, Any]
    scales: tuple[tuple[float, float], ...] = ()
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    absent: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain lists and dicts, for JSON."""
        return asdict(self)


def recognise(place: Path) -> str:
    """The name of the dataset at ``place``.

    Raises:
        UsageError: none is recognised, or more than one is.
    """
    if not place.exists():
        raise UsageError(f"{place}: no such file or folder. Check the path.")
    found = [
        name for name, known in DATASETS.items() if (name == "table") == place.is_file() and known.recognise(place)
    ]
    if len(found) > 1:
        raise UsageError(f"{place} looks like {' and '.join(found)}. Say which with --dataset.")
    if not found:
        signs = "\n".join(f"  {name}: {known.layout}" for name, known in DATASETS.items())
        raise UsageError(f"{place} is not recognised. What each dataset is recognised by:\n{signs}")
    return found[0]


def read_splits(
    place: Path, name: str, split: str | None, options: dict[str, Any]
) -> list[Download | Prompts | Finding]:
    """One split, or all of a dataset; an unreadable split is a ``Finding`` with the reason.

    Raises:
        UsageError: an unknown name or split, an option the dataset does not take, or no split can be read.
    """
    check_choice("dataset", name, list(DATASETS))
    known = DATASETS[name]
    for option in options:
        if option not in known.options:
            takers = ", ".join(other for other, entry in DATASETS.items() if option in entry.options)
            raise UsageError(f"--{option} goes with {takers}, not with {name}.")
    if split is not None:
        return [known.load(place, split, **options)]
    splits = [part for part in known.splits if part != "all"] or ["all"]
    read: list[Download | Prompts | Finding] = []
    errors = []
    for part in splits:
        try:
            read.append(known.load(place, part, **options))
        except UsageError as error:
            errors.append(str(error))
            read.append(Finding(name, part, {}, 0, {}, absent=str(error)))
    if len(errors) == len(splits):
        raise UsageError("\n".join(dict.fromkeys(errors)))
    return read


def clips_of(read: Iterable[Download | Prompts | Finding]) -> list[str]:
    """The distinct clips of the questions."""
    downloads = (part for part in read if isinstance(part, Download))
    return list(dict.fromkeys(clip.path for part in downloads for e in part.examples for clip in e.question.clips))


def open_clips(
    paths: Sequence[str], probe: Callable[[str], Any], on_progress: Callable[[int, int], None]
) -> dict[str, str]:
    """Probe every clip from end to end; returns the unusable ones with the reason."""
    bad: dict[str, str] = {}
    for done, path in enumerate(paths, start=1):
        try:
            probe(path)
        except UnreadableVideo as error:
            bad[path] = str(error)
        on_progress(done, len(paths))
    return bad


def look_over(read: Download | Prompts | Finding, bad: dict[str, str]) -> Finding:
    """The finding for one split without the questions with ``bad`` clips."""
    if isinstance(read, Finding):
        return read
    if isinstance(read, Prompts):
        count = {"prompts": len(read.prompts)} if read.prompts else {}
        return Finding(read.name, "all", count, 0, {}, left_out=read.left_out, notes=read.notes)
    used = [e for e in read.examples if not any(clip.path in bad for clip in e.question.clips)]
    paths = {clip.path for example in used for clip in example.question.clips}
    broken = dict.fromkeys(c.path for e in read.examples for c in e.question.clips if c.path in bad)
    scales = tuple(dict.fromkeys(example.scale for example in used if example.scale is not None))
    return Finding(
        dataset=read.name,
        split=read.split,
        questions=dict(Counter(example.question.task for example in used)),
        clips=len(paths),
        labels=_labels(used),
        scales=scales,
        missing=read.missing,
        left_out=read.left_out,
        unreadable=tuple(bad[path] for path in broken),
        notes=read.notes,
    )


def _labels(examples: Sequence[Example]) -> dict[str, Any]:
    ranges: dict[str, list[float]] = {}
    counts: Counter[str] = Counter()
    for example in examples:
        match example.answer:
            case Score(values):
                for key, value in values.items():
                    low, high = ranges.get(key, [value, value])
                    ranges[key] = [min(low, value), max(high, value)]
            case Preference(choice):
                counts[choice] += 1
            case Verdict(yes):
                counts["yes" if yes else "no"] += 1
    return {**ranges, **dict(sorted(counts.items()))}
