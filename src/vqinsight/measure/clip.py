"""Measures a clip frame by frame, in one pass and in memory that does not hold the clip."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import replace
from math import nan

import cv2
import numpy as np

from vqinsight.measure import spatial
from vqinsight.measure.flicker import gain
from vqinsight.measure.flow import SMALLEST, Flow, Motion, cell_means, jolt, scaled, unsteadiness
from vqinsight.measure.summary import measured
from vqinsight.measure.types import MeasuredClip
from vqinsight.video.info import VideoInfo, inside_tar
from vqinsight.video.read import iter_frames, probe

_ROWS = (
    *("blur", "noise", "blockiness", "banding", "clipping", "exposure"),  # of each frame
    *(
        "change",
        "change_over_two",
        "moved",
        "speed",
        "inconsistent",
        "change_in_pixels",
        "warping",
        "across",
        "down",
    ),  # of each step
    *("flicker", "unsteadiness", "jitter"),  # of each frame between two steps
)
_MOVED = 0.98  # quantile of cells: small moving objects cover few


class ClipMeter:
    """Takes a clip's frames one after another: ``add`` each, then ``finish``.

    Holds two frames reduced to 130,000 pixels, their optical flow, and 80 bytes for each frame. OpenCV runs on one
    thread from then on: clips are measured side by side.
    """

    def __init__(self, info: VideoInfo) -> None:
        cv2.setNumThreads(1)
        self._info = info
        self._flow = Flow() if min(info.width, info.height) >= SMALLEST else None
        self._times = array("d")
        self._rows = {name: array("f") for name in _ROWS}
        self._small: np.ndarray | None = None
        self._cells: list[np.ndarray] = []  # of the last two frames
        self._motion: Motion | None = None

    def add(self, index: int, time: float, frame: np.ndarray) -> None:
        """Measure the next frame.

        Args:
            index: its number; frames come in order, without gaps.
            time: when it is shown, in seconds.
            frame: (H, W, 3) uint8 RGB, all of one size.

        Raises:
            ValueError: a frame is left out or comes twice.
        """
        if index != len(self._times):
            raise ValueError(f"frame {len(self._times)} comes next, got {index}: every frame is measured, in order")
        self._times.append(time)
        for row in self._rows.values():
            row.append(nan)
        grey = spatial.grey_levels(frame)
        small = scaled(grey)
        self._add_spatial(index, grey, small)
        cells = cell_means(small)
        self._add_steps(index, small, cells)
        self._small = small
        self._cells = [*self._cells[-1:], cells]

    def finish(self) -> MeasuredClip:
        """All measurements of the frames that were added.

        Raises:
            ValueError: none were.
        """
        if not self._times:
            raise ValueError("no frame was added")
        rows = {name: np.array(row, np.float32) for name, row in self._rows.items()}
        return measured(self._info, np.array(self._times), rows)

    def _add_spatial(self, index: int, grey: np.ndarray, small: np.ndarray) -> None:
        if min(grey.shape) < spatial.SMALLEST:
            return
        picture = spatial.without_bars(grey, small)
        crop = spatial.central(picture)
        for name, measure in (
            ("blur", spatial.blur),
            ("noise", spatial.noise),
            ("blockiness", spatial.blockiness),
            ("banding", spatial.banding),
        ):
            self._rows[name][index] = measure(crop)
        thin = spatial.thinned(picture)
        self._rows["clipping"][index] = spatial.clipping(thin)
        self._rows["exposure"][index] = spatial.exposure(thin)

    def _add_steps(self, index: int, small: np.ndarray, cells: np.ndarray) -> None:
        rows = self._rows
        if not self._cells or self._small is None:
            return
        apart = np.abs(cells - self._cells[-1])
        rows["change"][index] = apart.mean()
        rows["moved"][index] = np.quantile(apart, _MOVED)
        if len(self._cells) == 2:
            rows["change_over_two"][index] = np.abs(cells - self._cells[0]).mean()
            rows["flicker"][index - 1] = 100 * gain(self._cells[0], self._cells[1], cells)
        if self._flow is None:
            return
        motion = self._flow.between(self._small, small)
        rows["speed"][index] = motion.speed
        rows["inconsistent"][index] = 100 * motion.inconsistent
        rows["change_in_pixels"][index] = motion.change
        rows["warping"][index] = motion.warping
        rows["across"][index], rows["down"][index] = motion.shift
        if self._motion is not None:
            rows["unsteadiness"][index - 1] = unsteadiness(self._motion, motion)
            rows["jitter"][index - 1] = 100 * jolt(self._motion, motion) / small.shape[1]
        self._motion = motion


def measure_clip(path: str, *, folder_fps: float | None = None) -> MeasuredClip:
    """Measure every frame of a video, an image, a folder of frames, or a clip in a tar.

    Args:
        folder_fps: frames per second of a folder of frames.

    Raises:
        UnreadableVideo: with the file, the reason and the remedy.
    """
    if inside_tar(path) is not None:
        from vqinsight.video.tars import member_file  # only for tars

        with member_file(path) as copy:
            return replace(measure_clip(copy), path=path)
    info = probe(path, folder_fps=folder_fps)
    return measure_frames(info, iter_frames(info, range(info.frames)))


def measure_frames(info: VideoInfo, frames: Iterable[tuple[int, np.ndarray]]) -> MeasuredClip:
    """Measure a probed clip from ``(index, frame)`` of all its frames in order, as ``read.iter_frames`` yields them."""
    meter = ClipMeter(info)
    for index, frame in frames:
        meter.add(index, float(info.times[index]), frame)
    return meter.finish()
