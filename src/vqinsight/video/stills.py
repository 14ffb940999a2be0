"""Still images, folders of frames, and animated webp and avif, through Pillow."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError, features

from vqinsight.errors import UnreadableVideo
from vqinsight.video.bounds import check_content, check_size
from vqinsight.video.decode import jpeg_error
from vqinsight.video.info import ASSUMED_FPS, COPY_AGAIN, ON_WHITE, VideoInfo, image_files, on_white
from vqinsight.video.truncation import bad_chunk, ends_early

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
ANIMATED = ("webp", "avif")  # animations that Pillow reads; gif and png are read as videos
# Major brands of files of the HEIF family (ISO 23008-12), which FFmpeg reads a tile or a stream of.
AVIF_BRANDS = frozenset({b"avif", b"avis"})
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that exchange width and height
# Transformations of pixels that show an image of that EXIF orientation upright: axes exchanged, then reversed.
UPRIGHT = {2: (False, 1, -1), 3: (False, -1, -1), 4: (False, -1, 1), 5: (True, 1, 1), 6: (True, 1, -1)}
UPRIGHT |= {7: (True, -1, -1), 8: (True, -1, 1)}
_STRIP = 1 << 20  # pixels converted at a time
# ``check_size`` refuses images at a lower limit, with an error; the warning would stand on the terminal before it.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# What Pillow raises on damaged images, besides OSError: a broken PNG chunk, a bad TIFF tag, a bad frame of an avif, a
# size beyond its limit.
DAMAGE = (OSError, EOFError, SyntaxError, ValueError, RuntimeError, Image.DecompressionBombError)


def probe_image(path: str) -> VideoInfo | None:
    """A still image or an animated webp; ``None`` if ``path`` is something else (animated gif and png are videos).

    Raises:
        UnreadableVideo: a damaged or truncated image.
    """
    _refuse_heif(path)
    try:
        with _opened(path, path, "the image") as image:
            codec = (image.format or "").lower()
            moving = codec in ("gif", "png", *ANIMATED) and getattr(image, "is_animated", False)
            if moving and codec not in ANIMATED:
                return None
            if moving:
                return _probe_animation(path, codec, image)
            pixels, clear = _pixels(image, path)
    except UnidentifiedImageError:
        return None
    notes = (ON_WHITE,) if clear else ()
    height, width = pixels.shape[:2]
    return VideoInfo(path, "image", width, height, 1, None, 0.0, 0.0, codec, np.zeros(1), notes)


@contextmanager
def _opened(file: str | Path, path: str, what: str) -> Iterator[Image.Image]:
    """An image whose declared size is one that is read; its pixels are not decoded.

    Args:
        path, what: name the clip and the file in errors.

    Raises:
        UnidentifiedImageError: no image.
        UnreadableVideo: it is damaged, or too large.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            check_content(path, os.fspath(file), (image.format or "").lower(), image.width, image.height)
            check_size(path, image.width, image.height)
            yield image
    except UnidentifiedImageError:
        raise
    except DAMAGE as error:
        raise _damaged(path, what, error) from error


def _refuse_heif(path: str) -> None:
    with Path(path).open("rb") as file:
        start = file.read(12)
    if start[4:8] != b"ftyp":
        return
    if start[8:12] in HEIF_BRANDS:
        raise UnreadableVideo(path, "HEIF and HEIC images are not read", "Convert it, for example to png or jpg.")
    if start[8:12] in AVIF_BRANDS and not features.check("avif"):
        raise UnreadableVideo(path, "this Pillow was built without AVIF", "Install pillow 11.3 or newer.")


def read_image(path: str) -> np.ndarray:
    """uint8 (height, width, 3) of an image's first picture, with EXIF rotation applied and transparency on white.

    Raises:
        UnreadableVideo: the image is missing, damaged or truncated.
    """
    return _read_file(path, path, "the image")[0]


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
            with _opened(file, path, file.name) as image:
                codec = codec or (image.format or "").lower()
                # For a png without EXIF at its start, getexif decodes the whole picture to find it.
                has_exif = image.format != "PNG" or "exif" in image.info
                sideways = has_exif and image.getexif().get(0x0112) in SIDEWAYS
                sizes.setdefault(image.size[::-1] if sideways else image.size, file.name)
        except UnidentifiedImageError as error:
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
    pixels, clear = _read_file(file, info.path, Path(file).name)
    if clear:
        info.noticed[ON_WHITE] = None
    if pixels.shape[:2] != (info.height, info.width):
        reason = f"{Path(file).name} is no longer {info.width}x{info.height}"
        raise UnreadableVideo(info.path, reason, "Do not change the folder while it is read.")
    return pixels


def iter_animation(path: str, wanted: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The frames ``wanted`` (ascending, distinct) of an animated webp or avif."""
    with _opened(path, path, "a frame") as image:
        for index in wanted:
            image.seek(index)
            yield index, _rgb(image)[0]


def _probe_animation(path: str, codec: str, image: Image.Image) -> VideoInfo:
    frames: int = getattr(image, "n_frames", 1)
    if ends_early(path):
        raise UnreadableVideo(
            path, f"cut off: the header promises {frames} frames, the file ends before them", COPY_AGAIN
        )
    milliseconds, clear = [], False
    for index in range(frames):
        image.seek(index)
        image.load()
        milliseconds.append(max(1, int(image.info.get("duration") or 1000 / ASSUMED_FPS)))
        clear = clear or (image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255))
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
        codec=codec,
        times=np.concatenate([[0.0], ends[:-1]]),
        warnings=(ON_WHITE,) if clear else (),
    )


def _read_file(file: str, path: str, what: str) -> tuple[np.ndarray, bool]:
    try:
        with _opened(file, path, what) as image:
            return _pixels(image, file)
    except UnidentifiedImageError as error:
        raise _damaged(path, what, error) from error


def _pixels(image: Image.Image, file: str) -> tuple[np.ndarray, bool]:
    """uint8 (height, width, 3), upright, and whether transparent pixels were composited on white.

    Raises:
        ValueError: damage that Pillow does not report.
    """
    if image.format == "PNG" and (chunk := bad_chunk(file)):
        raise ValueError(f"the checksum of its chunk {chunk} does not fit")
    if image.format == "JPEG" and (error := jpeg_error(file)):
        raise ValueError(error)
    exchanged, down, across = UPRIGHT.get(image.getexif().get(0x0112, 1), (False, 1, 1))
    pixels, clear = _rgb(image)
    if exchanged:
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels[::down, ::across]), clear


def _rgb(image: Image.Image) -> tuple[np.ndarray, bool]:
    """As ``_pixels``, in the orientation of the file. Converted in strips: as a whole it takes several copies."""
    image.load()
    deep = image.mode.startswith("I;16")
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode} have no defined white")
    found, clear = np.empty((image.height, image.width, 3), np.uint8), False
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        part = found[top : top + rows]
        if deep:  # Pillow clips 16-bit gray at 255 instead of scaling it
            part[:] = np.rint(np.asarray(strip).astype(np.float32) / 257)[..., None]
        elif image.has_transparency_data:
            rgba = np.asarray(strip.convert("RGBA"))
            clear = clear or bool(rgba[..., 3].min() < 255)
            part[:] = on_white(rgba)
        else:
            part[:] = np.asarray(strip.convert("RGB"))
    return found, clear


def _damaged(path: str, what: str, error: Exception) -> UnreadableVideo:
    if isinstance(error, PermissionError):
        return UnreadableVideo(path, f"no permission to read {what}", "Change its permissions, or copy it.")
    if isinstance(error, FileNotFoundError):
        return UnreadableVideo(path, f"{what} is missing", "Check the path.")
    if isinstance(error, Image.DecompressionBombError):
        return UnreadableVideo(path, f"{what} has too many pixels to be read safely", "Give a smaller image.")
    return UnreadableVideo(path, f"{what} is damaged or cut off ({error})", COPY_AGAIN)
