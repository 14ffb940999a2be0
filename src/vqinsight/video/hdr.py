"""High dynamic range and BT.2020 colours to what a standard display shows, in linear light.

PQ (SMPTE ST 2084) and HLG (BT.2100, at a peak of 1000 cd/m2) are turned into light, BT.2020 primaries into BT.709. The
light is compressed from 1000 to 203 cd/m2 (the white of BT.2408) by the curve of BT.2390, and encoded for a display
with a gamma of 2.4 (BT.1886). What is darker than 84 cd/m2 is not compressed.
"""

from __future__ import annotations

from functools import cache

import numpy as np

TRANSFERS = {16: "PQ", 18: "HLG"}  # H.273: codes of transfer characteristics
BT2020 = 9  # H.273: code of the primaries
WHITE, PEAK = 203.0, 1000.0  # cd/m2
_GAMMA = 2.4
# BT.2087: linear BT.2020 to BT.709.
_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
_LUMA = np.array([0.2627, 0.678, 0.0593], np.float32)  # of BT.2020
_ROWS = 1 << 20  # pixels converted at a time


def pq_light(signal: np.ndarray) -> np.ndarray:
    """ST 2084: signal in [0, 1] to cd/m2."""
    power = np.power(signal, 32 / 2523)
    return 10000 * np.power(np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power), 8192 / 1305)


def pq_signal(light: np.ndarray | float) -> np.ndarray:
    """The inverse of ``pq_light``."""
    power = np.power(np.asarray(light) / 10000, 1305 / 8192)
    return np.power((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power), 2523 / 32)


def hlg_scene(signal: np.ndarray) -> np.ndarray:
    """BT.2100 HLG: signal in [0, 1] to the light of the scene in [0, 1]."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def compressed(light: np.ndarray) -> np.ndarray:
    """BT.2390-11, 5.4.1: light of a display of ``PEAK`` to that of one of ``WHITE`` cd/m2, without lifting blacks."""
    top = pq_signal(PEAK)
    given, most = np.minimum(pq_signal(light) / top, 1), pq_signal(WHITE) / top
    knee = 1.5 * most - 0.5
    t = (given - knee) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    return pq_light(np.where(given < knee, given, spline) * top)


def to_bt709(pixels: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """uint16 (height, width, 3) R'G'B' to uint8 for a standard display.

    Args:
        transfer, primaries: codes of H.273. A transfer that is no key of ``TRANSFERS`` is that of a standard display.
    """
    found = np.empty(pixels.shape, np.uint8)
    rows = max(1, _ROWS // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        light = _light(transfer)[pixels[top : top + rows]]
        if transfer == 18:
            luma = np.maximum(light @ _LUMA, 1e-6)
            light *= PEAK * luma[..., None] ** 0.2
        if primaries == BT2020:
            light = light @ _TO_BT709.T
        np.maximum(light, 0, out=light)
        if transfer in TRANSFERS:
            brightest = np.maximum(light.max(axis=-1), 1e-6)
            given, ratio = _compression()
            light *= (np.interp(brightest, given, ratio) / WHITE).astype(np.float32)[..., None]
        found[top : top + rows] = np.rint(255 * np.power(np.minimum(light, 1), 1 / _GAMMA))
    return found


@cache
def _light(transfer: int) -> np.ndarray:
    """The light of each of the 65,536 values of a signal: float32."""
    signal = np.arange(65536) / 65535
    light = {16: pq_light, 18: hlg_scene}.get(transfer, lambda value: value**_GAMMA)(signal)
    return light.astype(np.float32)


@cache
def _compression() -> tuple[np.ndarray, np.ndarray]:
    """Light, and the factor that ``compressed`` gives it."""
    light = pq_light(np.linspace(0, 1, 2048)[1:])
    return light, compressed(light) / light
