"""The technical score falls with every defect, is bounded, and never breaks on odd input."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from helpers.pictures import textured
from PIL import Image

from vqinsight.baselines.always_a import AlwaysA
from vqinsight.baselines.technical import Technical, luminance, spatial_defects, temporal_defects
from vqinsight.errors import UnreadableVideo
from vqinsight.synthetic import textures
from vqinsight.synthetic.captions import Facts
from vqinsight.synthetic.clips import clip_name
from vqinsight.synthetic.defects_spatial import SPATIAL, h264_round_trip
from vqinsight.synthetic.defects_temporal import TEMPORAL
from vqinsight.synthetic.scene import Scene, render
from vqinsight.tasks.types import Missing, Preference

SEVERITIES = (0.1, 0.3, 0.5, 0.7, 1.0)
# On a bare ramp the mildest blur leaves nothing to measure; on a photograph strong compression is no longer told apart;
# before a bare sky the mildest noise costs all there is to lose.
TEXTURES = sorted(set(textures.TRAINED) - {"rings", "mirrors", "skies"})


@cache
def world(texture: str) -> np.ndarray:
    """A clean, moving clip: (36, 180, 240, 3) uint8. With grain: a bare grid looks like the blocks of a codec."""
    background = Image.fromarray(textured(texture, 360, 480))
    return render(Scene(background, Facts(2, "green", "star", "left"), "right", 240, 180, 36), 1, np.arange(36))


def spatial(frames: np.ndarray) -> float:
    return spatial_defects([luminance(frame) for frame in frames[::9]]).score


def temporal(frames: np.ndarray) -> float:
    return temporal_defects([np.stack([luminance(frame) for frame in frames])]).score


@pytest.mark.parametrize("seed", [0, 1, 2])  # both variants of each kind
@pytest.mark.parametrize("kind", ["blur", "noise", "compression"])
@pytest.mark.parametrize("texture", TEXTURES)
def test_the_spatial_score_falls_with_every_defect(texture, kind, seed):
    damaged = (SPATIAL[kind](world(texture)[::9], s, np.random.default_rng(seed)) for s in SEVERITIES)
    scores = [spatial(world(texture)), *(spatial_defects([luminance(f) for f in frames]).score for frames in damaged)]
    assert all(later < earlier for earlier, later in pairwise(scores)), scores


@pytest.mark.parametrize("texture", TEXTURES)
def test_the_spatial_score_falls_with_h264(texture):
    scores = [spatial(h264_round_trip(world(texture)[:10], crf)) for crf in (18, 31, 38, 44, 51)]
    assert all(later < earlier for earlier, later in pairwise(scores)), scores


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("kind", ["flicker", "freeze", "jitter"])
@pytest.mark.parametrize("texture", TEXTURES)
def test_the_temporal_score_falls_with_every_defect(texture, kind, seed):
    frames, at = world(texture), np.arange(36)
    damaged = (TEMPORAL[kind](lambda i: frames[i], 36, at, s, np.random.default_rng(seed)) for s in SEVERITIES)
    scores = [temporal(frames), *map(temporal, damaged)]
    assert all(later < earlier for earlier, later in pairwise(scores)), scores


def test_each_measure_sees_its_own_defect():
    frames, rng = world("leaves"), np.random.default_rng(0)
    clean = spatial_defects([luminance(f) for f in frames[::9]])
    still = temporal_defects([np.stack([luminance(f) for f in frames[:1].repeat(9, 0)])])
    assert spatial_defects([luminance(f) for f in SPATIAL["blur"](frames[::9], 1.0, rng)]).blur > clean.blur + 0.3
    assert spatial_defects([luminance(f) for f in SPATIAL["noise"](frames[::9], 1.0, rng)]).noise > clean.noise + 15
    assert (still.flicker, still.freeze, still.unsteadiness) == (0, 0, 0)  # a still life is not frozen
    assert temporal(frames) > 95


@pytest.mark.parametrize("frames", [np.zeros((1, 1, 1, 3)), np.full((4, 9, 101, 3), 255), np.zeros((5, 40, 40, 3))])
def test_odd_pictures_get_a_finite_score(frames):
    frames = frames.astype(np.uint8)
    assert 0 <= spatial(frames) <= 100
    if len(frames) > 2:
        assert temporal(frames) == 100


def test_files_images_and_world_clips(encode, tmp_path):
    judge = Technical()
    good = encode.video(tmp_path / "good.mp4", world("leaves"), size=(240, 180), options={"crf": "12"})
    frames = SPATIAL["blur"](world("leaves"), 0.8, np.random.default_rng(0))
    bad = encode.video(tmp_path / "bad.mp4", frames, size=(240, 180), options={"crf": "12"})
    assert judge.compare(str(good), str(bad)) == Preference("A")
    assert judge.compare(str(bad), str(good)) == Preference("B")
    assert judge.compare(str(bad), str(bad)) == Preference("tie")
    values = judge.score(str(good))
    assert set(values) == {"spatial", "temporal", "quality"}
    assert all(0 <= value <= 100 for value in values.values())
    Image.fromarray(world("leaves")[0]).save(tmp_path / "still.png")
    assert set(judge.score(str(tmp_path / "still.png"))) == {"spatial", "quality"}
    assert set(judge.score(clip_name("held_out", 3))) == {"spatial", "temporal", "quality"}
    assert isinstance(judge.compare(str(good), str(tmp_path / "still.png")), Missing)
    with pytest.raises(UnreadableVideo):
        judge.score(str(tmp_path / "none.mp4"))


def test_always_a():
    judge = AlwaysA()
    assert judge.compare("x", "y") == Preference("A")
    assert isinstance(judge.score("x"), Missing)
