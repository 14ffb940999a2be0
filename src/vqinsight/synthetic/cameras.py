"""Camera processing of backgrounds as augmentation of training images; none of it is a defect."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from vqinsight.synthetic.defects_spatial import jpeg
from vqinsight.synthetic.textures import hills


def vary(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A variant of a background: flipped, with swapped channels, and processed as by a camera.

    It keeps a model from learning defects from a dozen backgrounds, and from taking clipped highlights, denoising,
    sharpening or JPEG compression for defects. Everything here is weaker than the least defect: edges stay sharp, and
    the middle of the range stays unchanged.

    Args:
        canvas: (height, width, 3) uint8 RGB.
    """
    canvas = canvas[:: rng.choice((-1, 1)), :: rng.choice((-1, 1)), rng.permutation(3)]
    if rng.random() < 0.3:  # denoised: flat between sharp edges
        for _ in range(rng.integers(1, 3)):
            canvas = _median(canvas)
    image = Image.fromarray(np.ascontiguousarray(canvas))
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.UnsharpMask(rng.uniform(0.5, 2), int(rng.uniform(50, 250)), 0))
    shown = np.asarray(image, np.float32)
    grey = shown.mean(2, keepdims=True)
    shown = grey + rng.uniform(0.2, 1) * (shown - grey)
    # Contrast changes around the mean, which stays: overall brightness is what exposure defects change.
    middle = np.median(grey)
    if rng.random() < 0.5:
        shown = middle + rng.uniform(0.6, 1) * (shown - middle)
    else:  # highlights and shadows may be clipped
        shown = middle + rng.uniform(1, 1.7) * (shown - middle)
    varied = np.clip(shown, 0, 255).astype(np.uint8)
    return jpeg(varied, int(rng.integers(60, 95))) if rng.random() < 0.4 else varied


def focus(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture with a shallow depth of field: sharp in some regions, soft in others.

    It is no defect: a blurred picture is sharp nowhere.

    Args:
        canvas: (height, width, 3) uint8 RGB.
    """
    image = Image.fromarray(canvas)
    near = 255 / (1 + np.exp(4 * (hills(rng, *canvas.shape[:2]) + rng.uniform(-0.5, 0.5))))
    soft = image.filter(ImageFilter.GaussianBlur(rng.uniform(1, 5)))
    return np.asarray(Image.composite(image, soft, Image.fromarray(near.astype(np.uint8))))


def _median(canvas: np.ndarray) -> np.ndarray:
    """(height, width, 3) uint8 with every channel's median of 3 x 3 pixels, in a fifteenth of PIL's time."""
    padded = np.pad(canvas, ((1, 1), (1, 1), (0, 0)), mode="edge")
    low, middle, high = _sorted(padded[:-2], padded[1:-1], padded[2:])
    low = np.maximum(np.maximum(low[:, :-2], low[:, 1:-1]), low[:, 2:])
    high = np.minimum(np.minimum(high[:, :-2], high[:, 1:-1]), high[:, 2:])
    _, middle, _ = _sorted(middle[:, :-2], middle[:, 1:-1], middle[:, 2:])
    return _sorted(low, middle, high)[1]


def _sorted(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three arrays, element by element in order."""
    a, b = np.minimum(a, b), np.maximum(a, b)
    b, c = np.minimum(b, c), np.maximum(b, c)
    return np.minimum(a, b), np.maximum(a, b), c
