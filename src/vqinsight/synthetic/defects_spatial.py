"""Spatial defects: damage visible in a single frame.

Every function takes ``frames`` (T, H, W, 3) uint8 RGB of any origin, a ``severity`` in (0, 1] and a random generator,
and returns new frames of the same shape. Severity 0.1 is just visible, 1 is severe. Strengths are in native
pixels.
"""

from __future__ import annotations

import io

import av
import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling

from vqinsight.video.write import SAME_BYTES, encode


def blur(frames: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Loss of detail: a Gaussian, or the softness of an upscaled low resolution; 0.6 to 4 pixels."""
    sigma = 0.45 + 3.5 * severity**1.2
    return _gaussian(frames, sigma) if rng.random() < 0.6 else _upscaled(frames, 1.0 + 1.7 * sigma)


def _gaussian(frames: np.ndarray, sigma: float) -> np.ndarray:
    height, width = frames.shape[1:3]
    pixels = torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2).float()
    blurred = _smoother(height, sigma) @ pixels @ _smoother(width, sigma).T
    return blurred.round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()


def _smoother(size: int, sigma: float) -> torch.Tensor:
    """(size, size) matrix that smooths one axis; as a product it is five times faster on a CPU than a convolution."""
    place = torch.arange(size, dtype=torch.float32)
    weights = torch.exp(-0.5 * ((place[:, None] - place[None, :]) / sigma) ** 2)
    return weights / weights.sum(1, keepdim=True)


def _upscaled(frames: np.ndarray, factor: float) -> np.ndarray:
    height, width = frames.shape[1:3]
    small = (max(2, round(width / factor)), max(2, round(height / factor)))

    def soften(frame: np.ndarray) -> np.ndarray:
        shrunk = Image.fromarray(frame).resize(small, Resampling.BOX)
        return np.asarray(shrunk.resize((width, height), Resampling.BICUBIC))

    return np.stack([soften(frame) for frame in frames])


def noise(frames: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Sensor noise, new in every frame: Gaussian in luminance or in colour, deviation 4 to 46 of 255."""
    deviation = 4 + 42 * severity**1.3
    channels = 3 if rng.random() < 0.5 else 1
    grain = rng.standard_normal((*frames.shape[:3], channels), dtype=np.float32) * deviation
    return np.clip(np.rint(frames + grain), 0, 255).astype(np.uint8)


def compression(frames: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Blocking and smearing by a real round trip through H.264 or JPEG at a low bit rate."""
    if rng.random() < 0.5 and len(frames) > 1:
        return h264_round_trip(frames, crf=31 + 20 * severity)
    quality = max(1, round(26 - 24 * severity**0.6))
    return np.stack([jpeg(frame, quality) for frame in frames])


def jpeg(frame: np.ndarray, quality: int) -> np.ndarray:
    """A round trip through JPEG at ``quality`` 1 to 95; (H, W, 3) uint8 RGB."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as image:
        return np.asarray(image.convert("RGB"))


def h264_round_trip(frames: np.ndarray, crf: float, fps: int = 24) -> np.ndarray:
    """Encode to H.264 in memory at constant rate factor ``crf`` (0–51, larger is worse) and decode again."""
    count, height, width, _ = frames.shape
    even = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    buffer = io.BytesIO()
    encode(buffer, even, fps, {**SAME_BYTES, "crf": f"{crf:.1f}", "preset": "veryfast"})
    buffer.seek(0)
    with av.open(buffer) as container:
        decoded = [frame.to_ndarray(format="rgb24")[:height, :width] for frame in container.decode(video=0)]
    if len(decoded) != count:
        raise RuntimeError(f"H.264 round trip returned {len(decoded)} of {count} frames")
    return np.stack(decoded)


def banding(frames: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Too few grey levels: 18 per channel down to 3."""
    levels = 3 + 15 * (1 - severity) ** 1.6
    scaled = frames.astype(np.float32) * ((levels - 1) / 255)
    return np.clip(np.round(scaled) * (255 / (levels - 1)), 0, 255).astype(np.uint8)


def exposure(frames: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Too dark or too bright by 0.5 to 2.4 stops, clipped as a camera clips."""
    stops = (0.35 + 2.0 * severity) * rng.choice((-1, 1))
    linear = (np.arange(256) / 255) ** 2.2 * 2**stops
    table = np.clip(255 * linear ** (1 / 2.2), 0, 255).round().astype(np.uint8)
    return table[frames]


SPATIAL = {"blur": blur, "noise": noise, "compression": compression, "banding": banding, "exposure": exposure}
