"""Several systems on the same clips, one in memory at a time; what is scored is kept and never scored again."""

from __future__ import annotations

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
        folder: keeps a file ``LABEL.jsonl`` for each system; scores in it of the same system and clips are reused.
        frames: shares decoded frames among systems that see sampled frames.
    """
    for choice in choices:
        yield _score(choice, clips, folder / f"{choice.label}.jsonl", frames, told)


def _score(choice: Choice, clips: Sequence[Entry], file: Path, frames: KeptFrames, told: TOLD) -> SystemResult:
    reset_peak()
    begin = perf_counter()
    try:
        system = open_baseline(choice.name, **choice.options)
    except ModelError as error:
        return _broken(choice, len(clips), str(error))
    load_seconds = perf_counter() - begin
    if isinstance(system, FrameScorer) and system.choose is not None:
        system.read_frames = frames.read
    kept = _Kept(file, {"system": choice.name, "options": dict(choice.options), "digest": system.digest})
    done: list[ClipResult] = []
    ended: str | None = None
    for number, entry in enumerate(clips, start=1):
        result = kept.get(entry)
        if result is None:
            if ended is None:
                try:
                    result = _one(system, entry)
                except ModelError as error:
                    ended = str(error)
            if result is None:
                result = ClipResult(Missing(ended or ""), None, 0.0)
            kept.add(entry, result)
        done.append(result)
        told(choice.label, number, len(clips))
    versions, peak = {}, peak_mib()
    if isinstance(system, ForeignSystem):
        versions, peak = system.versions, system.peak_mib or None
        system.close()
    remarks = system.remarks if isinstance(system, Scorer) else ()
    return SystemResult(
        choice,
        SYSTEMS[choice.name].title,
        tuple(done),
        system.ranges,
        system.digest,
        versions,
        remarks,
        load_seconds if kept.added else None,
        peak if kept.added else None,
    )


def _one(system: Baseline, entry: Entry) -> ClipResult:
    begin = perf_counter()
    try:
        if isinstance(entry.source, UnreadableVideo):
            raise entry.source
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


class _Kept:
    """The scores of one system in a file of JSON lines, the first of which says what they depend on."""

    def __init__(self, file: Path, about: Mapping[str, Any]) -> None:
        self.added = 0
        self._file = file
        head = {"version": __version__, **about}
        self._rows = _read(file, head)
        if self._rows is None:
            self._rows = {}
            file.write_text(json.dumps(head, default=str) + "\n", encoding="utf-8")

    def get(self, entry: Entry) -> ClipResult | None:
        """A kept score; what is missing is scored again."""
        assert self._rows is not None
        row = self._rows.get(f"{entry.id} {entry.revision}")
        if row is None or row["scores"] is None:
            return None
        return ClipResult(row["scores"], row["overall"], row["seconds"])

    def add(self, entry: Entry, result: ClipResult) -> None:
        """Keep a result, as soon as it is there."""
        self.added += 1
        missing = result.scores if isinstance(result.scores, Missing) else None
        row = {
            "id": f"{entry.id} {entry.revision}",
            "path": str(entry.source),
            "prompt": entry.prompt,
            "scores": None if missing else result.scores,
            "reason": missing.reason if missing else None,
            "overall": result.overall,
            "seconds": result.seconds,
        }
        with self._file.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(row) + "\n")


def _read(file: Path, head: Mapping[str, Any]) -> dict[str, Any] | None:
    """The rows by clip; ``None`` where there are none, or they are of another system, version or options."""
    if not file.is_file():
        return None
    lines = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:  # the last line of a run that was killed
            continue
    if not lines or lines[0] != json.loads(json.dumps(head, default=str)):
        return None
    return {row["id"]: row for row in lines[1:]}
