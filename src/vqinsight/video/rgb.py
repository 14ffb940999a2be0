"""RGB pixels of a decoded frame: colours, transparency and orientation."""

from __future__ import annotations

from typing import Any

import numpy as np

from vqinsight.video.hdr import BT2020, TRANSFERS, to_bt709
from vqinsight.video.info import on_white


def upright_rgb(frame: Any) -> tuple[np.ndarray, bool]:
    """uint8 (height, width, 3) in display orientation, and whether transparent pixels were composited on white."""
    clear = has_alpha(frame) and not opaque(frame)
    if clear:
        rgba = frame.to_ndarray(format="rgba")
        clear = bool(rgba[..., 3].min() < 255)
        pixels = on_white(rgba)
    elif frame.color_trc in TRANSFERS or frame.color_primaries == BT2020:
        pixels = to_bt709(frame.to_ndarray(format="rgb48le"), frame.color_trc, frame.color_primaries)
    else:
        pixels = _packed(frame)
    return oriented(pixels, frame), clear


def colour_warnings(frame: Any) -> list[str]:
    """What ``upright_rgb`` does to the colours of such a frame."""
    if has_alpha(frame):
        return []
    if frame.color_trc in TRANSFERS:
        return [f"{TRANSFERS[frame.color_trc]} high dynamic range is tone-mapped to BT.709"]
    return ["BT.2020 colours are converted to BT.709"] if frame.color_primaries == BT2020 else []


def has_alpha(frame: Any) -> bool:
    """Whether the format of a frame can hold transparent pixels."""
    return frame.format.has_palette or any(part.is_alpha for part in frame.format.components)


def opaque(frame: Any) -> bool:
    """Whether a frame of four bytes a pixel, as decoded from gif, has no transparent pixel; ``False`` for others."""
    if frame.format.name != "bgra":
        return False
    plane = frame.planes[0]
    pixels = np.frombuffer(plane, "<u4").reshape(-1, plane.line_size // 4)[: frame.height, : frame.width]
    return bool((pixels >= 0xFF000000).all())


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


def _packed(frame: Any) -> np.ndarray:
    """uint8 (height, width, 3) in the decoder's orientation; without a copy where rows are not padded."""
    packed = frame.reformat(format="rgb24")
    plane = packed.planes[0]
    if packed is frame or plane.line_size != 3 * frame.width:
        return packed.to_ndarray()
    return np.frombuffer(plane, np.uint8)[: 3 * frame.width * frame.height].reshape(frame.height, frame.width, 3)
