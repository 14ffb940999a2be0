"""Backgrounds: procedural textures with detail at every scale. ``HELD_OUT`` kinds are never trained on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from vqinsight.synthetic import photos

_FIELD = 1024  # side of the shared noise fields, in pixels


@cache
def _noise_field(index: int) -> np.ndarray:
    """A fixed (1024, 1024) float32 field with the 1/f^beta spectrum of natural images, zero mean, unit deviation."""
    rng = np.random.default_rng(1000 + index)
    beta = (0.8, 1.1, 1.4, 1.8)[index % 4]
    fy = np.fft.fftfreq(_FIELD)[:, None]
    fx = np.fft.rfftfreq(_FIELD)[None, :]
    frequency = np.maximum(np.hypot(fy, fx), 1.0 / _FIELD)
    phase = rng.uniform(0, 2 * np.pi, frequency.shape)
    field = np.fft.irfft2(np.exp(1j * phase) / frequency**beta, s=(_FIELD, _FIELD))
    return ((field - field.mean()) / field.std()).astype(np.float32)


def noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """(height, width) float32 natural-looking noise, unit deviation: a random flip and crop of a shared field."""
    field = _noise_field(int(rng.integers(12)))
    y, x = rng.integers(_FIELD - height + 1), rng.integers(_FIELD - width + 1)
    crop = field[y : y + height, x : x + width]
    return crop[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]


def _palette(rng: np.random.Generator, n: int) -> np.ndarray:
    """(n, 3) muted colours in [0, 1]: objects stay recognisable because they alone are saturated."""
    grey = rng.uniform(0.15, 0.85, (n, 1))
    return np.clip(grey + rng.uniform(-0.14, 0.14, (n, 3)), 0.03, 0.97).astype(np.float32)


# The least grain of pictures with hard edges, which blur and compression destroy: below nothing every third time, for a
# denoiser leaves a wall bare.
_MAYBE = -0.05


def _grain(image: np.ndarray, rng: np.random.Generator, least: float = 0.03) -> np.ndarray:
    """Add fine luminance texture, so that blur and compression have something to destroy; none where it is below 0."""
    height, width = image.shape[:2]
    return image + max(0.0, rng.uniform(least, 0.1)) * noise(rng, height, width)[..., None]


def _canvas(rng: np.random.Generator, height: int, width: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    colour = _fill(_palette(rng, 1)[0])
    image = Image.new("RGB", (width, height), colour)
    return image, ImageDraw.Draw(image)


def _fill(colour: np.ndarray) -> tuple[int, ...]:
    """A colour in [0, 1] as PIL takes it."""
    return tuple(int(255 * c) for c in colour)


def _to_float(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float32) / 255.0


def _mix(weight: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return low + weight[..., None] * (high - low)


def clouds(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Soft noise between two colours."""
    low, high = _palette(rng, 2)
    weight = 1 / (1 + np.exp(-rng.uniform(1.0, 2.5) * noise(rng, height, width)))
    return _grain(_mix(weight, low, high), rng)


def leaves(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Dead leaves: ellipses of all sizes covering each other, the classical model of natural image statistics."""
    image, draw = _canvas(rng, height, width)
    for colour in _palette(rng, 160):
        radius = 0.5 * height * (0.03 + 0.4 * rng.random() ** 3)
        stretch = rng.uniform(0.5, 2.0)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        box = (x - radius * stretch, y - radius, x + radius * stretch, y + radius)
        draw.ellipse(box, fill=_fill(colour))
    return _grain(_to_float(image), rng, _MAYBE)


def tiles(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A grid of rectangles of different colours."""
    image, draw = _canvas(rng, height, width)
    step_x, step_y = (int(height * rng.uniform(0.06, 0.25)) for _ in range(2))
    palette = _palette(rng, 24)
    for y in range(0, height, step_y):
        for x in range(0, width, step_x):
            colour = palette[rng.integers(len(palette))]
            draw.rectangle((x, y, x + step_x, y + step_y), fill=_fill(colour))
    return _grain(_to_float(image), rng, _MAYBE)


def stripes(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Oblique bands, soft or sharp."""
    low, high = _palette(rng, 2)
    angle, period = rng.uniform(0, np.pi), height * rng.uniform(0.05, 0.3)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period + rng.uniform(0, 2 * np.pi))
    weight = 1 / (1 + np.exp(-rng.uniform(1.5, 12) * wave))
    return _grain(_mix(weight, low, high), rng)


def _ramp(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A smooth ramp between four corner colours."""
    corners = _palette(rng, 4)
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    return (1 - y) * ((1 - x) * corners[0] + x * corners[1]) + y * ((1 - x) * corners[2] + x * corners[3])


def gradient(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A ramp as skies and walls are, bare every third time."""
    return _grain(_ramp(rng, height, width), rng, _MAYBE)


def hills(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """(height, width) float32: a smooth landscape of unit deviation, some hills high and wide."""
    places = rng.standard_normal((int(rng.integers(3, 12)), int(rng.integers(3, 12)))).astype(np.float32)
    return np.asarray(Image.fromarray(places).resize((width, height), Image.Resampling.BICUBIC))


def skies(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A bare sky behind sharp things: foliage below, poles and wires before it.

    Where nothing is flat but what banding has flattened, every clean sky is taken for a banded one.
    """
    image = Image.fromarray((np.clip(_ramp(rng, height, width), 0, 1) * 255).round().astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for colour in _palette(rng, int(rng.integers(0, 14))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        lean, reach = rng.normal(0, 0.1 if rng.random() < 0.7 else 1.5), height * rng.uniform(0.2, 1)
        draw.line((x, y, x + lean * reach, y + reach), fill=_fill(colour * 0.6), width=int(rng.integers(1, 9)))
    low, high = _palette(rng, 2)
    leafy = _mix(1 / (1 + np.exp(-2.5 * noise(rng, height, width))), low, high)
    horizon = np.linspace(-3, 3, height, dtype=np.float32)[:, None] - rng.uniform(-1.5, 4)
    ragged = hills(rng, height, width) + rng.uniform(0, 0.6) * noise(rng, height, width)
    below = (ragged + horizon > 0)[..., None]
    return np.where(below, leafy, _to_float(image))


def terraces(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Flat areas of a few colours that are much alike, as of drawings, maps and painted walls.

    They look like banding but for their steps, which follow no common ladder.
    """
    colours = np.clip(_palette(rng, 1) + rng.uniform(-1, 1, (9, 3)) * rng.uniform(0.03, 0.3), 0, 1)
    depth = rng.uniform(1, 3) * hills(rng, height, width)
    return _grain(colours[np.floor(depth).astype(int) % len(colours)].astype(np.float32), rng, _MAYBE)


def waves(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Ripples: a few plane waves of different lengths on top of each other."""
    low, high = _palette(rng, 2)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    total = np.zeros((height, width), np.float32)
    for _ in range(4):
        angle, period = rng.uniform(0, np.pi), height * rng.uniform(0.03, 0.3)
        total += np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period + rng.uniform(0, 2 * np.pi))
    return _grain(_mix(1 / (1 + np.exp(-rng.uniform(0.6, 4) * total)), low, high), rng)


def checks(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A chessboard at an angle, some fields with a hue of their own."""
    angle, side = rng.uniform(0, np.pi), height * rng.uniform(0.05, 0.25)
    y, x = np.mgrid[:height, :width].astype(np.float32) / side
    column = np.floor(x * np.cos(angle) + y * np.sin(angle)).astype(int)
    row = np.floor(y * np.cos(angle) - x * np.sin(angle)).astype(int)
    colours = _palette(rng, 6)
    field = (column + row) % 2 + 2 * ((3 * column + 5 * row) % 7 == 0) + 2 * ((2 * column + row) % 11 == 0)
    return _grain(colours[field], rng, _MAYBE)


def strokes(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Lines of all lengths, widths and directions, as of grass, hair or wires."""
    image, draw = _canvas(rng, height, width)
    main = rng.uniform(0, np.pi)
    for colour in _palette(rng, 260):
        angle = main + rng.normal(0, 0.5)
        length, x, y = height * rng.uniform(0.05, 0.5), rng.uniform(0, width), rng.uniform(0, height)
        line = (x, y, x + length * np.cos(angle), y + length * np.sin(angle))
        draw.line(line, fill=_fill(colour), width=int(rng.integers(1, 9)))
    return _grain(_to_float(image), rng, _MAYBE)


def rings(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Outlines of circles and boxes on a ramp, as of signs, wheels and windows."""
    image = Image.fromarray((np.clip(gradient(rng, height, width), 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for colour in _palette(rng, 40):
        radius, x, y = height * rng.uniform(0.02, 0.2), rng.uniform(0, width), rng.uniform(0, height)
        box = (x - radius, y - radius * rng.uniform(0.5, 1), x + radius, y + radius)
        outline = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        outline(box, outline=_fill(colour), width=int(rng.integers(1, 8)))
    return _to_float(image)


def mirrors(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A photograph of those trained on, repeated in mirrors from any point on: never enlarged, so never blurred."""
    names = photos.trained()
    image = photos.photo(names[rng.integers(len(names))])
    rows, columns = _to_and_fro(rng, image.shape[0], height), _to_and_fro(rng, image.shape[1], width)
    return image[np.ix_(rows, columns)] / np.float32(255)


def _to_and_fro(rng: np.random.Generator, size: int, wanted: int) -> np.ndarray:
    """``wanted`` places in [0, size), from anywhere on, turning round at the ends."""
    place = (rng.integers(2 * size) + np.arange(wanted)) % (2 * size)
    return np.minimum(place, 2 * size - 1 - place)


def collage(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Two of the other kinds, side by side along a ragged edge or blended into each other."""
    kinds = [kind for kind in trained().values() if kind is not collage]
    first, second = (kinds[i](rng, height, width) for i in rng.choice(len(kinds), 2, replace=False))
    weight = 1 / (1 + np.exp(-np.exp(rng.uniform(0, 5)) * noise(rng, height, width)))
    return _mix(weight, first, second)


def marble(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Veins: stripes bent by noise. Held out."""
    low, high = _palette(rng, 2)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    period = height * rng.uniform(0.15, 0.4)
    bend = noise(rng, height, width) * rng.uniform(0.6, 1.4)
    weight = np.abs(np.sin(np.pi * (x + y * rng.uniform(-1, 1)) / period + bend)) ** rng.uniform(0.5, 2)
    return _grain(_mix(weight, low, high), rng)


def bricks(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Rows of offset bricks with mortar. Held out."""
    image, draw = _canvas(rng, height, width)
    tall = int(height * rng.uniform(0.06, 0.14))
    wide = int(tall * rng.uniform(1.6, 3))
    gap = max(1, tall // 8)
    base = _palette(rng, 1)[0]
    for row, y in enumerate(range(0, height, tall)):
        for x in range(-(row % 2) * wide // 2, width, wide):
            colour = np.clip(base + rng.uniform(-0.1, 0.1), 0, 1)
            draw.rectangle((x, y, x + wide - gap, y + tall - gap), fill=_fill(colour))
    return _grain(_to_float(image), rng)


def bokeh(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Overlapping translucent discs on a ramp. Held out."""
    image = _grain(_ramp(rng, height, width), rng)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for colour in _palette(rng, 14):
        radius = height * rng.uniform(0.04, 0.2)
        distance = np.hypot(x - rng.uniform(0, width), y - rng.uniform(0, height))
        alpha = 0.6 * np.clip((radius - distance) / (0.1 * radius) + 0.5, 0, 1)[..., None]
        image = (1 - alpha) * image + alpha * colour
    return image


Texture = Callable[[np.random.Generator, int, int], np.ndarray]
TRAINED: dict[str, Texture] = {
    "clouds": clouds,
    "leaves": leaves,
    "tiles": tiles,
    "stripes": stripes,
    "gradient": gradient,
    "skies": skies,
    "terraces": terraces,
    "waves": waves,
    "checks": checks,
    "strokes": strokes,
    "rings": rings,
    "mirrors": mirrors,
    "collage": collage,
}
HELD_OUT: dict[str, Texture] = {"marble": marble, "bricks": bricks, "bokeh": bokeh}


def trained() -> dict[str, Texture]:
    """The kinds to train on; ``mirrors`` only where there are photographs."""
    return TRAINED if photos.trained() else {name: kind for name, kind in TRAINED.items() if kind is not mirrors}
