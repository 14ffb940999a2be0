"""Varied clips: several defects at once, further kinds that generated video has, and quality as perceived.

Most have no shapes, and the text that some have is about the shapes alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from vqinsight.synthetic import cameras, perception
from vqinsight.synthetic.camera_motion import AS_IS, draw_handling
from vqinsight.synthetic.captions import FACT_NAMES, Facts, caption, draw_facts, mutate
from vqinsight.synthetic.defects_generated import boiling, deformed, sliding, transforming
from vqinsight.synthetic.defects_spatial import SPATIAL, h264_round_trip
from vqinsight.synthetic.defects_temporal import NEEDS_MOTION, TEMPORAL, Fetch
from vqinsight.synthetic.describe import Defect, GroundTruth
from vqinsight.synthetic.generate import Split, SyntheticClip, draw_background
from vqinsight.synthetic.scene import CAMERA_MOVES, Scene, render

ALL_SPATIAL = {**SPATIAL, "deformed": deformed}
ALL_TEMPORAL = {**TEMPORAL, "boiling": boiling, "transforming": transforming, "sliding": sliding}
# Only in held-out clips: whether what is learned carries over to other kinds.
UNSEEN = ("banding", "ghosting")
# No measurement shows these: they have to be seen.
NOT_MEASURED = ("deformed", "ghosting", "morphing", "transforming", "sliding")

_HEIGHTS = (112, 128, 144, 160, 192, 240)
_ASPECTS = (1.0, 4 / 3, 16 / 9)
_WITH_SHAPES = 0.35
_WITH_DEFECT = 0.65  # of each family
_WITH_FURTHER = 0.35
_WIDE_OPEN = 0.15  # share of training pictures with a shallow depth of field


@dataclass(frozen=True)
class VariedClip(SyntheticClip):
    """A clip with the defects of ``truth``, the further ones included, and quality as perceived."""

    @property
    def quality(self) -> dict[str, float]:
        """By dimension, each 0 to 100; ``alignment`` only with a text."""
        return quality(self.truth)

    def frames(self, at: np.ndarray) -> np.ndarray:
        """The frames with indices ``at`` as (n, H, W, 3) uint8 RGB. Only these are rendered."""
        rng = np.random.default_rng(self.seed)
        crf = self.scene.handling.crf or (rng.uniform(14, 22) if rng.random() < 0.25 else 0.0)
        shown = _damage(self._rendered, self.scene.frames, np.asarray(at), self.truth, self.seed)
        encoded = any(defect.kind == "compression" for defect in defects(self.truth))
        return h264_round_trip(shown, crf) if crf and not encoded else shown

    def _rendered(self, wanted: np.ndarray) -> np.ndarray:
        distinct, places = np.unique(wanted, return_inverse=True)
        return render(self.scene, self.seed, distinct)[places]


def defects(truth: GroundTruth) -> tuple[Defect, ...]:
    """All defects of a clip."""
    return tuple(defect for defect in (truth.spatial, truth.temporal, *truth.further) if defect is not None)


def measurable(truth: GroundTruth) -> bool:
    """Whether measurements show all of its defects."""
    return not any(defect.kind in NOT_MEASURED for defect in defects(truth))


def quality(truth: GroundTruth) -> dict[str, float]:
    """Each dimension 0 to 100: the defects as perceived, and alignment by 1/4 for each wrong fact."""
    found = defects(truth)
    scores = {
        "spatial": perception.score(defect for defect in found if defect.kind in ALL_SPATIAL),
        "temporal": perception.score(defect for defect in found if defect.kind in ALL_TEMPORAL),
    }
    if truth.claim is not None:
        scores["alignment"] = 100 * (1 - len(truth.wrong) / len(FACT_NAMES))
    return scores


def overall(truth: GroundTruth) -> float:
    """0 to 100: what is seen, as perceived; with a text, alignment counts a third."""
    scores = quality(truth)
    seen = perception.overall(scores["spatial"], scores["temporal"])
    return (2 * seen + scores["alignment"]) / 3 if "alignment" in scores else seen


def varied_siblings(seed: int, count: int, split: Split = "train", *, prompt: bool | None = None) -> list[VariedClip]:
    """``count`` clips of one scene with different defects, and with a text if it has shapes and ``prompt`` is not
    false.

    Args:
        split: ``held_out`` has other pictures, and defects of all kinds; ``train`` has none of the ``UNSEEN`` kinds.
    """
    rng = np.random.default_rng((41, 0 if split == "train" else 1, seed))
    height = int(rng.choice(_HEIGHTS))
    width = int(height * _ASPECTS[rng.integers(3)]) // 2 * 2
    if rng.random() < 0.1:
        width, height = height, width
    kind, background = draw_background(rng, split, height, width)
    varied = cameras.vary(np.asarray(background), rng)
    background = Image.fromarray(cameras.focus(varied, rng) if rng.random() < _WIDE_OPEN else varied)
    shapes = bool(prompt) or rng.random() < _WITH_SHAPES
    frames = int(rng.integers(12, 33))
    _, handling = draw_handling(frames, rng, shapes=shapes)
    handling = replace(handling, cut=handling.cut if handling.cut < frames - 2 else 0)
    claim = draw_facts(rng) if shapes and prompt is not False else None
    text = caption(claim, rng) if claim else None
    clips = []
    for _ in range(count):
        truth = draw_truth(rng, claim, shapes=shapes, movers=handling is not AS_IS and handling.movers > 0, split=split)
        scene = Scene(background, truth.facts, truth.camera, width, height, frames, handling)
        clips.append(VariedClip(scene, truth, text, int(rng.integers(2**31)), kind))
    return clips


def draw_truth(
    rng: np.random.Generator, claim: Facts | None, *, shapes: bool, movers: bool, split: Split
) -> GroundTruth:
    """The ground truth of a clip for a text with that ``claim``, with random errors and defects.

    Args:
        shapes: whether there are any; always with a ``claim``.
        movers: whether objects move independently of the camera.
        split: ``train`` has none of the ``UNSEEN`` kinds.
    """
    facts = None
    if claim is not None:
        wrong = tuple(name for name in FACT_NAMES if rng.random() < 0.22) if rng.random() < 0.65 else ()
        facts = mutate(claim, wrong, rng)
    elif shapes:
        facts = draw_facts(rng)
    alive = facts is not None or movers
    camera = CAMERA_MOVES[rng.integers(1, 6)] if rng.random() < (0.5 if alive else 0.85) else "still"
    moves = alive or camera != "still"
    left_out = UNSEEN if split == "train" else ()
    named: list[Defect | None] = []
    further: list[Defect] = []
    for kinds in (ALL_SPATIAL, ALL_TEMPORAL):
        open_to = [kind for kind in kinds if kind not in left_out and (moves or kind not in NEEDS_MOTION)]
        first, second = (open_to[i] for i in rng.permutation(len(open_to))[:2])
        main = Defect(first, float(rng.uniform(0.05, 1.0))) if rng.random() < _WITH_DEFECT else None
        named.append(main)
        if main is not None and rng.random() < _WITH_FURTHER:
            further.append(Defect(second, float(main.severity * rng.uniform(0.1, 0.5))))
    return GroundTruth(facts, camera, named[0], named[1], claim, tuple(further))


def _damage(fetch: Fetch, total: int, at: np.ndarray, truth: GroundTruth, seed: int) -> np.ndarray:
    """Frames ``at`` with the temporal, then the spatial defects; each defect has a generator of its own."""
    found = defects(truth)
    for place, defect in enumerate(each for each in found if each.kind in ALL_TEMPORAL):
        fetch = _after(fetch, ALL_TEMPORAL[defect.kind], total, defect.severity, (1, place, seed))
    frames = fetch(at)
    for place, defect in enumerate(each for each in found if each.kind in ALL_SPATIAL):
        frames = ALL_SPATIAL[defect.kind](frames, defect.severity, np.random.default_rng((2, place, seed)))
    return frames


def _after(
    fetch: Fetch,
    defect: Callable[[Fetch, int, np.ndarray, float, np.random.Generator], np.ndarray],
    total: int,
    severity: float,
    seed: tuple[int, int, int],
) -> Fetch:
    return lambda at: defect(fetch, total, at, severity, np.random.default_rng(seed))
