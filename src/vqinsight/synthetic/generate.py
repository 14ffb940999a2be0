"""Generates a clip of the synthetic set with its exact quality from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PIL import Image

from vqinsight.synthetic import cameras, photos, textures
from vqinsight.synthetic.camera_motion import AS_IS, draw_handling
from vqinsight.synthetic.captions import FACT_NAMES, Facts, caption, draw_facts, mutate
from vqinsight.synthetic.defects_spatial import SPATIAL, h264_round_trip
from vqinsight.synthetic.defects_temporal import NEEDS_MOTION, TEMPORAL, Fetch
from vqinsight.synthetic.describe import Defect, GroundTruth
from vqinsight.synthetic.scene import CAMERA_MOVES, Scene, render

Split = Literal["train", "held_out"]
_HEIGHTS = (112, 128, 144, 160, 192, 224)
_ASPECTS = (1.0, 4 / 3, 16 / 9)
# A share of training scenes is larger, closer to real clips: temporal defects scale with the frame's side, and a defect
# of a given strength in pixels is less severe in a large frame.
_LARGE_HEIGHTS = (240, 256, 270)
_LARGE = 0.2
# Share of scenes with shapes, over photographs and over textures; real clips have none.
_WITH_SHAPES: dict[Split, tuple[float, float]] = {"train": (0.5, 0.8), "held_out": (0.75, 0.95)}
_SHRINK = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.NEAREST)
_WIDE_OPEN = 0.12  # share of training pictures with a shallow depth of field
_ON_PHOTOS: dict[Split, float] = {"train": 0.5, "held_out": 0.4}


@dataclass(frozen=True)
class SyntheticClip:
    """A clip before rendering: its content, its text prompt, and its exact quality.

    Attributes:
        scene: what is rendered (``scene.frames`` is the length of the whole clip).
        truth: its ground truth.
        prompt: the text it was "generated" from, or ``None``.
        seed: fixes placement, texture noise and the randomness inside defects.
        kind: the kind of background, for splits and breakdowns.
    """

    scene: Scene
    truth: GroundTruth
    prompt: str | None
    seed: int
    kind: str

    @property
    def quality(self) -> dict[str, float]:
        """Exact quality by dimension, each 0 to 100; ``alignment`` only with a prompt."""
        return quality(self.truth)

    def frames(self, at: np.ndarray) -> np.ndarray:
        """The frames with indices ``at`` as (n, H, W, 3) uint8 RGB. Only these are rendered."""
        rng = np.random.default_rng(self.seed)
        # Real files are always compressed, so a mild encoding counts as clean.
        mild, crf = rng.random() < 0.25, rng.uniform(14, 22)
        if self.scene.handling.crf:
            mild, crf = True, self.scene.handling.crf
        clean: Fetch = lambda wanted: _render_once(self.scene, self.seed, wanted)  # noqa: E731
        shown = damage(clean, self.scene.frames, np.asarray(at), self.truth, rng)
        compressed = self.truth.spatial is not None and self.truth.spatial.kind == "compression"
        return h264_round_trip(shown, crf) if mild and not compressed else shown


def _render_once(scene: Scene, seed: int, at: np.ndarray) -> np.ndarray:
    distinct, places = np.unique(at, return_inverse=True)
    return render(scene, seed, distinct)[places]


def damage(fetch: Fetch, total: int, at: np.ndarray, truth: GroundTruth, rng: np.random.Generator) -> np.ndarray:
    """Frames ``at`` of a clip with the temporal, then the spatial defect of ``truth`` applied."""
    if truth.temporal is None:
        frames = fetch(at)
    else:
        frames = TEMPORAL[truth.temporal.kind](fetch, total, at, truth.temporal.severity, rng)
    if truth.spatial is not None:
        frames = SPATIAL[truth.spatial.kind](frames, truth.spatial.severity, rng)
    return frames


def quality(truth: GroundTruth) -> dict[str, float]:
    """Each dimension falls linearly from 100 to 10 with its defect's severity; alignment by 1/4 per wrong fact."""
    scores = {
        "spatial": 100 - 90 * (truth.spatial.severity if truth.spatial else 0.0),
        "temporal": 100 - 90 * (truth.temporal.severity if truth.temporal else 0.0),
    }
    if truth.claim is not None:
        scores["alignment"] = 100 * (1 - len(truth.wrong) / len(FACT_NAMES))
    return scores


def overall(truth: GroundTruth) -> float:
    """Mean of the dimensions that apply, 0 to 100: decides which of two clips is better."""
    return float(np.mean(list(quality(truth).values())))


def draw_clip(seed: int, split: Split = "train", *, prompt: bool | None = None) -> SyntheticClip:
    """One clip; ``prompt`` forces a text prompt on or off, by default most clips with shapes have one."""
    return draw_siblings(seed, 1, split, prompt=prompt)[0]


def draw_siblings(seed: int, count: int, split: Split = "train", *, prompt: bool | None = None) -> list[SyntheticClip]:
    """``count`` clips "generated" from one text prompt: same background and length, different defects and errors."""
    rng = np.random.default_rng((0 if split == "train" else 1, seed))
    height = int(rng.choice(_HEIGHTS, p=(0.22, 0.22, 0.22, 0.16, 0.12, 0.06)))
    if split == "train" and (larger := np.random.default_rng((4, seed))).random() < _LARGE:
        height = int(larger.choice(_LARGE_HEIGHTS))
    width = int(height * _ASPECTS[rng.integers(3)]) // 2 * 2
    if rng.random() < 0.1:
        width, height = height, width
    kind, background = draw_background(rng, split, height, width)
    frames = int(rng.integers(16, 25) if rng.random() < 0.5 else np.exp(rng.uniform(np.log(24), np.log(64))))
    if split == "train":
        taken = np.random.default_rng((2, seed))
        varied = cameras.vary(np.asarray(background), taken)
        background = Image.fromarray(cameras.focus(varied, taken) if taken.random() < _WIDE_OPEN else varied)
    share = _WITH_SHAPES[split][0 if kind in photos.TRAINED + photos.HELD_OUT else 1]
    shapes = bool(prompt) or rng.random() < share
    handling = AS_IS
    if split == "train":
        frames, handling = draw_handling(frames, np.random.default_rng((3, seed)), shapes=shapes)
    claim = draw_facts(rng) if shapes and (prompt if prompt is not None else rng.random() < 0.7) else None
    text = caption(claim, rng) if claim else None
    clips = []
    for _ in range(count):
        truth = draw_truth(rng, claim, shapes=shapes, movers=bool(handling.movers))
        scene = Scene(background, truth.facts, truth.camera, width, height, frames, handling)
        clips.append(SyntheticClip(scene, truth, text, int(rng.integers(2**31)), kind))
    return clips


def draw_truth(rng: np.random.Generator, claim: Facts | None, *, shapes: bool, movers: bool = False) -> GroundTruth:
    """The ground truth of a clip for a prompt with that ``claim``, with random errors and defects.

    ``movers``: whether objects move independently of the camera.
    """
    facts = None
    if claim is not None:
        wrong = tuple(name for name in FACT_NAMES if rng.random() < 0.22) if rng.random() < 0.65 else ()
        facts = mutate(claim, wrong, rng)
    elif shapes:
        facts = draw_facts(rng)
    alive = facts is not None or movers
    camera = CAMERA_MOVES[rng.integers(1, 6)] if rng.random() < (0.5 if alive else 0.92) else "still"
    return GroundTruth(facts, camera, *_draw_defects(rng, moves=alive or camera != "still"), claim)


def _draw_defects(rng: np.random.Generator, moves: bool) -> tuple[Defect | None, Defect | None]:
    temporal_kinds = [kind for kind in TEMPORAL if moves or kind not in NEEDS_MOTION]
    drawn = []
    for kinds in (list(SPATIAL), temporal_kinds):
        defect = Defect(kinds[rng.integers(len(kinds))], float(rng.uniform(0.1, 1.0)))
        drawn.append(defect if rng.random() < 0.7 else None)
    return drawn[0], drawn[1]


def draw_background(rng: np.random.Generator, split: Split, height: int, width: int) -> tuple[str, Image.Image]:
    """A canvas about twice the size of a frame, so that frames are sharp and the camera has room."""
    names = _large_enough(photos.trained() if split == "train" else photos.HELD_OUT, height, width)
    if rng.random() < _ON_PHOTOS[split] and names:
        name = names[rng.integers(len(names))]
        image = Image.fromarray(photos.photo(name))
        if split == "train":  # at several scales: downscaling shows more of it and keeps it sharp
            scale = rng.uniform(min(1.0, max(1.2 * height / image.height, 1.2 * width / image.width)), 1)
            image = image.resize([math.ceil(side * scale) for side in image.size], _SHRINK[rng.integers(len(_SHRINK))])
        return name, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image
    kinds = textures.trained() if split == "train" else textures.HELD_OUT
    name = list(kinds)[rng.integers(len(kinds))]
    canvas = kinds[name](rng, int(height * 2.1), int(width * 2.1))
    return name, Image.fromarray((np.clip(canvas, 0, 1) * 255).astype(np.uint8))


def _large_enough(names: tuple[str, ...], height: int, width: int) -> list[str]:
    """Photographs large enough for a sharp crop, as enlarging adds blur."""
    return [name for name in names if np.all(np.array(photos.photo(name).shape[:2]) >= (1.2 * height, 1.2 * width))]


def without_prompt(clip: SyntheticClip) -> SyntheticClip:
    """The clip without its text prompt, for tasks that have none."""
    return replace(clip, prompt=None, truth=replace(clip.truth, claim=None))
