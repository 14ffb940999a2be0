"""Real photographs for the synthetic set: sample images inside the packages of the extra ``photos``."""

from __future__ import annotations

import importlib.util
import logging
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from vqinsight.errors import ModelError

_FILES = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "brick": ("skimage", "data/brick.png"),
    "camera": ("skimage", "data/camera.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "coins": ("skimage", "data/coins.png"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg"),
    "ihc": ("skimage", "data/ihc.png"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "page": ("skimage", "data/page.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "text": ("skimage", "data/text.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "dog": ("foolbox", "data/imagenet_00_243.jpg"),
    "chairs": ("foolbox", "data/imagenet_01_559.jpg"),
    "laboratory": ("foolbox", "data/imagenet_02_438.jpg"),
    "chestnuts": ("foolbox", "data/imagenet_03_990.jpg"),
    "strawberries": ("foolbox", "data/imagenet_04_949.jpg"),
    "cottage": ("foolbox", "data/imagenet_05_853.jpg"),
    "jeep": ("foolbox", "data/imagenet_06_609.jpg"),
    "rover": ("foolbox", "data/imagenet_07_609.jpg"),
    "tent": ("foolbox", "data/imagenet_08_915.jpg"),
    "cap": ("foolbox", "data/imagenet_09_455.jpg"),
    "drum": ("foolbox", "data/imagenet_10_541.jpg"),
    "shoe": ("foolbox", "data/imagenet_11_630.jpg"),
    "windows": ("foolbox", "data/imagenet_12_741.jpg"),
    "cannon": ("foolbox", "data/imagenet_13_471.jpg"),
    "storks": ("foolbox", "data/imagenet_14_129.jpg"),
    "geese": ("foolbox", "data/imagenet_15_99.jpg"),
    "dalmatian": ("foolbox", "data/imagenet_16_251.jpg"),
    "eagle": ("foolbox", "data/imagenet_17_22.jpg"),
    "hopper": ("foolbox", "data/imagenet_18_317.jpg"),
    "beetle": ("foolbox", "data/imagenet_19_305.jpg"),
}
_INSTALL = "Install it: pip install 'vqinsight[photos]'"
HELD_OUT = ("chelsea", "china", "rocket")
TRAINED = tuple(name for name in _FILES if name not in HELD_OUT)


logger = logging.getLogger(__name__)


@cache
def trained() -> tuple[str, ...]:
    """The photographs to train on whose package is installed; what is left out is said once."""
    there = tuple(name for name in TRAINED if _folder(name) is not None)
    if len(there) < len(TRAINED):
        packages = sorted({_FILES[name][0] for name in TRAINED if name not in there})
        logger.warning(
            "%d of %d photographs are left out of the synthetic training clips: %s not installed. %s",
            len(TRAINED) - len(there),
            len(TRAINED),
            ", ".join(packages),
            _INSTALL,
        )
    return there


@cache
def photo(name: str) -> np.ndarray:
    """The photograph as (height, width, 3) uint8 RGB.

    Raises:
        ModelError: when the package that carries it is not installed.
    """
    folder = _folder(name)
    if folder is None:
        raise ModelError(f"The photograph {name!r} comes from the package {_FILES[name][0]}. {_INSTALL}")
    with Image.open(folder / _FILES[name][1]) as image:
        return np.asarray(image.convert("RGB"))


def _folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(_FILES[name][0])
    return None if spec is None or spec.origin is None else Path(spec.origin).parent
