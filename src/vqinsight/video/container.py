"""Video files: counts frames by their packets, and detects truncated files by their structure."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import av
import av.error
import numpy as np

from vqinsight.errors import UnreadableVideo
from vqinsight.video.decode import alpha_decoder, has_alpha_track, open_video, pictures, video_streams
from vqinsight.video.fields import INTERLACED
from vqinsight.video.info import ASSUMED_FPS, COPY_AGAIN, ON_WHITE, VideoInfo
from vqinsight.video.mp4 import contradictions
from vqinsight.video.rgb import colour_warnings, has_alpha, oriented, upright_rgb
from vqinsight.video.truncation import ends_early

# Containers whose header holds the duration; for others FFmpeg estimates it from the readable part.
PROMISE_SECONDS = frozenset({"matroska,webm", "flv", "asf"})
# Containers with an index, by which the first keyframe is found again; for gif FFmpeg makes one while it reads.
SEEKABLE = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "gif"})
FASTEST = 1000.0  # frames per second above which time stamps are invalid


@dataclass
class _Table:
    """The result of one pass over a file's packets: one entry per complete video packet, in decoding order."""

    stamps: list[int | None] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    last_duration: int = 0
    end: float = 0.0
    damaged: int = 0
    left_out: int = 0  # by an edit list
    broke_off: bool = False


def probe_container(path: str) -> VideoInfo:
    """Count a video file's frames, check that it is complete, and decode its first frame.

    Raises:
        UnreadableVideo: no video stream, a truncated file, or an undecodable first frame.
    """
    with open_video(path) as stream:
        container = stream.container
        table = _read_packets(stream)
        ticks = float(stream.time_base)
        header_fps = float(stream.average_rate or stream.guessed_rate or 0)
        reordered = stream.codec_context.has_b_frames
        codec, layout = stream.codec_context.codec.name, container.format.name
        header_frames = None if layout == "gif" else stream.frames or None  # FFmpeg counts a gif's frames itself
        aspect = stream.sample_aspect_ratio
        dropped = has_alpha_track(stream) and alpha_decoder(stream) is None
        others = len(video_streams(container)) - 1
        seconds = container.duration / av.time_base if container.duration and layout in PROMISE_SECONDS else None
        warnings = _check_whole(path, table, header_frames, seconds, header_fps)
        shown = [stamp for stamp, is_shown in zip(table.stamps, table.shown, strict=True) if is_shown]
        if not shown:
            raise UnreadableVideo(path, "it holds no frame that can be shown", COPY_AGAIN)
        known = [stamp for stamp in shown if stamp is not None]
        key = table.keys[0] if table.keys else None
        first = None
        # While the file is open: opening it again decodes frames to find out what is in it. One packet is enough where
        # none is shown before it.
        if layout in SEEKABLE and key is not None and key == min(known, default=None):
            first = _first_picture(path, stream, key, {key}, seek=True)
    # An avi stores no time stamps: where its frames are reordered, FFmpeg invents some in decoding order.
    made_up = layout == "avi" and reordered and known == sorted(known)
    usable = len(set(known)) == len(shown) and not made_up
    stamps = np.array(sorted(known) if usable else [], np.int64)
    if first is None:
        with open_video(path, codec) as stream:
            first = _first_picture(path, stream, key, set())
    if first is None:
        raise UnreadableVideo(path, "none of its frames can be decoded", COPY_AGAIN)
    if first.pts not in stamps:
        stamps = stamps[:0]
    if len(stamps):
        # Frames before the first decodable one refer to frames that are not in the file.
        lost = int(np.searchsorted(stamps, first.pts))
        stamps = stamps[lost:]
        times = (stamps - stamps[0]) * ticks
        frames = len(stamps)
        if lost:
            warnings.append(f"it starts in mid-stream: the first {lost} frame(s) cannot be decoded and are left out")
    else:
        frames, times = _count_by_decoding(path, ticks)
    fps, duration, times, doubts = _timing(times, frames, table.last_duration * ticks, header_fps, ticks)
    height, width = oriented(np.empty((first.height, first.width, 0)), first).shape[:2]
    if has_alpha(first) and upright_rgb(first)[1]:
        doubts.append(ON_WHITE)
    if dropped:
        doubts.append("its transparency is dropped: FFmpeg lacks the decoder that reads it (libvpx)")
    if first.interlaced_frame:
        doubts.append(INTERLACED)
    if others > 0:
        doubts.append(f"it holds {others + 1} video streams; the one of {width}x{height} that players show is read")
    doubts += colour_warnings(first)
    if aspect and aspect != 1:
        doubts.append(f"its pixels are {aspect.numerator}:{aspect.denominator}, not square; frames are not stretched")
    lies, held = contradictions(path), len(table.stamps)
    if table.left_out:
        doubts.append(f"its edit list leaves out {table.left_out} of its {held} frames")
    if lies and held - frames > max(2, 0.02 * held):
        reason = f"its header is damaged ({'; '.join(lies)}): {frames} of its {held} frames would be shown"
        raise UnreadableVideo(path, reason, COPY_AGAIN)
    doubts += [f"its header contradicts itself: {lie}; its times may be wrong" for lie in lies]
    return VideoInfo(
        path=path,
        kind="video",
        width=width,
        height=height,
        frames=frames,
        header_frames=header_frames,
        fps=fps,
        duration=duration,
        codec=codec,
        times=times,
        warnings=(*warnings, *doubts),
        stamps=stamps,
        keys=np.unique(np.array(table.keys, np.int64)),
        interlaced=first.interlaced_frame,
    )


def _read_packets(stream: Any) -> _Table:
    table = _Table()
    vp8 = stream.codec_context.name == "vp8"
    last_stamp = None
    try:
        for packet in stream.container.demux():
            if packet.dts is None and packet.size == 0:  # PyAV's end mark, one per stream
                continue
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None and not packet.is_corrupt:
                table.end = max(table.end, float((stamp + (packet.duration or 0)) * packet.time_base))
            if packet.stream_index != stream.index:
                continue
            if packet.is_corrupt:
                table.damaged += 1
                continue
            # VP8 stores reference-only frames as separate packets: bit 4 marks them.
            hidden = packet.is_discard or packet.size == 0 or (vp8 and not memoryview(packet)[0] >> 4 & 1)
            table.left_out += packet.is_discard
            table.stamps.append(packet.pts)
            table.shown.append(not hidden)
            if packet.is_keyframe and packet.pts is not None:
                table.keys.append(packet.pts)
            if packet.pts is not None and (last_stamp is None or packet.pts > last_stamp):
                last_stamp, table.last_duration = packet.pts, packet.duration or 0
    except av.error.FFmpegError:
        table.broke_off = True
    return table


def _check_whole(
    path: str, table: _Table, header_frames: int | None, seconds: float | None, header_fps: float
) -> list[str]:
    """Warnings about a file that lacks few frames; a file that lacks more raises."""
    held = len(table.stamps)
    cut = True if table.broke_off else ends_early(path)
    missing, promise, holds = 0, "", f"the file holds {held}"
    if cut is not False:  # a complete file may hold fewer frames than its header counts, where an edit list trims it
        if header_frames:
            missing, promise = header_frames - held, f"the header promises {header_frames} frames"
        elif seconds is not None:
            missing = round((seconds - table.end) * (header_fps or ASSUMED_FPS))
            promise = f"the header promises {seconds:.2f} s, about {held + missing} frames"
            holds = f"the file holds {max(table.end, 0.0):.2f} s, {held} frames"
    if missing > max(2, 0.02 * (held + missing)):
        raise UnreadableVideo(path, f"cut off: {promise}, {holds}", COPY_AGAIN)
    if cut and (not promise or missing < 0):  # a fragmented mp4 may count the frames of its first fragment only
        raise UnreadableVideo(path, f"cut off: it ends inside a frame, after {held} whole frames", COPY_AGAIN)
    warnings = [f"{promise}, {holds}"] if missing > 0 else []
    if table.damaged:
        warnings.append(f"{table.damaged} damaged packet(s) were left out")
    return warnings


def _timing(
    times: np.ndarray | None, frames: int, last: float, header_fps: float, ticks: float
) -> tuple[float, float, np.ndarray, list[str]]:
    """Average rate, duration and times, and warnings about them.

    At a constant rate the time of frame k is k / rate, as the official processors count; a file's stamps are that,
    rounded to its ticks.
    """
    if times is not None and frames > 1:
        span = float(times[-1])
        duration = span + (last if last > 0 else float(np.median(np.diff(times))))
        measured = frames / duration
        if measured <= FASTEST:
            agrees = abs(header_fps - measured) <= 0.02 * measured
            even = np.arange(frames) / header_fps if agrees else times
            constant = bool(np.abs(times - even).max() <= 1.001 * ticks)
            return header_fps if agrees else measured, duration, even if constant else times, []
    if frames == 1 and last >= 1 / FASTEST:
        return 1 / last, last, np.zeros(1), []
    fps = header_fps if 0 < header_fps <= FASTEST else ASSUMED_FPS
    doubt = f"the file has no usable time stamps; assumed {fps:g} frames per second"
    return fps, frames / fps, np.arange(frames) / fps, [doubt]


def _first_picture(path: str, stream: Any, key: int | None, until: set[int], *, seek: bool = False) -> Any:
    """The first frame from the packet with time stamp ``key``; ``None`` where there is none. See ``pictures``."""
    try:
        return next(pictures(stream, key, until, seek=seek), None)
    except av.error.FFmpegError as error:
        raise UnreadableVideo(path, "its first frame is damaged", COPY_AGAIN) from error


def _count_by_decoding(path: str, ticks: float) -> tuple[int, np.ndarray | None]:
    """Frames, and their times if these ascend, of a file whose packets have no usable time stamps."""
    with open_video(path) as stream:
        try:
            stamps = [frame.pts for frame in pictures(stream, None, set())]
        except av.error.FFmpegError as error:
            raise UnreadableVideo(path, "it has no time stamps and a damaged frame", COPY_AGAIN) from error
    if None in stamps or any(b <= a for a, b in pairwise(stamps)):
        return len(stamps), None
    return len(stamps), (np.array(stamps, np.int64) - stamps[0]) * ticks
