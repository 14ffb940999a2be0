"""Wall time of the command line, and the cost of a ranking: python -m benchmarks.performance.speed [--clip FILE].

Without --clip it renders eight seconds of 960x540 over a photograph and encodes them as H.264.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from vqinsight.inference.api import load
from vqinsight.synthetic.photos import photo
from vqinsight.synthetic.scene import Scene, render
from vqinsight.video.write import encode

RANKED = 10


def film(path: Path, seconds: float, width: int, height: int, fps: int = 30, seed: int = 1) -> None:
    """A camera moving over a photograph, as H.264."""
    frames = int(seconds * fps)
    scene = Scene(Image.fromarray(photo("motorcycle")), None, "right", width, height, frames)
    rendered = (render(scene, seed, np.array([index]))[0] for index in range(frames))
    encode(path, rendered, fps, {"crf": "20", "preset": "veryfast"})


def main() -> None:
    """Print seconds of `vqinsight score` in a new process, and the vision tower's count for a ranking."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, help="a video file instead of a made one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = given.clip or Path(folder) / "eight_seconds.mp4"
        if given.clip is None:
            film(clip, 8, 960, 540)
        for attempt in ("first", "second"):
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "vqinsight", "score", str(clip), "--json"], capture_output=True
            )
            print(f"vqinsight score, {attempt} run: {time.perf_counter() - start:.1f} s wall, exit {done.returncode}")
        paths = []
        for number in range(RANKED):
            path = Path(folder) / f"ranked{number}.mp4"
            film(path, 1, 320, 180, seed=number)
            paths.append(str(path))
        judge = load("nano")
        start = time.perf_counter()
        ranking = judge.rank(paths)
        asked = sum(len(pair.forward) + len(pair.swapped) for pair in ranking.comparisons)
        print(
            f"ranking {RANKED} clips: {judge.assessor.tower.clips_encoded} clips through the vision tower, "
            f"{asked} answers about {len(ranking.comparisons)} pairs, {time.perf_counter() - start:.1f} s"
        )


if __name__ == "__main__":
    main()
