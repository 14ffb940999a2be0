"""How close a clip is to its reference: PSNR and SSIM of luma, frame by frame, and VMAF where ffmpeg has it.

Luma is Y of ITU-R BT.601 with 8 bits (16 to 235), as most video files hold it, computed from RGB.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.measure.types import Moment
from vqinsight.video.info import VideoInfo, inside_tar
from vqinsight.video.read import iter_frames, probe

_PEAK = 255.0
_LUMA = np.array([[65.481, 128.553, 24.966, 16 * 255]], np.float32) / 255  # of R, G, B and 1
_WINDOW, _SIGMA = 11, 1.5  # pixels, of the Gaussian of Wang et al. 2004
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
_APART = 0.25  # of the shorter interval between frames: frames that far apart are not of one time


@dataclass(frozen=True)
class Fidelity:
    """A clip against its reference.

    Attributes:
        reference: as given.
        psnr: dB, of the mean squared error of luma over all pixels of all compared frames; infinite where no pixel
            differs.
        ssim: mean over the compared frames, 1 for equal ones.
        vmaf: mean over the frames that ffmpeg compares, 0 to 100, or ``None`` where it was not asked for.
        frames: how many frames were compared.
        unmatched: frames of the clip without a frame of the reference at their time.
        lowest: the compared frame with the lowest PSNR.
    """

    reference: str
    psnr: float
    ssim: float
    vmaf: float | None
    frames: int
    unmatched: int
    lowest: Moment

    @property
    def identical(self) -> bool:
        """Whether no pixel of luma differs."""
        return math.isinf(self.psnr)


def compare_with_reference(
    path: str, reference: str, *, folder_fps: float | None = None, vmaf: bool = False
) -> Fidelity:
    """Compare each frame of a clip with the frame of the reference that is shown at the same time.

    Times count from the first frame of each. Memory holds two frames, independent of the clips' length.

    Args:
        folder_fps: frame rate of folders of frames.
        vmaf: also run ffmpeg's VMAF.

    Raises:
        UnreadableVideo: one of them cannot be read; or they cannot be compared: sizes differ, a side is below 11
            pixels, or no frames are shown at the same time.
        UsageError: ``vmaf`` without a program that has it.
    """
    with ExitStack() as files:
        names = [_as_file(each, files) for each in (path, reference)]
        clip, other = (probe(name, folder_fps=folder_fps) for name in names)
        _check_comparable(path, clip, reference, other)
        mine, theirs = same_time(clip.times, other.times)
        if not len(mine):
            raise UnreadableVideo(path, f"none of its frames is shown at the time of one of {reference}", _ALIGN)
        errors, similar = [], []
        pairs = zip(iter_frames(clip, mine.tolist()), iter_frames(other, theirs.tolist()), strict=True)
        for (_, frame), (_, wanted) in pairs:
            a, b = luma(frame), luma(wanted)
            errors.append(mean_squared_error(a, b))
            similar.append(ssim(a, b))
        worst = int(np.argmax(errors))
        start = float(clip.times[mine[worst]])
        following = clip.times[mine[worst] + 1 :]
        return Fidelity(
            reference=reference,
            psnr=psnr(float(np.mean(errors))),
            ssim=float(np.mean(similar)),
            vmaf=_vmaf(path, names, (clip, other)) if vmaf else None,
            frames=len(mine),
            unmatched=clip.frames - len(mine),
            lowest=Moment(start, float(following[0]) if len(following) else clip.duration, psnr(errors[worst])),
        )


_ALIGN = "Give the reference of this very clip, from the same first frame on."


def _as_file(path: str, files: ExitStack) -> str:
    if inside_tar(path) is None:
        return path
    from vqinsight.video.tars import member_file  # only for tars

    return files.enter_context(member_file(path))


def _check_comparable(path: str, clip: VideoInfo, reference: str, other: VideoInfo) -> None:
    if (clip.width, clip.height) != (other.width, other.height):
        sizes = f"its frames are {clip.width}x{clip.height}, those of {reference} {other.width}x{other.height}"
        raise UnreadableVideo(path, sizes, "Scale one of them first: how it is scaled changes the values.")
    if min(clip.width, clip.height) < _WINDOW:
        raise UnreadableVideo(path, f"SSIM takes {_WINDOW} pixels a side", "Give larger frames.")


def same_time(times: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the frames of two clips that are shown at the same time, in order, each at most once.

    Times are the same where they differ by at most a quarter of the shorter of the two usual intervals.

    Args:
        times, others: ascending seconds, at least one each.
    """
    intervals = [float(np.median(np.diff(each))) for each in (times, others) if len(each) > 1]
    after = np.searchsorted(others, times).clip(1, max(len(others) - 1, 1))
    before = after - 1
    after = after.clip(max=len(others) - 1)
    nearest = np.where(times - others[before] <= others[after] - times, before, after)
    close = np.flatnonzero(np.abs(others[nearest] - times) <= _APART * min(intervals, default=1.0))
    _, first = np.unique(nearest[close], return_index=True)
    mine: np.ndarray = close[first]
    return mine, nearest[mine]


def luma(frame: np.ndarray) -> np.ndarray:
    """(H, W) uint8 of a (H, W, 3) uint8 RGB frame."""
    found: np.ndarray = cv2.transform(frame, _LUMA)
    return found.reshape(frame.shape[:2])


def mean_squared_error(a: np.ndarray, b: np.ndarray) -> float:
    """Of two (H, W) uint8 planes, in squared levels."""
    apart = a.astype(np.float32) - b
    return float(np.square(apart).mean(dtype=np.float64))


def psnr(error: float) -> float:
    """Peak signal-to-noise ratio in dB of a mean squared error: 10 log10(255² / error); infinite for 0."""
    return math.inf if error == 0 else 10 * math.log10(_PEAK**2 / error)


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity of two (H, W) uint8 planes, at least 11 pixels a side.

    After Wang, Bovik, Sheikh and Simoncelli 2004: a Gaussian window of 11×11 pixels with sigma 1.5, K1 = 0.01,
    K2 = 0.03, L = 255, where the window lies inside the frame, at full resolution.
    """
    x, y = a.astype(np.float32), b.astype(np.float32)
    mean_x, mean_y = _smooth(x), _smooth(y)
    var_x, var_y = _smooth(x * x) - mean_x * mean_x, _smooth(y * y) - mean_y * mean_y
    cov = _smooth(x * y) - mean_x * mean_y
    map_HW = ((2 * mean_x * mean_y + _C1) * (2 * cov + _C2)) / (
        (mean_x * mean_x + mean_y * mean_y + _C1) * (var_x + var_y + _C2)
    )
    return float(map_HW.mean(dtype=np.float64))


def _smooth(plane: np.ndarray) -> np.ndarray:
    edge = _WINDOW // 2
    found: np.ndarray = cv2.GaussianBlur(plane, (_WINDOW, _WINDOW), _SIGMA)
    return found[edge:-edge, edge:-edge]


@cache
def vmaf_program() -> str:
    """The ``ffmpeg`` program that has libvmaf.

    Raises:
        UsageError: there is none; the message says what to install.
    """
    program = shutil.which("ffmpeg")
    filters = [program, "-hide_banner", "-filters"]
    if program is not None:
        listed = subprocess.run(filters, capture_output=True, text=True, check=False)  # type: ignore[arg-type]
        if " libvmaf " in listed.stdout:
            return program
    lacks = "there is no ffmpeg on PATH" if program is None else f"{program} has no libvmaf"
    raise UsageError(
        f"--vmaf runs an ffmpeg program with libvmaf, and {lacks}. Install a static build, as linked from "
        "https://ffmpeg.org/download.html, and put it first on PATH; or leave out --vmaf."
    )


def _vmaf(path: str, files: list[str], infos: tuple[VideoInfo, ...]) -> float:
    program = vmaf_program()
    if any(info.kind == "frames" for info in infos):
        reason = "VMAF takes files, not folders of frames"
        raise UnreadableVideo(path, reason, "Encode the frames, or leave out --vmaf.")
    same = "setpts=PTS-STARTPTS,format=yuv420p"
    with tempfile.TemporaryDirectory(prefix="vqinsight-") as folder:
        log = "vmaf.json"
        graph = f"[0:v]{same}[a];[1:v]{same}[b];[a][b]libvmaf=log_fmt=json:log_path={log}"
        inputs = [part for each in files for part in ("-i", f"file:{Path(each).absolute()}")]
        command = [program, "-nostdin", "-v", "error", *inputs, "-lavfi", graph, "-f", "null", "-"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode or not Path(folder, log).exists():
            said = (done.stderr.strip().splitlines() or ["no message"])[-1]
            reason = f"{program} computed no VMAF ({said})"
            raise UnreadableVideo(path, reason, "Try the two files with ffmpeg, or leave out --vmaf.")
        pooled = json.loads(Path(folder, log).read_text(encoding="utf-8"))["pooled_metrics"]
    return float(pooled["vmaf"]["mean"])
