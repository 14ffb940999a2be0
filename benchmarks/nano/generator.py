"""Quality of the embedded generator: python -m benchmarks.nano.generator [--prompts N] [--json FILE] [--sheet PNG].

Held-out prompts, several clips each, measured by the oracle; and the same prompts with quality words, to measure their
effect. Check the sheet of clips together with the numbers.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.results import store
from vqinsight.generator.base import Generator
from vqinsight.generator.load import open_generator
from vqinsight.synthetic.oracle import measure
from vqinsight.synthetic.simple import draw_prompt

WORDS = ("clean and smooth", "blurred and smooth", "clean and jittery")
NAMES = ("spatial", "temporal", "alignment", "overall")


def make(generator: Generator, prompts: list[str], seeds: list[int]) -> np.ndarray:
    """uint8 (prompts, 8, 64, 64, 3)."""
    parts = []
    for i in range(0, len(prompts), 8):
        parts.append(generator.decode(generator.sample(prompts[i : i + 8], seeds[i : i + 8])).cpu().numpy())
    return np.concatenate(parts)


def table(scores: np.ndarray) -> dict[str, dict[str, float]]:
    """Of (prompts, clips, names): mean, spread, and the mean of each prompt's best and worst clip."""
    return {
        name: {
            "mean": float(scores[..., i].mean()),
            "sd": float(scores[..., i].std()),
            "best": float(scores[..., i].max(1).mean()),
            "worst": float(scores[..., i].min(1).mean()),
        }
        for i, name in enumerate(NAMES)
    }


def main() -> None:
    """Print, and store with ``--json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", default="nano")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path, help="a picture of the first 16 clips, one a row")
    given = parser.parse_args()
    generator = open_generator(given.generator)
    rng = np.random.default_rng((51, given.seed))
    prompts = [draw_prompt(rng, "held_out")[1] for _ in range(given.prompts)]
    every = [prompt for prompt in prompts for _ in range(given.candidates)]
    started = time.process_time()
    clips = make(generator, every, list(range(len(every))))
    seconds = (time.process_time() - started) / len(every)
    if given.sheet:
        rows = [np.concatenate(list(clip), 1) for clip in clips[:: given.candidates][:16]]
        Image.fromarray(np.concatenate(rows)).resize((1024, 128 * len(rows))).save(given.sheet)
    scores = np.array([[measure(c, p).scores[n] for n in NAMES] for c, p in zip(clips, every, strict=True)])
    worded = {}
    for words in WORDS:
        asked = [f"{prompt}, {words}" for prompt in prompts]
        made = make(generator, asked, list(range(len(asked))))
        seen = np.array([[measure(c, p).scores[n] for n in NAMES] for c, p in zip(made, asked, strict=True)])
        worded[words] = dict(zip(NAMES, seen.mean(0).tolist(), strict=True))
    stored = {
        "provenance": generator.provenance(),
        "prompts": given.prompts,
        "candidates": given.candidates,
        "rows": table(scores.reshape(given.prompts, given.candidates, len(NAMES))),
        "words": worded,
        "cpu_seconds_a_clip": seconds,
    }
    store(stored, given.json)


if __name__ == "__main__":
    main()
