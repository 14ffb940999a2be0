"""What is known of each clip: measurements, a model's answers, the technical score, and the file itself.

A ``Part`` keeps what one source says of each clip in a JSON file, with the CPU seconds it took, so that a run goes on
where it ended. A clip that cannot be read has ``{"missing": reason}``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.nano.rated_clips import RatedClip, digest
from benchmarks.results import ROOT
from vqinsight.assessor.assessor import Assessor
from vqinsight.baselines.technical import Technical
from vqinsight.common.files import write_atomic
from vqinsight.errors import UnreadableVideo
from vqinsight.inference.api import load
from vqinsight.measure.clip import measure_clip
from vqinsight.tasks.types import Clip, Missing, Question
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import ProcessedClip
from vqinsight.video.read import probe
from vqinsight.video.sampling import Sampling
from vqinsight.video.views import Frames, View, ViewBuilder

Source = Callable[[RatedClip], dict[str, Any]]
CONTROLS = {
    "removed": "evidence removed",
    "blanked": "frames blanked",
    "swapped": "another clip's evidence",
}
GREY = 128


class Part:
    """What one source says of the clips of one set.

    Args:
        file: where it is kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        stored: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        self.cpu, self.items = float(stored.get("cpu", 0)), dict[str, Any](stored.get("items", {}))

    def fill(self, clips: Sequence[RatedClip], source: Callable[[], Source]) -> dict[str, dict[str, Any]]:
        """By the clips' names; ``source`` makes what is asked for those that are not kept yet."""
        asked = cache(source)
        for clip in clips:
            if clip.name in self.items:
                continue
            ask, started = asked(), time.process_time()
            try:
                self.items[clip.name] = ask(clip)
            except UnreadableVideo as error:
                self.items[clip.name] = {"missing": str(error)}
            self.cpu += time.process_time() - started
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._file, json.dumps({"cpu": round(self.cpu, 2), "items": self.items}, indent=1) + "\n")
        return {clip.name: self.items[clip.name] for clip in clips}


def measurements(clip: RatedClip) -> dict[str, Any]:
    """Value and severity by quantity; a missing quantity is left out."""
    found = measure_clip(str(clip.path))
    known = {key: each for key, each in found.values.items() if not isinstance(each.value, Missing)}
    return {
        "values": {key: each.value for key, each in known.items()},
        "severities": {key: each.severity for key, each in known.items() if each.severity is not None},
    }


@cache
def measurement_version() -> str:
    """Changes with the code that measures, the technical score's too."""
    source = ROOT / "src" / "vqinsight"
    files = [*sorted((source / "measure").glob("*.py")), source / "baselines" / "technical.py"]
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]


def technical(clip: RatedClip) -> dict[str, Any]:
    """Scores of the signal-based baseline."""
    scores = Technical().score(str(clip.path))
    return {"missing": scores.reason} if isinstance(scores, Missing) else {"scores": scores}


def metadata(clip: RatedClip) -> dict[str, Any]:
    """What a file tells without its pictures."""
    info, size = probe(clip.path), clip.path.stat().st_size
    scores = {"pixels": float(info.width * info.height * info.frames), "bytes": float(size)}
    return {"scores": scores | ({"bitrate": 8 * size / info.duration} if info.duration else {})}


@dataclass(frozen=True)
class GreyViews:
    """The views of another builder when every frame is one grey; itself a ``ViewBuilder``."""

    builder: ViewBuilder

    @property
    def extra(self) -> tuple[str, ...]:
        """See ``ViewBuilder``."""
        return self.builder.extra

    def needed_frames(self, sampling: Sampling) -> tuple[int, ...]:
        """See ``ViewBuilder``."""
        return self.builder.needed_frames(sampling)

    def build(self, frames: Frames, sampling: Sampling, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``."""
        return self.builder.build(((index, np.full_like(frame, GREY)) for index, frame in frames), sampling, spec)

    def build_image(self, image: np.ndarray, spec: PixelSpec) -> tuple[View, ...]:
        """See ``ViewBuilder``."""
        return self.builder.build_image(np.full_like(image, GREY), spec)


@cache
def assessor(model: str, evidence: bool | None) -> Assessor:
    """A model on the CPU, loaded once; arguments as for ``vqinsight.load``."""
    return load(model, evidence=evidence, device="cpu").assessor


class Model:
    """Asks a model about a clip: as natural, as generated, and as generated from its prompt.

    Args:
        assessor: the model.
        control: a key of ``CONTROLS``, or empty.
        others: the clips whose evidence is exchanged.
    """

    def __init__(self, assessor: Assessor, control: str = "", others: Sequence[RatedClip] = ()) -> None:
        self._assessor, self._control = assessor, control
        self._others = sorted(others, key=lambda clip: digest(clip.name))
        views = assessor.clips.views
        self._clips = replace(assessor.clips, views=GreyViews(views) if control == "blanked" else views)

    def __call__(self, clip: RatedClip) -> dict[str, Any]:
        """Scores, text and reasons by task.

        Raises:
            UnreadableVideo: the clip, or the one whose evidence it gets, cannot be read.
        """
        return self.ask(self.shown(clip), clip.prompt)

    def ask(self, shown: ProcessedClip, prompt: str) -> dict[str, Any]:
        """Scores, text and reasons by task, of a clip as it is shown."""
        about = Clip(shown.path)
        asked = {"natural": Question("natural", (about,)), "generated": Question("generated", (about,))}
        if prompt:
            asked["prompted"] = Question("generated", (replace(about, prompt=prompt),))
        encoded = self._assessor.encode(shown)
        replies = self._assessor.ask([(question, (encoded,)) for question in asked.values()])
        found: dict[str, Any] = {}
        for task, (reply,) in zip(asked, replies, strict=True):
            said = reply.value if isinstance(reply.value, dict) else {}
            numbers = {key: value for key, value in said.items() if isinstance(value, int | float)}
            found[task] = {"scores": numbers, "text": reply.text} | (
                {"missing": reply.missing} if reply.missing else {}
            )
        return found

    def shown(self, clip: RatedClip) -> ProcessedClip:
        """The clip as the control wants it."""
        shown = self._clips.load(str(clip.path))
        if self._control == "removed":
            return replace(shown, input=replace(shown.input, evidence=None))
        if self._control == "swapped":
            other = self._clips.load(str(another(clip, self._others).path))
            return replace(shown, input=replace(shown.input, evidence=other.input.evidence))
        return shown


def another(clip: RatedClip, ordered: Sequence[RatedClip]) -> RatedClip:
    """The next clip of another prompt."""
    place = next(number for number, each in enumerate(ordered) if each.name == clip.name)
    return next(each for each in (*ordered[place + 1 :], *ordered) if each.prompt != clip.prompt)
