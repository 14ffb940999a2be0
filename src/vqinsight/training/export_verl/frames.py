"""The frames of a clip as PNG files: those that our own trainer shows the model, resized by the same code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from vqinsight.common.files import atomic_path
from vqinsight.errors import UnreadableVideo
from vqinsight.settings.inference import InferenceSettings
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import sample_frames
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.views import overview_frame

_RECORD = "clip.json"


@dataclass(frozen=True)
class ClipFrames:
    """A clip's frames on the disk.

    Attributes:
        kind: what stands for the clip in a prompt.
        folder: of its files.
        indices: frame numbers in the clip, in the order shown; the files are called so.
        width, height: of each file, in pixels.
        fps, total: the clip's frames per second and frames, by which a processor computes times; 0 and 1 for an image.
    """

    kind: Literal["image", "video"]
    folder: str
    indices: tuple[int, ...]
    width: int
    height: int
    fps: float
    total: int

    @property
    def files(self) -> list[str]:
        """Paths of the frames in the order shown; a frame that is shown twice is one file."""
        return [str(Path(self.folder) / _name(index)) for index in self.indices]


def write_all(
    paths: Iterable[str],
    folder: Path,
    look: InferenceSettings,
    spec: PixelSpec,
    workers: int,
    on_done: Callable[[], None],
) -> dict[str, ClipFrames | UnreadableVideo]:
    """Write the frames of clips, each in a folder of its own below ``folder``; what is there already is kept.

    Args:
        workers: clips at once.
        on_done: called after each clip.

    Returns:
        by path the frames, or the error where a clip cannot be read.
    """

    def write(path: str) -> ClipFrames | UnreadableVideo:
        try:
            return _write(path, folder, look, spec)
        except UnreadableVideo as error:
            return error

    def counted(made: Iterator[ClipFrames | UnreadableVideo]) -> Iterator[ClipFrames | UnreadableVideo]:
        for each in made:
            on_done()
            yield each

    names = list(paths)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return dict(zip(names, counted(pool.map(write, names)), strict=True))


def _write(path: str, folder: Path, look: InferenceSettings, spec: PixelSpec) -> ClipFrames:
    place = folder / _key(path, look, spec)
    if not (place / _RECORD).is_file():
        info = probe(path)
        image = info.kind == "image"
        sampling = None if image else sample_frames(look, info.frames, info.times)
        indices = sampling.indices if sampling is not None else (0,)
        # What processors make of them is frames shown / frames of the clip x fps: the rate of our own sampling.
        fps, total = (sampling.source_fps, sampling.source_frames) if sampling is not None else (0.0, 1)
        with atomic_path(place) as part:
            part.mkdir(parents=True)
            for index, frame in iter_frames(info, sorted(set(indices))):
                shown = Image.fromarray(overview_frame(frame, spec).permute(1, 2, 0).numpy())
                shown.save(part / _name(index), "PNG", compress_level=3)
            found = ClipFrames("image" if image else "video", str(place), indices, *shown.size, fps, total)
            (part / _RECORD).write_text(json.dumps(asdict(found)), encoding="utf-8")
    kept = json.loads((place / _RECORD).read_text(encoding="utf-8"))
    return ClipFrames(**(kept | {"indices": tuple(kept["indices"]), "folder": str(place)}))


def _key(path: str, look: InferenceSettings, spec: PixelSpec) -> str:
    """Of the file as it is, and of how it is sampled and resized."""
    try:
        stat = Path(path).stat()
        state = f"{stat.st_size}:{stat.st_mtime_ns}"
    except OSError:
        state = "absent"  # reading it says why
    sampled = look.model_dump_json(include={"fps", "min_frames", "max_frames", "frames"})
    return hashlib.sha256(f"{Path(path).resolve()}\n{state}\n{sampled}\n{spec}".encode()).hexdigest()[:24]


def _name(index: int) -> str:
    return f"{index:06d}.png"
