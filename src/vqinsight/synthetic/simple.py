"""A simple subset of the synthetic set, which a small generator can learn: shapes on a colour gradient.

Clips are 8 frames of 64×64, with their own captions, defects and exact quality. A quarter of all combinations of facts
is held out.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from PIL import Image

from vqinsight.synthetic.captions import CHOICES, FACT_NAMES, Facts, caption, mutate
from vqinsight.synthetic.defects_spatial import SPATIAL
from vqinsight.synthetic.defects_temporal import TEMPORAL
from vqinsight.synthetic.describe import Defect, GroundTruth
from vqinsight.synthetic.generate import Split, SyntheticClip, damage, draw_truth, quality
from vqinsight.synthetic.scene import Scene, render

FRAMES, SIDE, FPS = 8, 64, 8.0
GREY = (0.35, 0.65)  # so that shapes are salient and exposure defects visible
TINT = 0.06
QUALITY_WORDS = {
    "blur": "blurred",
    "noise": "noisy",
    "compression": "blocky",
    "banding": "banded",
    "exposure": "badly exposed",
    "jitter": "jittery",
    "flicker": "flickering",
    "freeze": "freezing",
    "shuffle": "shuffled",
    "ghosting": "ghosting",
    "morphing": "morphing",
}
_ALL = [Facts(*values) for values in product(*CHOICES.values())]  # type: ignore[arg-type]


def is_held_out(facts: Facts) -> bool:
    """Whether this combination of facts is held out; a quarter is."""
    return zlib.crc32(repr(facts).encode()) % 4 == 0


def draw_prompt(rng: np.random.Generator, split: Split) -> tuple[Facts, str]:
    """Facts of this split and their caption."""
    facts = [each for each in _ALL if is_held_out(each) == (split == "held_out")]
    drawn = facts[rng.integers(len(facts))]
    return drawn, caption(drawn, rng)


def quality_words(truth: GroundTruth) -> str:
    """``"clean and smooth"``, ``"blurred and jittery"``: the frames, then the motion."""
    spatial = QUALITY_WORDS[truth.spatial.kind] if truth.spatial else "clean"
    return f"{spatial} and {QUALITY_WORDS[truth.temporal.kind] if truth.temporal else 'smooth'}"


@dataclass(frozen=True)
class SimpleClip:
    """A clip with its caption and ground truth."""

    frames: np.ndarray  # uint8 (8, 64, 64, 3) RGB
    prompt: str
    truth: GroundTruth

    @property
    def quality(self) -> dict[str, float]:
        """Exact quality by dimension, each 0 to 100."""
        return quality(self.truth)


def draw_simple(seed: int, split: Split = "train", *, defects: float = 0.37, errors: float = 0.15) -> SimpleClip:
    """A clip of mixed quality.

    Args:
        defects: probability of a spatial defect, and of a temporal one.
        errors: probability that one or two facts differ from the prompt.
    """
    rng = np.random.default_rng((31, 0 if split == "train" else 1, seed))
    claim, prompt = draw_prompt(rng, split)
    wrong = tuple(rng.permutation(FACT_NAMES)[: rng.integers(1, 3)]) if rng.random() < errors else ()
    facts = mutate(claim, wrong, rng)
    spatial, temporal = (
        Defect(kinds[rng.integers(len(kinds))], float(rng.uniform(0.1, 1))) if rng.random() < defects else None
        for kinds in (tuple(SPATIAL), tuple(TEMPORAL))
    )
    truth = GroundTruth(facts, "still", spatial, temporal, claim)
    scene = Scene(Image.fromarray(_ramp(rng)), facts, "still", SIDE, SIDE, FRAMES)
    place = int(rng.integers(2**31))
    shown = damage(lambda at: render(scene, place, at), FRAMES, np.arange(FRAMES), truth, rng)
    return SimpleClip(shown, prompt, truth)


def simple_siblings(seed: int, count: int) -> list[SyntheticClip]:
    """``count`` clips of this subset from one training prompt, with its own shares of defects and errors.

    They are similar to the clips of the embedded generator, for the assessor's lessons.
    """
    rng = np.random.default_rng((37, seed))
    claim, prompt = draw_prompt(rng, "train")
    clips = []
    for _ in range(count):
        truth = replace(draw_truth(rng, claim, shapes=True), camera="still")
        scene = Scene(Image.fromarray(_ramp(rng)), truth.facts, "still", SIDE, SIDE, FRAMES)
        clips.append(SyntheticClip(scene, truth, prompt, int(rng.integers(2**31)), "simple"))
    return clips


def _ramp(rng: np.random.Generator) -> np.ndarray:
    """uint8 canvas with a gradient between two muted colours."""
    grey = rng.uniform(*GREY)
    ends = np.clip(grey + rng.uniform(-0.1, 0.1, (2, 1)) + rng.uniform(-TINT, TINT, (2, 3)), 0, 1)
    weight = np.linspace(0, 1, SIDE)[:, None, None]
    canvas = (1 - weight) * ends[0] + weight * ends[1]
    canvas = np.broadcast_to(canvas, (SIDE, SIDE, 3))
    return (255 * (canvas if rng.random() < 0.5 else canvas.transpose(1, 0, 2))).round().astype(np.uint8)
