"""Decoding given frames of a video file with PyAV."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from itertools import groupby
from typing import Any

import av
import av.error
import av.stream
import numpy as np

from vqinsight.errors import UnreadableVideo
from vqinsight.video.info import COPY_AGAIN, VideoInfo, on_white
from vqinsight.video.truncation import is_container

# Decoders that know exactly which frames no other frame refers to (H.265 marks such frames only within a layer).
SKIPS = frozenset({"h264"})
# A gif is otherwise searched for its rate, up to 5 MB, at each opening; its frames carry their own times.
BRIEF = {"gif": {"probesize": "4096"}}
# FFmpeg's demuxers for text and images, which render a text file as a video of letters.
NOT_VIDEO = frozenset({"tty", "bin", "adf", "idf", "xbin", "image2"})
# Containers that are files of their own. Playlists (hls, concat, dash, sdp) name further files and hosts.
SELF_CONTAINED = "mov,mp4,matroska,webm,avi,gif,apng,flv,asf,ogg,mpeg,mpegts,mpegvideo,h264,hevc,ivf"
_options: ContextVar[Mapping[str, str]] = ContextVar("options", default={})  # noqa: B039 - never changed


@contextmanager
def self_contained_only() -> Iterator[None]:
    """A context in which only ``SELF_CONTAINED`` files are opened, for files of strangers."""
    token = _options.set({"format_whitelist": SELF_CONTAINED, "protocol_whitelist": "file"})
    try:
        yield
    finally:
        _options.reset(token)


@contextmanager
def open_video(path: str, codec: str = "") -> Iterator[Any]:
    """A file's best video stream that is not a cover picture, ready to be decoded.

    Of several it is the one that ffmpeg and players show: the one marked as default, then the largest. ``codec`` is
    given where the file has been probed.

    Raises:
        UnreadableVideo: no video file, no video stream, or a codec that FFmpeg cannot decode.
    """
    try:
        # With "file:" a colon in a name is not parsed as a protocol.
        options = {**_options.get(), **BRIEF.get(codec, {})}
        container = av.open(f"file:{path}", metadata_errors="ignore", options=options)
    except av.error.FFmpegError as error:
        if is_container(path):
            raise UnreadableVideo(path, "truncated or incomplete: its index cannot be found", COPY_AGAIN) from error
        raise _no_video(path) from error
    with container:
        if container.format.name in NOT_VIDEO or container.format.name.endswith("_pipe"):
            raise _no_video(path)
        streams = video_streams(container)
        if not streams:
            sound = "it holds sound but no video" if container.streams.audio else "it holds no video"
            raise UnreadableVideo(path, sound, "Give a file with pictures in it.")
        stream = max(streams, key=_rank)
        if stream.codec_context is None:
            raise UnreadableVideo(path, "its video codec is not supported", "Convert it, for example to H.264 in mp4.")
        # Clips are decoded side by side. More threads for one cost processor time, and each holds frames in memory.
        stream.codec_context.thread_count = 1
        yield stream


def video_streams(container: Any) -> list[Any]:
    """The video streams of a file that are not cover pictures."""
    return [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]


def _rank(stream: Any) -> tuple[bool, bool, int]:
    readable = stream.codec_context is not None
    marked = bool(stream.disposition & av.stream.Disposition.default)
    return readable, marked, stream.width * stream.height if readable else 0


def _no_video(path: str) -> UnreadableVideo:
    remedy = "Give a video (mp4, mov, mkv, webm, gif, avi), an image (png, jpg, webp, bmp, tiff) or a folder of frames."
    return UnreadableVideo(path, "not a video or image file", remedy)


def pictures(stream: Any, key: int | None, stop: set[int], *, seek: bool = False, skip: bool = False) -> Iterator[Any]:
    """Decoded frames in presentation order, from the packet with time stamp ``key`` (``None``: the first).

    Decoding ends after the last packet whose time stamp is in ``stop``, or with the file if ``stop`` is empty. Yields
    nothing if no packet has the time stamp ``key``, as when a container cannot seek there. With ``skip``, frames that
    are not in ``stop`` are decoded only where other frames refer to them.
    """
    if seek:
        try:
            stream.container.seek(key, stream=stream)
        except av.error.FFmpegError:
            return
    unseen = set(stop)
    started = key is None
    for packet in stream.container.demux(stream):
        started = started or packet.pts == key
        if not started or packet.is_corrupt or packet.size == 0:
            continue
        if skip:  # a packet without a time stamp may be the second field of a frame
            needed = packet.pts is None or packet.pts in stop
            stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
        yield from packet.decode()
        unseen.discard(packet.pts)
        if stop and not unseen:
            break
    if started:
        yield from stream.codec_context.decode(None)


def iter_container_frames(info: VideoInfo, wanted: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Decode the frames ``wanted`` (ascending, distinct) of a probed video file; see ``read.iter_frames``."""
    with open_video(info.path, info.codec) as stream:
        if len(info.stamps) == 0:
            yield from _by_counting(stream, info, wanted)
            return
        key_of = np.searchsorted(info.keys, info.stamps[list(wanted)], side="right") - 1
        fresh = True
        for key, run in groupby(zip(key_of.tolist(), wanted, strict=True), key=lambda pair: pair[0]):
            yield from _decode_run(stream, info, key, [index for _, index in run], fresh=fresh and key == 0)
            fresh = False


def _decode_run(
    stream: Any, info: VideoInfo, key: int, run: list[int], *, fresh: bool
) -> Iterator[tuple[int, np.ndarray]]:
    """The wanted frames that share one keyframe (``-1``: those before the first).

    Args:
        fresh: nothing has been read from the stream, and the keyframe is the first: no need to seek.
    """
    pending = deque(run)
    # Some containers cannot seek; and with intra refresh the previous keyframe may be needed.
    for number, here, skip in ((key, key >= 0, info.codec in SKIPS), (key, False, False), (key - 1, False, False)):
        start = int(info.keys[number]) if number >= 0 else None
        stop = {int(info.stamps[index]) for index in pending}
        with nullcontext(stream) if here else open_video(info.path, info.codec) as source:
            try:
                for frame in pictures(source, start, stop, seek=here and not fresh, skip=skip):
                    wanted = int(info.stamps[pending[0]])
                    if skip and frame.interlaced_frame:  # its second field may be a packet that was skipped
                        break
                    if frame.is_corrupt:  # later frames of the run may refer to it
                        raise _damaged(info, pending[0])
                    if frame.pts == wanted:
                        yield pending[0], _rgb(frame, info, pending[0])
                        pending.popleft()
                    if not pending:
                        return
                    if frame.pts is not None and frame.pts > wanted:
                        break
            except av.error.FFmpegError as error:
                raise _damaged(info, pending[0]) from error
    raise _damaged(info, pending[0])


def _by_counting(stream: Any, info: VideoInfo, wanted: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    pending = deque(wanted)
    try:
        for number, frame in enumerate(pictures(stream, None, set())):
            if frame.is_corrupt:
                raise _damaged(info, pending[0])
            if number == pending[0]:
                yield number, _rgb(frame, info, number)
                pending.popleft()
            if not pending:
                return
    except av.error.FFmpegError as error:
        raise _damaged(info, pending[0]) from error
    raise _damaged(info, pending[0])


def _damaged(info: VideoInfo, index: int) -> UnreadableVideo:
    reason = f"the frame at {info.times[index]:.2f} s (number {index}) cannot be decoded; the file is damaged there"
    return UnreadableVideo(info.path, reason, COPY_AGAIN)


def _rgb(frame: Any, info: VideoInfo, index: int) -> np.ndarray:
    """uint8 (height, width, 3) in display orientation."""
    if frame.format.has_palette or (any(part.is_alpha for part in frame.format.components) and not _opaque(frame)):
        pixels = on_white(frame.to_ndarray(format="rgba"))
    else:
        pixels = _packed(frame)
    pixels = oriented(pixels, frame)
    if pixels.shape[:2] != (info.height, info.width):
        height, width = pixels.shape[:2]
        reason = (
            f"the frame size changes from {info.width}x{info.height} to {width}x{height} at {info.times[index]:.2f} s"
        )
        raise UnreadableVideo(info.path, reason, "Cut the file into parts of one size, or convert it.")
    return np.ascontiguousarray(pixels)


def _opaque(frame: Any) -> bool:
    """Whether a frame of four bytes a pixel, as decoded from gif, has no transparent pixel; ``False`` for others."""
    if frame.format.name != "bgra":
        return False
    plane = frame.planes[0]
    pixels = np.frombuffer(plane, "<u4").reshape(-1, plane.line_size // 4)[: frame.height, : frame.width]
    return bool((pixels >= 0xFF000000).all())


def _packed(frame: Any) -> np.ndarray:
    """uint8 (height, width, 3) in the decoder's orientation; without a copy where rows are not padded."""
    packed = frame.reformat(format="rgb24")
    plane = packed.planes[0]
    if packed is frame or plane.line_size != 3 * frame.width:
        return packed.to_ndarray()
    return np.frombuffer(plane, np.uint8)[: 3 * frame.width * frame.height].reshape(frame.height, frame.width, 3)


def oriented(pixels: np.ndarray, frame: Any) -> np.ndarray:
    """Apply the display matrix: rotations by 90 degrees and reflections, as written by phones."""
    side = frame.side_data.get("DISPLAYMATRIX")
    if side is None:
        return pixels
    a, b, _, c, d = np.frombuffer(side, np.int32)[:5].tolist()
    across, down = a, d
    if abs(b) > abs(a):
        pixels = pixels.swapaxes(0, 1)
        across, down = c, b
    if across < 0:
        pixels = pixels[:, ::-1]
    if down < 0:
        pixels = pixels[::-1]
    return pixels
