"""Several systems on the same clips, one in memory at a time; what is scored is kept and never scored again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from vqinsight.baselines.base import Baseline, Scorer, Scores
from vqinsight.baselines.catalog import SYSTEMS
from vqinsight.baselines.foreign.system import ForeignSystem
from vqinsight.baselines.frames import FrameScorer, KeptFrames
from vqinsight.baselines.open import open_baseline
from vqinsight.common.journal import Journal
from vqinsight.common.memory import peak_mib, reset_peak
from vqinsight.common.version import __version__
from vqinsight.errors import ModelError, UnreadableVideo, UsageError
from vqinsight.tasks.types import Missing
from vqinsight.video.entries import Entry

TOLD = Callable[[str, int, int], None]  # label, clips done, clips in all


@dataclass(frozen=True)
class Choice:
    """A system with its options, under a label of the user's."""

    label: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ClipResult:
    """What one system says of one clip.

    Attributes:
        scores: value by dimension, or why there is none.
        overall: what the system ranks clips by, ``None`` without scores.
        seconds: wall time, reading included.
    """

    scores: Scores | Missing
    overall: float | None
    seconds: float


@dataclass(frozen=True)
class SystemResult:
    """One system on all clips.

    Attributes:
        choice: which system.
        title: its name for people.
        clips: a result for each clip, in order.
        ranges: lowest and highest possible value by dimension, without unbounded ones.
        digest: of its weights or file; ``None`` where name and options identify it.
        versions: packages of an environment of its own.
        remarks: what a reader of the scores has to know.
        load_seconds: to open it; a foreign system loads with its first clip. ``None`` where all scores were kept.
        peak_mib: the most main memory that the process took while it ran; ``None`` where that is unknown.
    """

    choice: Choice
    title: str
    clips: tuple[ClipResult, ...]
    ranges: Mapping[str, tuple[float, float]]
    digest: str | None
    versions: Mapping[str, str]
    remarks: tuple[str, ...]
    load_seconds: float | None
    peak_mib: int | None

    @property
    def seconds(self) -> float | None:
        """Of a clip in the mean, over clips with scores."""
        spent = [clip.seconds for clip in self.clips if not isinstance(clip.scores, Missing)]
        return sum(spent) / len(spent) if spent else None


def read_choices(systems: str, options: Sequence[tuple[str, Any]]) -> list[Choice]:
    """The systems that a user names.

    Args:
        systems: names separated by commas, each perhaps with a label in front: ``technical,mine=qwen2_5_vl``.
        options: pairs such as ``("mine.model", "runs/stage2/final")``.

    Raises:
        UsageError: an unknown system, one that scores no single clips, a label twice, or an option of none.
    """
    from vqinsight.baselines.open import check_baseline

    found: dict[str, Choice] = {}
    for each in filter(None, (part.strip() for part in systems.split(","))):
        label, _, name = each.rpartition("=")
        label = label or name
        own = {key.partition(".")[2]: value for key, value in options if key.partition(".")[0] == label}
        check_baseline(name, own)
        if not SYSTEMS[name].dimensions:
            raise UsageError(f"{name} scores no single clips, so it cannot stand beside others.")
        if label in found:
            raise UsageError(f"{label} is named twice. Give one a label: {label}2={name}.")
        found[label] = Choice(label, name, own)
    for key, _ in options:
        if key.partition(".")[0] not in found:
            raise UsageError(f"--system-option {key}: write LABEL.KEY=VALUE with one of {', '.join(found)}.")
    if not found:
        raise UsageError("Name the systems: --systems technical,nano.")
    return list(found.values())


def score_all(
    choices: Sequence[Choice], clips: Sequence[Entry], folder: Path, frames: KeptFrames, told: TOLD
) -> Iterator[SystemResult]:
    """Every system on every clip, a result as each is done; a system that fails leaves the others alone.

    Args:
        folder: keeps a journal for each system; its scores of the same clips are reused.
        frames: shares decoded frames among systems that see sampled frames.
    """
    for choice in choices:
        yield _score(choice, clips, folder, frames, told)


def _score(choice: Choice, clips: Sequence[Entry], folder: Path, frames: KeptFrames, told: TOLD) -> SystemResult:
    reset_peak()
    begin = perf_counter()
    try:
        system = open_baseline(choice.name, **choice.options)
    except ModelError as error:
        return _broken(choice, len(clips), str(error))
    load_seconds = perf_counter() - begin
    if isinstance(system, FrameScorer) and system.choose is not None:
        system.read_frames = frames.read
    journal = _journal(folder, choice, system.digest)
    done: list[ClipResult] = []
    scored = False
    ended: str | None = None
    try:
        for number, entry in enumerate(clips, start=1):
            result = _kept(journal, entry)
            if result is None:
                scored = True
                try:
                    result = _one(system, entry) if ended is None else ClipResult(Missing(ended), None, 0.0)
                except ModelError as error:
                    ended = str(error)
                    result = ClipResult(Missing(ended), None, 0.0)
                journal.add(_row(entry, result))
            done.append(result)
            told(choice.label, number, len(clips))
    finally:
        if isinstance(system, ForeignSystem):
            system.close()
    peak = (system.peak_mib or None) if isinstance(system, ForeignSystem) else peak_mib()
    return SystemResult(
        choice,
        SYSTEMS[choice.name].title,
        tuple(done),
        system.ranges,
        system.digest,
        system.versions if isinstance(system, ForeignSystem) else {},
        system.remarks if isinstance(system, Scorer) else (),
        load_seconds if scored else None,
        peak if scored else None,
    )


def _one(system: Baseline, entry: Entry) -> ClipResult:
    if isinstance(entry.source, UnreadableVideo):
        return ClipResult(Missing(str(entry.source)), None, 0.0)
    begin = perf_counter()
    try:
        scores = system.score(entry.source, entry.prompt)
    except UnreadableVideo as error:
        scores = Missing(str(error))
    seconds = perf_counter() - begin
    if isinstance(scores, Missing):
        return ClipResult(scores, None, seconds)
    overall = system.overall(scores) if isinstance(system, Scorer) else sum(scores.values()) / len(scores)
    return ClipResult(scores, overall, seconds)


def _broken(choice: Choice, clips: int, reason: str) -> SystemResult:
    nothing = ClipResult(Missing(reason), None, 0.0)
    return SystemResult(choice, SYSTEMS[choice.name].title, (nothing,) * clips, {}, None, {}, (), None, None)


def _journal(folder: Path, choice: Choice, digest: str | None) -> Journal:
    """The kept scores of one system; those of other options, weights or versions are in files of their own."""
    options = {key: str(value) for key, value in choice.options.items()}
    settings = {"system": choice.name, "options": options, "digest": digest, "version": __version__}
    tag = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=4).hexdigest()
    return Journal(folder / f"{choice.label}-{tag}.jsonl", settings)


def _id(entry: Entry) -> str:
    return f"{entry.id} {entry.revision}"


def _row(entry: Entry, result: ClipResult) -> dict[str, Any]:
    missing = isinstance(result.scores, Missing)
    return {
        "id": _id(entry),
        "path": str(entry.source),
        "prompt": entry.prompt,
        "scores": None if missing else result.scores,
        "reason": result.scores.reason if isinstance(result.scores, Missing) else None,
        "overall": result.overall,
        "seconds": result.seconds,
    }


def _kept(journal: Journal, entry: Entry) -> ClipResult | None:
    """A kept score; what is missing is scored again."""
    row = journal.rows.get(_id(entry))
    if row is None or row["scores"] is None:
        return None
    return ClipResult(row["scores"], row["overall"], row["seconds"])
