"""Still images, folders of frames and animated webp, through Pillow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vqinsight.errors import UnreadableVideo
from vqinsight.video.info import ASSUMED_FPS, COPY_AGAIN, VideoInfo, image_files, on_white
from vqinsight.video.truncation import ends_early

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that exchange width and height
# What Pillow raises on damaged images, besides OSError: a broken PNG chunk, a bad TIFF tag, a size beyond its limit.
DAMAGE = (OSError, EOFError, SyntaxError, ValueError, Image.DecompressionBombError)


def probe_image(path: str) -> VideoInfo | None:
    """A still image or an animated webp; ``None`` if ``path`` is something else (animated gif and png are videos).

    Raises:
        UnreadableVideo: a damaged or truncated image.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            codec = (image.format or "").lower()
            moving = codec in ("gif", "png", "webp") and getattr(image, "is_animated", False)
            if moving and codec != "webp":
                return None
            if moving:
                return _probe_webp(path, image)
            height, width = _pixels(image).shape[:2]
    except UnidentifiedImageError:
        return None
    except DAMAGE as error:
        raise _damaged(path, "the image", error) from error
    return VideoInfo(path, "image", width, height, 1, None, 0.0, 0.0, codec, np.zeros(1))


def read_image(path: str) -> np.ndarray:
    """uint8 (height, width, 3) of an image's first picture, with EXIF rotation applied and transparency on white.

    Raises:
        UnreadableVideo: the image is missing, damaged or truncated.
    """
    return _read_file(path, path, "the image")


def probe_folder(path: str, fps: float | None) -> VideoInfo:
    """A folder of images of one size as a clip; only their headers are read.

    Raises:
        UnreadableVideo: no images, images of several sizes, or a file that is no image.
    """
    files = image_files(Path(path))
    if not files:
        remedy = "Give a folder of frames (png, jpg, webp, bmp, tiff), or a pattern such as 'clips/**/*.mp4'."
        raise UnreadableVideo(path, "the folder holds no images", remedy)
    sizes: dict[tuple[int, int], str] = {}
    codec = ""
    for file in files:
        try:
            with Image.open(file, formats=FORMATS) as image:
                codec = codec or (image.format or "").lower()
                # For a png without EXIF at its start, getexif decodes the whole picture to find it.
                has_exif = image.format != "PNG" or "exif" in image.info
                sideways = has_exif and image.getexif().get(0x0112) in SIDEWAYS
                sizes.setdefault(image.size[::-1] if sideways else image.size, file.name)
        except DAMAGE as error:
            raise _damaged(path, file.name, error) from error
    if len(sizes) > 1:
        ((width, height), first), ((other_width, other_height), other) = list(sizes.items())[:2]
        reason = f"its frames differ in size: {first} is {width}x{height}, {other} is {other_width}x{other_height}"
        raise UnreadableVideo(path, reason, "Give frames of one size, or each image by itself.")
    ((width, height),) = sizes
    warnings = () if fps else (f"no frame rate in a folder of frames; assumed {ASSUMED_FPS:g}",)
    rate = fps or ASSUMED_FPS
    count = len(files)
    return VideoInfo(
        path=path,
        kind="frames",
        width=width,
        height=height,
        frames=count,
        header_frames=None,
        fps=rate,
        duration=count / rate,
        codec=codec,
        times=np.arange(count) / rate,
        warnings=warnings,
        files=tuple(str(file) for file in files),
    )


def read_frame_file(info: VideoInfo, index: int) -> np.ndarray:
    """Frame ``index`` of a folder: uint8 (height, width, 3)."""
    file = info.files[index]
    pixels = _read_file(file, info.path, Path(file).name)
    if pixels.shape[:2] != (info.height, info.width):
        reason = f"{Path(file).name} is no longer {info.width}x{info.height}"
        raise UnreadableVideo(info.path, reason, "Do not change the folder while it is read.")
    return pixels


def iter_webp(path: str, wanted: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The frames ``wanted`` (ascending, distinct) of an animated webp."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            for index in wanted:
                image.seek(index)
                yield index, _pixels(image)
    except DAMAGE as error:
        raise _damaged(path, "a frame", error) from error


def _probe_webp(path: str, image: Image.Image) -> VideoInfo:
    frames: int = getattr(image, "n_frames", 1)
    if ends_early(path):
        raise UnreadableVideo(
            path, f"cut off: the header promises {frames} frames, the file ends before them", COPY_AGAIN
        )
    milliseconds = []
    for index in range(frames):
        image.seek(index)
        image.load()
        milliseconds.append(max(1, int(image.info.get("duration") or 1000 / ASSUMED_FPS)))
    ends = np.cumsum(milliseconds) / 1000
    duration = float(ends[-1])
    return VideoInfo(
        path=path,
        kind="video",
        width=image.width,
        height=image.height,
        frames=frames,
        header_frames=frames,
        fps=frames / duration,
        duration=duration,
        codec="webp",
        times=np.concatenate([[0.0], ends[:-1]]),
    )


def _read_file(file: str, path: str, what: str) -> np.ndarray:
    try:
        with Image.open(file, formats=FORMATS) as image:
            return _pixels(image)
    except DAMAGE as error:
        raise _damaged(path, what, error) from error


def _pixels(image: Image.Image) -> np.ndarray:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        gray = np.asarray(image).astype(np.float32) / 257  # Pillow clips 16-bit gray at 255 instead of scaling it
        return np.repeat(np.rint(gray).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode} have no defined white")
    if image.has_transparency_data:
        return np.ascontiguousarray(on_white(np.asarray(image.convert("RGBA"))))
    return np.array(image.convert("RGB"))


def _damaged(path: str, what: str, error: Exception) -> UnreadableVideo:
    if isinstance(error, PermissionError):
        return UnreadableVideo(path, f"no permission to read {what}", "Change its permissions, or copy it.")
    if isinstance(error, FileNotFoundError):
        return UnreadableVideo(path, f"{what} is missing", "Check the path.")
    if isinstance(error, Image.DecompressionBombError):
        return UnreadableVideo(path, f"{what} has too many pixels to be read safely", "Give a smaller image.")
    return UnreadableVideo(path, f"{what} is damaged or cut off ({error})", COPY_AGAIN)
