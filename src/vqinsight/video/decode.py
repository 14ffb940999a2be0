"""Decoding given frames of a video file with PyAV."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import av.error
import av.stream
import numpy as np

from vqinsight.errors import UnreadableVideo
from vqinsight.video.bounds import MAX_PIXELS, check_references, check_size
from vqinsight.video.fields import INTERLACED, deinterlaced_frames
from vqinsight.video.info import COPY_AGAIN, ON_WHITE, VideoInfo
from vqinsight.video.rgb import upright_rgb
from vqinsight.video.truncation import is_container

# Decoders that know exactly which frames no other frame refers to (H.265 marks such frames only within a layer).
SKIPS = frozenset({"h264"})
# Frames beyond the limit are refused before they are allocated; what a decoder detects is an error, never concealed.
DECODING = {"max_pixels": str(MAX_PIXELS), "err_detect": "crccheck+bitstream+buffer+explode"}
FEW_REFERENCES = frozenset({"gif", "apng"})  # codecs whose frames refer to the one before at most
# FFmpeg's own decoders of VP8 and VP9 leave the alpha channel out.
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
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
        options = {**DECODING, **_options.get(), **BRIEF.get(codec, {})}
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
        context = stream.codec_context
        check_size(path, context.width, context.height)
        if context.format is not None and not context.codec.intra_only and context.name not in FEW_REFERENCES:
            check_references(path, context.width, context.height, context.format.bits_per_pixel)
        context.options = DECODING
        # Clips are decoded side by side. More threads for one cost processor time, and each holds frames in memory.
        context.thread_count = 1
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
    decoder = alpha_decoder(stream) or stream.codec_context
    started = key is None
    for packet in stream.container.demux(stream):
        started = started or packet.pts == key
        if not started or packet.is_corrupt or packet.size == 0:
            continue
        if skip:  # a packet without a time stamp may be the second field of a frame
            needed = packet.pts is None or packet.pts in stop
            decoder.skip_frame = "DEFAULT" if needed else "NONREF"
        try:
            yield from decoder.decode(packet)
        except av.error.FFmpegError:
            # Frames shown before the keyframe (of an open GOP) may refer to frames before it, which were not read.
            if key is None or packet.pts is None or packet.pts >= key:
                raise
        unseen.discard(packet.pts)
        if stop and not unseen:
            break
    if started:
        yield from decoder.decode(None)


def has_alpha_track(stream: Any) -> bool:
    """Whether a WebM or Matroska track says that it has an alpha channel."""
    return stream.metadata.get("alpha_mode") == "1" and stream.codec_context.name in ALPHA_DECODERS


def alpha_decoder(stream: Any) -> Any:
    """A new decoder for a stream with an alpha channel; ``None`` where it has none or FFmpeg was built without it."""
    name = ALPHA_DECODERS.get(stream.codec_context.name, "")
    if not has_alpha_track(stream) or name not in av.codecs_available:
        return None
    decoder = av.CodecContext.create(name, "r")
    decoder.extradata, decoder.thread_count = stream.codec_context.extradata, 1
    return decoder


def iter_container_frames(info: VideoInfo, wanted: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Decode the frames ``wanted`` (ascending, distinct) of a probed video file; see ``read.iter_frames``."""
    read = partial(_decoded, info)
    frames = deinterlaced_frames(wanted, info.frames, read) if info.interlaced else read(wanted)
    for index, frame in frames:
        if frame.interlaced_frame and not info.interlaced:  # one among others
            info.noticed[INTERLACED] = None
            ((_, frame),) = deinterlaced_frames([index], info.frames, read)
        yield index, _rgb(frame, info, index)


def _decoded(info: VideoInfo, wanted: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """The frames ``wanted`` (ascending, distinct) as decoded."""
    with open_video(info.path, info.codec) as stream:
        if len(info.stamps) == 0:
            yield from _by_counting(stream, info, wanted)
            return
        key_of = np.searchsorted(info.keys, info.stamps[list(wanted)], side="right") - 1
        fresh = True
        for key, run in groupby(zip(key_of.tolist(), wanted, strict=True), key=lambda pair: pair[0]):
            yield from _decode_run(stream, info, key, [index for _, index in run], fresh=fresh and key == 0)
            fresh = False


def _decode_run(stream: Any, info: VideoInfo, key: int, run: list[int], *, fresh: bool) -> Iterator[tuple[int, Any]]:
    """The wanted frames that share one keyframe (``-1``: those before the first).

    Args:
        fresh: nothing has been read from the stream, and the keyframe is the first: no need to seek.
    """
    pending = deque(run)
    # Some containers cannot seek; and with intra refresh earlier keyframes may be needed.
    places = (
        (key, key >= 0, info.codec in SKIPS and not info.interlaced),
        (key, False, False),
        (key - 1, False, False),
    )
    for number, here, skip in (*places, (-1, False, False)):
        last = number < 0
        start = int(info.keys[number]) if number >= 0 else None
        stop = {int(info.stamps[index]) for index in pending}
        with nullcontext(stream) if here else open_video(info.path, info.codec) as source:
            try:
                for frame in pictures(source, start, stop, seek=here and not fresh, skip=skip):
                    wanted = int(info.stamps[pending[0]])
                    if skip and frame.interlaced_frame:  # its second field may be a packet that was skipped
                        break
                    if frame.is_corrupt:  # later frames of the run may refer to it
                        break
                    if frame.pts == wanted:
                        yield pending[0], frame
                        pending.popleft()
                    if not pending:
                        return
                    if frame.pts is not None and frame.pts > wanted:
                        break
            except av.error.FFmpegError as error:
                if last:
                    raise _damaged(info, pending[0]) from error
        if last:
            break
    raise _damaged(info, pending[0])


def _by_counting(stream: Any, info: VideoInfo, wanted: Sequence[int]) -> Iterator[tuple[int, Any]]:
    pending = deque(wanted)
    try:
        for number, frame in enumerate(pictures(stream, None, set())):
            if frame.is_corrupt:
                raise _damaged(info, pending[0])
            if number == pending[0]:
                yield number, frame
                pending.popleft()
            if not pending:
                return
    except av.error.FFmpegError as error:
        raise _damaged(info, pending[0]) from error
    raise _damaged(info, pending[0])


def jpeg_error(path: str) -> str | None:
    """What FFmpeg finds damaged in a JPEG, whose missing parts libjpeg fills with gray; ``None`` for nothing."""
    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.options, decoder.thread_count = DECODING, 1
    try:
        found = [*decoder.decode(av.Packet(Path(path).read_bytes())), *decoder.decode(None)]
    except (av.error.PatchWelcomeError, MemoryError):  # a kind of JPEG that FFmpeg does not decode
        return None
    except av.error.FFmpegError:
        return "its pixels do not decode"
    return None if found else "it holds no picture"


def _damaged(info: VideoInfo, index: int) -> UnreadableVideo:
    reason = f"the frame at {info.times[index]:.2f} s (number {index}) cannot be decoded; the file is damaged there"
    return UnreadableVideo(info.path, reason, COPY_AGAIN)


def _rgb(frame: Any, info: VideoInfo, index: int) -> np.ndarray:
    """uint8 (height, width, 3) in display orientation."""
    pixels, clear = upright_rgb(frame)
    if clear:
        info.noticed[ON_WHITE] = None
    if pixels.shape[:2] != (info.height, info.width):
        height, width = pixels.shape[:2]
        reason = (
            f"the frame size changes from {info.width}x{info.height} to {width}x{height} at {info.times[index]:.2f} s"
        )
        raise UnreadableVideo(info.path, reason, "Cut the file into parts of one size, or convert it.")
    return np.ascontiguousarray(pixels)
