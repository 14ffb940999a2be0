"""Systems on rated clips: a model, single measurements, a ridge fit of them, the file, the generator's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.nano.rated_clips import RatedClip
from benchmarks.nano.rated_figures import Answers, Ridge, fit_chosen, left_out
from benchmarks.nano.rated_sources import (
    Model,
    Part,
    Source,
    assessor,
    measurement_version,
    measurements,
    metadata,
    technical,
)
from vqinsight.measure.quantities import QUANTITIES
from vqinsight.weights import ASSESSOR

ORIGINALS = "originals"  # the group of all clips as they are; names differ


@dataclass(frozen=True)
class Asked:
    """A model that is asked, and how it is called in tables."""

    model: str
    evidence: bool | None = None

    @property
    def title(self) -> str:
        """Its folder's name."""
        return Path(self.model).name + (", evidence" if self.evidence else "")

    @property
    def key(self) -> str:
        """Changes with the weights of a folder."""
        folder = ASSESSOR if self.model == "nano" else Path(self.model)
        weights = sha256(self.model.encode())
        for file in sorted(folder.glob("*.safetensors")) if folder.is_dir() else []:
            weights.update(file.read_bytes())
        return f"{Path(self.model).name}-{weights.hexdigest()[:8]}" + ("-evidence" if self.evidence else "")


@dataclass
class Known:
    """Everything that sources say, computed where it is not stored yet."""

    work: Path
    models: Sequence[Asked]
    parts: dict[str, Part] = field(default_factory=dict)

    def of(self, name: str, clips: Sequence[RatedClip], source: Source, group: str) -> dict[str, Any]:
        """Of a source that needs no model."""
        version = "" if name == "metadata" else f"-{measurement_version()}"
        return self._part(f"{name}{version}-{group}").fill(clips, lambda: source)

    def said(self, asked: Asked, clips: Sequence[RatedClip], group: str, control: str = "") -> dict[str, Any]:
        """Of a model."""
        end = f"-{control}" if control else ""

        def make() -> Source:
            return Model(assessor(asked.model, asked.evidence), control, clips)

        return self._part(f"{asked.key}{end}-{group}").fill(clips, make)

    def lacks(self, clip: str, group: str) -> bool:
        """Whether something is not stored yet of a clip of a group whose measurements, technical score and answers of
        all models are wanted.
        """
        names = [
            *(f"{name}-{measurement_version()}" for name in ("measurements", "technical")),
            *(asked.key for asked in self.models),
        ]
        return any(clip not in self._part(f"{name}-{group}").items for name in names)

    def _part(self, name: str) -> Part:
        if name not in self.parts:
            self.parts[name] = Part(self.work / f"{name}.json")
        return self.parts[name]


def answers_of(said: Mapping[str, Any], task: str) -> Answers:
    """A model's scores in one task, with ``quality`` as their visual mean where it is not asked for."""
    found = {}
    for name, tasks in said.items():
        scores = dict(tasks.get(task, {}).get("scores", {}))
        if "quality" not in scores and {"spatial", "temporal"} <= scores.keys():
            scores["quality"] = (scores["spatial"] + scores["temporal"]) / 2
        if scores:
            found[name] = scores
    return found


def model_systems(asked: Asked, said: Mapping[str, Any]) -> dict[str, Answers]:
    """A model as it is asked by default, as for generated clips, and the latter with the prompt."""
    found = {
        asked.title: answers_of(said, "natural"),
        f"{asked.title}, as generated": answers_of(said, "generated"),
    }
    prompted = answers_of(said, "prompted")
    return found | ({f"{asked.title}, from the prompt": prompted} if prompted else {})


def single(measured: Mapping[str, Any], key: str) -> Answers:
    """Less is better, of what is no defect too."""
    return {name: {"quality": -item["values"][key]} for name, item in measured.items() if key in item.get("values", {})}


def features(measured: Mapping[str, Any], clips: Sequence[RatedClip]) -> np.ndarray:
    """(n, quantities), NaN where missing."""
    rows = [measured[clip.name].get("values", {}) for clip in clips]
    return np.array([[row.get(key, np.nan) for key in QUANTITIES] for row in rows])


def targets(clips: Sequence[RatedClip]) -> np.ndarray:
    """(n, 2): static and temporal quality."""
    return np.array([[clip.rating("static"), clip.rating("temporal")] for clip in clips])


def as_answers(clips: Sequence[RatedClip], said: np.ndarray) -> Answers:
    """From (n, 2) spatial and temporal scores."""
    return {
        clip.name: {"spatial": float(s), "temporal": float(t), "quality": float(s + t) / 2}
        for clip, (s, t) in zip(clips, said, strict=True)
    }


def by_generator(clips: Sequence[RatedClip]) -> Answers:
    """The mean ratings of a clip's generator on the other prompts."""
    generators = sorted({clip.generator for clip in clips})
    hot = np.array([[float(clip.generator == name) for name in generators] for clip in clips])

    def fit(x: np.ndarray, y: np.ndarray, _: Sequence[str]) -> Any:
        means = (x.T @ y) / np.maximum(x.sum(0), 1)[:, None]
        return lambda rows: rows @ means

    return as_answers(clips, left_out(hot, targets(clips), [clip.prompt for clip in clips], fit))


def plain_systems(known: Known, clips: Sequence[RatedClip], group: str) -> dict[str, Answers]:
    """Systems without a model that know nothing of ratings."""
    measured = known.of("measurements", clips, measurements, group)
    scored = known.of("technical", clips, technical, group)
    files = known.of("metadata", clips, metadata, group)
    found: dict[str, Answers] = {
        "technical score": {name: item["scores"] for name, item in scored.items() if "scores" in item}
    }
    found |= {key: single(measured, key) for key in QUANTITIES}
    for title, key in (("width x height x frames", "pixels"), ("file size", "bytes"), ("bitrate", "bitrate")):
        held = {name: item.get("scores", {}) for name, item in files.items()}
        found[title] = {name: {"quality": scores[key]} for name, scores in held.items() if key in scores}
    return found


def fit_ridge_on(known: Known, rated: Sequence[RatedClip]) -> Ridge:
    """The ridge fit on all rated clips, for clips of other contents."""
    measured = known.of("measurements", rated, measurements, ORIGINALS)
    return fit_chosen(features(measured, rated), targets(rated), [clip.prompt for clip in rated])
