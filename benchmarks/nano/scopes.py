"""A picture of the embedded model's scopes: python -m benchmarks.nano.scopes [--out scopes.png].

One held-out clip of the synthetic set without and with each defect: a frame, its levels, spectrum and motion, and the
self-similarity of the segment of the clip that begins with it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from vqinsight.synthetic.defects_spatial import SPATIAL
from vqinsight.synthetic.defects_temporal import TEMPORAL
from vqinsight.synthetic.describe import Defect
from vqinsight.synthetic.generate import SyntheticClip, draw_clip
from vqinsight.video.instruments.scopes import SIDE, SQUARES, read_frame, scope
from vqinsight.video.instruments.self_similarity import self_similarity, window

SEED = 26  # a photograph and a moving camera
SEVERITY = 0.5
AT = 8  # the frame that is shown
SCALE = 4
COLUMNS = 2


def row(clip: SyntheticClip, title: str) -> Image.Image:
    """One frame with its squares, enlarged, under a title."""
    frames = clip.frames(np.array(window(AT, clip.scene.frames)))
    read = [read_frame(frame) for frame in frames]
    side = SCALE * SIDE
    picture = Image.new("RGB", ((SQUARES + 2) * side, side + 14), "white")
    ImageDraw.Draw(picture).text((2, 1), title, fill="black")
    picture.paste(Image.fromarray(frames[0]).resize((side, side)), (0, 14))
    drawn = scope(read[0], read[1], read[4]).permute(1, 2, 0).numpy()
    alike = np.rint(255 * self_similarity(read)).astype(np.uint8)
    squares = Image.fromarray(np.concatenate((drawn, alike), axis=1))
    picture.paste(squares.resize(((SQUARES + 1) * side, side), Image.Resampling.NEAREST), (side, 14))
    return picture


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("scopes.png"))
    given = parser.parse_args()
    clip = draw_clip(SEED, "held_out")
    clean = replace(clip.truth, spatial=None, temporal=None)
    truths = {"clean": clean}
    truths |= {kind: replace(clean, spatial=Defect(kind, SEVERITY)) for kind in SPATIAL}
    truths |= {kind: replace(clean, temporal=Defect(kind, SEVERITY)) for kind in TEMPORAL}
    rows = [row(replace(clip, truth=truth), kind) for kind, truth in truths.items()]
    width, height = rows[0].size
    lines = -(-len(rows) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (width + 12), lines * height), "white")
    for number, picture in enumerate(rows):
        column, line = divmod(number, lines)
        sheet.paste(picture, (column * (width + 12), line * height))
    sheet.save(given.out)


if __name__ == "__main__":
    main()
