"""Defects of rising strength in real contents that no model was trained on.

Within a content and a kind a score should fall as the strength rises: SRCC within each, then the mean; a score that
never moves counts as 0. Kinds are those of ``benchmarks.method.damage``, and two that nano's training does not have.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.method.damage import DEFECTS
from benchmarks.method.measurements import MOVING
from benchmarks.nano.rated_clips import RatedClip, write_near_lossless
from benchmarks.nano.rated_figures import Ridge
from benchmarks.nano.rated_sources import measurements, technical
from benchmarks.nano.rated_systems import Known, as_answers, features, model_systems
from vqinsight.evaluation.metrics.breakdown import within_groups
from vqinsight.synthetic.defects_temporal import Fetch
from vqinsight.video.read import iter_frames, probe

KINDS = {
    "spatial": ("blur", "noise", "jpeg", "posterised", "darkened", "pixelation"),
    "temporal": ("flicker", "shake", "wobble", "frozen", "dropped", "shuffled", "tearing"),
}
NEW = ("pixelation", "tearing")  # not in nano's training
STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)  # of the new kinds; the others have their own five
FPS = 25
SIDE = 270  # frames are scaled to this height first, as strengths are in pixels


def pixelation(frames: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Squares of one colour, 2 to 12 pixels wide."""
    side = round(2 + 10 * severity)
    rows, columns = (np.arange(size) // side * side for size in frames.shape[1:3])
    return frames[:, rows][:, :, columns]


def tearing(fetch: Fetch, total: int, at: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Below a random line the picture is some frames older and shifted sideways, in a share of the frames."""
    frames = fetch(at).copy()
    late = fetch(np.maximum(at - 3, 0))
    torn = rng.random(total) < 0.25 + 0.7 * severity
    lines = rng.uniform(0.2, 0.8, total)
    shift = round(frames.shape[2] * (0.01 + 0.08 * severity))
    for place, index in enumerate(at):
        if torn[index]:
            line = int(lines[index] * frames.shape[1])
            frames[place, line:] = np.roll(late[place, line:], shift, axis=1)
    return frames


def damaged(frames: np.ndarray, kind: str, step: int) -> np.ndarray:
    """Frames, (T, H, W, 3) uint8, with a defect of the given step, 1 to 5; step 0 has none."""
    if step == 0:
        return frames
    rng = np.random.default_rng(0)
    if kind == "pixelation":
        return pixelation(frames, STRENGTHS[step - 1], rng)
    if kind == "tearing":
        return tearing(lambda at: frames[at], len(frames), np.arange(len(frames)), STRENGTHS[step - 1], rng)
    defect = DEFECTS[kind]
    return defect.apply(frames, defect.strengths[step - 1], rng)


def contents(shared: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Stretches of natural and plain footage, at most 270 pixels high, sides even."""
    for name, (start, count) in MOVING.items():
        if name.startswith("generated"):
            continue
        info = probe(shared / "clips" / name)
        frames = (frame for _, frame in iter_frames(info, range(start, min(start + count, info.frames))))
        yield Path(name).stem, np.stack([shrunk(frame) for frame in frames])


def shrunk(frame: np.ndarray) -> np.ndarray:
    """A frame at most ``SIDE`` high."""
    height, width = frame.shape[:2]
    scale = min(1.0, SIDE / height)
    size = (round(width * scale) // 2 * 2, round(height * scale) // 2 * 2)
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))


def ladders(known: Known, shared: Path, ridge: Ridge) -> dict[str, Any]:
    """Mean SRCC within a content, by kind of defect and system, each for spatial, temporal and quality."""
    said: dict[str, dict[str, Any]] = {}
    measured: dict[str, Any] = {}
    scored: dict[str, Any] = {}
    clips: list[RatedClip] = []
    places: list[tuple[str, str, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        for content, frames in contents(shared):
            for kind in (kind for kinds in KINDS.values() for kind in kinds):
                for step in range(6):
                    name = f"{content} {kind} {step}" if step else f"{content} 0"
                    clip = RatedClip(name, Path(folder) / f"{name}.mp4", "", content, {})
                    places.append((content, kind, step))
                    clips.append(clip)
                    if step == 0 and name in measured:
                        continue
                    if known.lacks(name, "ladders"):
                        write_near_lossless(clip.path, damaged(frames, kind, step), FPS)
                    measured |= known.of("measurements", [clip], measurements, "ladders")
                    scored |= known.of("technical", [clip], technical, "ladders")
                    for asked in known.models:
                        said.setdefault(asked.title, {}).update(known.said(asked, [clip], "ladders"))
                    clip.path.unlink(missing_ok=True)
    systems: dict[str, Any] = {}
    for asked in known.models:
        systems |= model_systems(asked, said[asked.title])
    systems["technical score"] = {name: item["scores"] for name, item in scored.items() if "scores" in item}
    every = list({clip.name: clip for clip in clips}.values())
    systems["ridge on measurements"] = as_answers(every, ridge(features(measured, every)))
    return {name: _system(answers, clips, places) for name, answers in systems.items()}


def _system(answers: Any, clips: list[RatedClip], places: list[tuple[str, str, int]]) -> dict[str, Any]:
    rows: dict[str, Callable[[str], bool]] = {
        kind: (lambda other, kind=kind: other == kind)  # type: ignore[misc]
        for kinds in KINDS.values()
        for kind in kinds
    }
    rows |= {family: (lambda other, family=family: other in KINDS[family]) for family in KINDS}  # type: ignore[misc]
    rows["new kinds"] = lambda other: other in NEW
    found: dict[str, Any] = {}
    for row, belongs in rows.items():
        chosen = [(clip, place) for clip, place in zip(clips, places, strict=True) if belongs(place[1])]
        for score in ("spatial", "temporal", "quality"):
            values = [answers.get(clip.name, {}).get(score) for clip, _ in chosen]
            if all(value is None for value in values):
                continue
            labels = [-float(step) for _, (_, _, step) in chosen]
            result = within_groups(values, labels, [f"{content} {kind}" for _, (content, kind, _) in chosen])
            groups = result.groups + result.constant  # a score that never moves has no order: it counts as 0
            found.setdefault(row, {})[score] = {
                "srcc": (result.srcc.value or 0.0) * result.groups / max(groups, 1),
                "groups": groups,
                "constant": result.constant,
                "missing": result.missing,
            }
    return found
