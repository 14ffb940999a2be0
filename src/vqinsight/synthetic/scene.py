"""Rendering: a background under a moving camera, and coloured shapes that move across the frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from vqinsight.synthetic.camera_motion import AS_IS, Handling, adapt, add_movers, swayed
from vqinsight.synthetic.captions import Facts

_HUES = {"red": 0.0, "yellow": 55.0, "green": 120.0, "cyan": 183.0, "blue": 228.0, "purple": 288.0}
_STEPS = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}
CAMERA_MOVES = ("still", "left", "right", "up", "down", "in")


@dataclass(frozen=True)
class Scene:
    """The description of a clip for rendering.

    Attributes:
        background: uint8 RGB canvas, larger than a frame, over which the camera moves.
        facts: the moving shapes, or ``None`` for a scene without any.
        camera: the camera's motion, one of ``CAMERA_MOVES``.
        width, height: size of a frame in pixels.
        frames: number of frames.
        handling: camera shake, pace, moving objects and cuts.
    """

    background: Image.Image
    facts: Facts | None
    camera: str
    width: int
    height: int
    frames: int
    handling: Handling = AS_IS


def render(scene: Scene, seed: int, at: np.ndarray) -> np.ndarray:
    """Clean frames ``at`` these indices, (n, height, width, 3) uint8 RGB; ``seed`` fixes everything else."""
    rng, handling = np.random.default_rng(seed), scene.handling
    progress = at / max(scene.frames - 1, 1)
    progress = progress - handling.pace * np.sin(2 * np.pi * progress) / (2 * np.pi)
    clip = np.stack([np.asarray(frame) for frame in _camera(scene, at, progress, rng)])
    if scene.facts is not None:
        _draw_shapes(clip, scene.facts, progress, rng)
    own = np.random.default_rng((1, seed))  # without handling the result stays bit-identical
    if handling.cut:
        mirrored = replace(scene, background=scene.background.transpose(Image.Transpose.ROTATE_180))
        other = np.stack([np.asarray(frame) for frame in _camera(mirrored, at, progress, own)])
        clip[at >= handling.cut] = other[at >= handling.cut]
    if handling.movers:
        first = np.zeros(1)
        view = _camera(scene, first, first, np.random.default_rng((2, seed)))[0]
        add_movers(clip, view, handling.movers, at, own)
    return adapt(clip, handling.drift, at, own) if handling.drift else clip


def _camera(scene: Scene, at: np.ndarray, progress: np.ndarray, rng: np.random.Generator) -> list[Image.Image]:
    """Crops of the background along the camera's path, resampled with sub-pixel accuracy."""
    canvas_w, canvas_h = scene.background.size
    travel = rng.uniform(0.12, 0.3) if scene.camera != "still" else 0.0
    zoom = travel if scene.camera == "in" else 0.0
    step_x, step_y = _STEPS.get(scene.camera, (0.0, 0.0))
    # The window keeps the frame's aspect ratio and leaves room for the motion.
    window = min(
        canvas_w / scene.width / (1 + travel * abs(step_x)), canvas_h / scene.height / (1 + travel * abs(step_y))
    )
    scale = rng.uniform(min(0.75 * window, max(1.2, 0.4 * window)), window)
    w, h = scene.width * scale, scene.height * scale
    room_x, room_y = canvas_w - w * (1 + travel * abs(step_x)), canvas_h - h * (1 + travel * abs(step_y))
    x0 = rng.uniform(0, max(room_x, 0)) + (w * travel if step_x < 0 else 0)
    y0 = rng.uniform(0, max(room_y, 0)) + (h * travel if step_y < 0 else 0)
    sway = scene.handling.sway
    hand = swayed(at, rng) * sway * min(w, h) if sway else np.zeros((len(at), 2))
    if scene.camera == "still" and not sway:  # one crop, so that a still background is bit-identical in all frames
        crop = scene.background.resize((scene.width, scene.height), Resampling.BICUBIC, box=_box(x0, y0, w, h, scene))
        return [crop] * len(progress)
    crops = []
    for p, (aside, above) in zip(progress, hand, strict=True):
        shrink = 1 - zoom * p
        x = x0 + p * travel * step_x * w + (1 - shrink) * w / 2 + aside
        y = y0 + p * travel * step_y * h + (1 - shrink) * h / 2 + above
        box = _box(x, y, w * shrink, h * shrink, scene)
        crops.append(scene.background.resize((scene.width, scene.height), Resampling.BICUBIC, box=box))
    return crops


def _box(x: float, y: float, w: float, h: float, scene: Scene) -> tuple[float, float, float, float]:
    canvas_w, canvas_h = scene.background.size
    x, y = min(max(x, 0.0), canvas_w - w), min(max(y, 0.0), canvas_h - h)
    return (max(x, 0.0), max(y, 0.0), min(x + w, canvas_w), min(y + h, canvas_h))


def _draw_shapes(clip: np.ndarray, facts: Facts, progress: np.ndarray, rng: np.random.Generator) -> None:
    """Paint the moving shapes into ``clip`` in place, anti-aliased, along straight paths inside the frame."""
    _, height, width, _ = clip.shape
    short = min(height, width)
    low, high = {1: (0.20, 0.28), 2: (0.17, 0.22), 3: (0.135, 0.158)}[facts.count]
    radius = short * rng.uniform(low, high)
    step = np.array(_STEPS[facts.direction])
    along, across = (width, height) if step[0] else (height, width)
    reach = along - 2 * radius
    distance = reach * rng.uniform(0.45, 0.75)
    lanes = (np.arange(facts.count) + 0.5) / facts.count * across
    slack = max(across / facts.count / 2 - radius, 0.0)
    angle = rng.uniform(-0.25, 0.25)
    tilt = rng.uniform(-1, 1, 2)
    for lane in lanes:
        colour = _colour(facts.colour, rng)
        start = radius + rng.uniform(0, reach - distance)
        side = lane + rng.uniform(-slack, slack)
        for frame, done in zip(clip, progress, strict=True):
            p = start + distance * done
            p = p if step.sum() > 0 else along - p
            centre = (p, side) if step[0] else (side, p)
            _stamp(frame, facts.shape, centre, radius, angle, colour, tilt)


def _colour(name: str, rng: np.random.Generator) -> np.ndarray:
    """(3,) RGB in 0–255 around the named hue."""
    hue = (_HUES[name] + rng.uniform(-9, 9)) % 360 / 60
    saturation, value = rng.uniform(0.75, 1.0), rng.uniform(0.75, 1.0)
    chroma = value * saturation
    second = chroma * (1 - abs(hue % 2 - 1))
    order = [(chroma, second, 0), (second, chroma, 0), (0, chroma, second), (0, second, chroma)]
    order += [(second, 0, chroma), (chroma, 0, second)]
    return 255 * (np.array(order[int(hue)]) + value - chroma)


def _stamp(
    frame: np.ndarray,
    shape: str,
    centre: tuple[float, float],
    radius: float,
    angle: float,
    colour: np.ndarray,
    tilt: np.ndarray,
) -> None:
    height, width, _ = frame.shape
    x0, x1 = max(int(centre[0] - radius) - 2, 0), min(int(centre[0] + radius) + 3, width)
    y0, y1 = max(int(centre[1] - radius) - 2, 0), min(int(centre[1] + radius) + 3, height)
    if x0 >= x1 or y0 >= y1:
        return
    x = (np.arange(x0, x1, dtype=np.float32) - centre[0])[None, :]
    y = (np.arange(y0, y1, dtype=np.float32) - centre[1])[:, None]
    u = x * np.cos(angle) + y * np.sin(angle)
    v = y * np.cos(angle) - x * np.sin(angle)
    alpha = np.clip(0.5 - outline_distance(shape, u, v, radius), 0, 1)[..., None]
    shade = 1 + 0.16 * (tilt[0] * u + tilt[1] * v)[..., None] / radius
    region = frame[y0:y1, x0:x1]
    region[:] = np.clip((1 - alpha) * region + alpha * colour * shade, 0, 255).astype(np.uint8)


def outline_distance(shape: str, u: np.ndarray, v: np.ndarray, radius: float) -> np.ndarray:
    """Approximate signed distance in pixels to the outline, negative inside; every shape fits the circle ``radius``."""
    if shape == "circle":
        return np.hypot(u, v) - 0.95 * radius
    if shape == "square":
        return np.maximum(np.abs(u), np.abs(v)) - 0.8 * radius
    if shape == "triangle":
        slanted = 0.866 * np.abs(u) - 0.5 * (v + 0.2 * radius)
        return np.maximum(slanted - 0.42 * radius, v - 0.65 * radius)
    # A five-pointed star: fold the plane into one arm and measure to its edge.
    theta = np.arctan2(u, -v)
    sector = 2 * np.pi / 5
    theta = np.abs((theta + sector / 2) % sector - sector / 2)
    r = np.hypot(u, v)
    tip, notch = np.array([radius, 0.0]), 0.42 * radius * np.array([np.cos(sector / 2), np.sin(sector / 2)])
    edge = notch - tip
    normal = np.array([edge[1], -edge[0]]) / np.hypot(*edge)
    return (r * np.cos(theta) - tip[0]) * normal[0] + (r * np.sin(theta) - tip[1]) * normal[1]
