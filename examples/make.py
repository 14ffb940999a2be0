"""Makes the example clips: python examples/make.py. Photographs and shapes filmed by a moving camera, then damaged.

The photographs are "chelsea" (a cat, by Stéfan van der Walt, CC0) and "rocket" (by SpaceX, CC0) from scikit-image; no
model was trained on them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from vqinsight.synthetic.captions import Facts
from vqinsight.synthetic.defects_spatial import SPATIAL
from vqinsight.synthetic.defects_temporal import TEMPORAL
from vqinsight.synthetic.photos import photo
from vqinsight.synthetic.scene import Scene, render
from vqinsight.synthetic.textures import bricks
from vqinsight.video.write import encode

FOLDER = Path(__file__).parent
FRAMES, FPS = 48, 24
TEXT = "two red circles moving left"


def film(background: Image.Image, facts: Facts | None, camera: str, width: int, height: int) -> np.ndarray:
    """(48, height, width, 3) uint8: a clean clip."""
    return render(Scene(background, facts, camera, width, height, FRAMES), 1, np.arange(FRAMES))


def save(name: str, frames: np.ndarray) -> None:
    """Encode as H.264 at good quality."""
    encode(FOLDER / name, frames, FPS, {"crf": "20", "preset": "slow"})


def main() -> None:
    """Write the clips and ``clips.csv``, which gives the generated ones their text."""
    rng = np.random.default_rng(4)
    cat = film(Image.fromarray(photo("chelsea")), None, "right", 320, 214)
    save("cat.mp4", cat)
    save("cat_compressed.mp4", SPATIAL["compression"](cat, 0.9, np.random.default_rng(1)))
    rocket = film(Image.fromarray(photo("rocket")), None, "in", 384, 256)
    save("rocket_jitter.mp4", TEMPORAL["jitter"](rocket.__getitem__, FRAMES, np.arange(FRAMES), 0.6, rng))
    wall = Image.fromarray((np.clip(bricks(rng, 480, 640), 0, 1) * 255).astype(np.uint8))
    save("circles.mp4", film(wall, Facts(2, "red", "circle", "left"), "still", 320, 240))
    squares = film(wall, Facts(2, "blue", "square", "left"), "still", 320, 240)
    save("squares_blurred.mp4", SPATIAL["blur"](squares, 0.7, rng))
    prompts = {"cat.mp4": "", "cat_compressed.mp4": "", "rocket_jitter.mp4": ""}
    prompts |= {"circles.mp4": TEXT, "squares_blurred.mp4": TEXT}
    lines = ["path,prompt", *(f"{name},{prompt}" for name, prompt in prompts.items())]
    (FOLDER / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
