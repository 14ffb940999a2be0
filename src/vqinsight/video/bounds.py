"""Sizes of frames that are read, checked on what a file declares, before memory is taken for them."""

from __future__ import annotations

from pathlib import Path

from vqinsight.errors import UnreadableVideo
from vqinsight.video.info import COPY_AGAIN

# Pixels of the largest frame of H.264, H.265 and AV1 (MaxLumaPs of level 6.2): 8192x4352.
MAX_PIXELS = 35_651_584
# Bytes of a frame, where a decoder may hold 17 of them for reference: two decoders then stay below 2 GB.
MAX_REFERENCE_BYTES = 38_000_000
MAX_ASPECT = 200  # as in the official Qwen processors
# A deflate stream expands at most 1032 times; a block of 8x8 pixels of a baseline JPEG takes at least 2 bits.
_DEFLATE = 1032
_JPEG_BLOCKS_PER_BYTE = 4
_SMALLER = "Give it with fewer pixels a frame."


def check_size(path: str, width: int, height: int, most: int = MAX_PIXELS) -> None:
    """Refuse frames that have too many pixels or are too narrow.

    Raises:
        UnreadableVideo: more than ``most`` pixels, none, or one side above ``MAX_ASPECT`` times the other.
    """
    if width < 1 or height < 1:
        reason = f"its frames have no size, or more than {most:,} pixels"
        raise UnreadableVideo(path, reason, COPY_AGAIN)
    if width * height > most:
        reason = f"its frames of {width}x{height} have more than the {most:,} pixels that are read"
        raise UnreadableVideo(path, reason, _SMALLER)
    if max(width, height) > MAX_ASPECT * min(width, height):
        reason = f"its frames of {width}x{height} are too narrow: one side is more than {MAX_ASPECT} times the other"
        raise UnreadableVideo(path, reason, "Crop or scale it to a shape that a person can watch.")


def check_references(path: str, width: int, height: int, bits: int) -> None:
    """Refuse frames of which a decoder that holds 17 of them would take more than 0.7 GB.

    Args:
        bits: of a pixel as decoded.

    Raises:
        UnreadableVideo: too large.
    """
    if width * height * bits > 8 * MAX_REFERENCE_BYTES:
        reason = f"its frames of {width}x{height} take {width * height * bits / 8e6:.0f} MB each when decoded"
        raise UnreadableVideo(path, reason, _SMALLER)


def check_content(path: str, file: str, codec: str, width: int, height: int) -> None:
    """Refuse a PNG or JPEG that is too short for the pixels that its header declares.

    Args:
        path: names the clip in the error.
        file: whose size counts.
        codec: Pillow's name of the format, lower case.

    Raises:
        UnreadableVideo: it is too short.
    """
    size = Path(file).stat().st_size
    most = {"png": size * _DEFLATE * 8, "jpeg": size * _JPEG_BLOCKS_PER_BYTE * 64}.get(codec)
    if most is not None and width * height > most:
        raise UnreadableVideo(path, f"damaged: its {size} bytes cannot hold {width}x{height} pixels", COPY_AGAIN)
