"""From a seed to a clip: the same every time, of the right split, with the quality its defects say."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from helpers.pictures import unpainted

from vqinsight.errors import ModelError
from vqinsight.synthetic import defects_spatial, generate, photos, textures
from vqinsight.synthetic.camera_motion import Handling
from vqinsight.synthetic.captions import FACT_NAMES, Facts
from vqinsight.synthetic.defects_spatial import h264_round_trip
from vqinsight.synthetic.defects_temporal import NEEDS_MOTION, TEMPORAL
from vqinsight.synthetic.describe import Defect, GroundTruth
from vqinsight.synthetic.generate import draw_clip, draw_siblings, draw_truth, overall, quality, without_prompt
from vqinsight.synthetic.scene import render

FACTS = Facts(2, "red", "star", "up")


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[generate.SyntheticClip]]:
    """600 clips of each split, with backgrounds of one pixel, which cost nothing to paint or keep."""
    with unpainted():
        return {split: [draw_clip(seed, split) for seed in range(600)] for split in ("train", "held_out")}


def test_held_out_backgrounds_are_never_trained_on(drawn):
    trained, held_out = ({clip.kind for clip in drawn[split]} for split in ("train", "held_out"))
    assert trained == {*textures.TRAINED, *photos.TRAINED}
    assert held_out == {*textures.HELD_OUT, *photos.HELD_OUT}
    assert not trained & held_out


def test_the_splits_draw_different_clips(drawn):
    assert sum(a.truth == b.truth for a, b in zip(drawn["train"], drawn["held_out"], strict=True)) < 6


def test_severities_cover_their_range(drawn):
    for split in drawn:
        for family in ("spatial", "temporal"):
            defects = [getattr(clip.truth, family) for clip in drawn[split]]
            severities = [defect.severity for defect in defects if defect]
            assert 0.1 <= min(severities) < 0.12
            assert 0.98 < max(severities) <= 1.0
            assert len(severities) / len(defects) == pytest.approx(0.7, abs=0.06)


def test_every_fact_is_got_wrong_sometimes(drawn):
    for split in drawn:
        prompted = [clip for clip in drawn[split] if clip.prompt is not None]
        assert len(prompted) > 250
        for name in FACT_NAMES:
            share = np.mean([name in clip.truth.wrong for clip in prompted])
            assert 0.07 < share < 0.25
        assert 0.3 < np.mean([clip.truth.wrong == () for clip in prompted]) < 0.8


def test_a_prompt_states_the_claim(drawn):
    for clip in drawn["train"]:
        assert (clip.prompt is None) == (clip.truth.claim is None)
        if clip.prompt is not None:
            assert clip.truth.facts is not None
            assert {clip.truth.claim.colour, clip.truth.claim.direction} <= set(clip.prompt.replace(",", "").split())


def test_defects_that_need_motion_are_put_where_something_moves(drawn):
    still = [
        clip
        for clip in drawn["train"]
        if clip.truth.facts is None and clip.truth.camera == "still" and not clip.scene.handling.movers
    ]
    assert still
    for clip in still:
        assert clip.truth.temporal is None or clip.truth.temporal.kind not in NEEDS_MOTION
    moving = {clip.truth.temporal.kind for clip in drawn["train"] if clip.truth.temporal}
    assert moving == set(TEMPORAL)


def test_sizes_and_lengths(drawn):
    """A fifth of the scenes trained on are larger than any held-out one, nearer to real clips."""
    clips = drawn["train"]
    sides = {
        split: [min(clip.scene.width, clip.scene.height) for clip in of_split] for split, of_split in drawn.items()
    }
    assert set(sides["held_out"]) == {112, 128, 144, 160, 192, 224}
    assert set(sides["train"]) == set(sides["held_out"]) | {240, 256, 270}
    assert 0.1 < np.mean(np.array(sides["train"]) >= 240) < 0.3
    assert {clip.scene.width > clip.scene.height for clip in clips} == {True, False}
    assert min(clip.scene.frames for clip in clips) == 16
    assert 100 < max(clip.scene.frames for clip in clips) <= 240
    assert 60 < max(clip.scene.frames for clip in drawn["held_out"]) <= 64


@pytest.mark.parametrize("split", ["train", "held_out"])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_is_the_same_clip(split, seed):
    one, same = draw_clip(seed, split), draw_clip(seed, split)
    assert (one.truth, one.prompt, one.seed, one.kind) == (same.truth, same.prompt, same.seed, same.kind)
    assert one.scene.background.tobytes() == same.scene.background.tobytes()
    at = np.arange(0, one.scene.frames, 5)
    frames = one.frames(at)
    assert frames.shape == (len(at), one.scene.height, one.scene.width, 3) and frames.dtype == np.uint8
    np.testing.assert_array_equal(frames, same.frames(at))
    other = draw_clip(seed + 1, split)
    assert (other.seed, other.truth) != (one.seed, one.truth)


def unencoded(frames, crf, fps=24):
    return frames


@pytest.mark.parametrize("seed", [0, 2, 5, 6, 7, 8, 9, 13])  # of the first 14, small ones with every kind among them
def test_looking_at_few_frames_is_looking_at_all(seed, monkeypatch):
    """But for the codec, which needs a stretch of frames, and for noise, which is new for every frame looked at."""
    monkeypatch.setattr(generate, "h264_round_trip", unencoded)
    monkeypatch.setattr(defects_spatial, "h264_round_trip", unencoded)
    clip = draw_clip(seed)
    if clip.truth.spatial is not None and clip.truth.spatial.kind == "noise":
        clip = replace(clip, truth=replace(clip.truth, spatial=Defect("blur", clip.truth.spatial.severity)))
    everything = clip.frames(np.arange(clip.scene.frames))
    assert len(everything) == clip.scene.frames
    last = clip.scene.frames - 1
    for at in ([0, last], [3, 4, 9], [last, 5, 5]):
        np.testing.assert_array_equal(clip.frames(np.array(at)), everything[at])


def test_some_clips_are_encoded_even_when_they_are_clean(drawn, monkeypatch):
    calls = []

    def counted(frames, crf):
        calls.append(crf)
        return frames

    def painted(scene, seed, at):
        return np.zeros((len(at), 32, 32, 3), np.uint8)

    monkeypatch.setattr(generate, "h264_round_trip", counted)
    monkeypatch.setattr(generate, "_render_once", painted)
    for clip in drawn["train"][:40]:
        clip.frames(np.array([0, 1]))
    assert 8 <= len(calls) <= 28
    assert all(14 <= crf <= 25 for crf in calls)


def test_siblings_share_the_prompt_and_differ_in_what_went_wrong():
    clips = draw_siblings(11, 6, prompt=True)
    assert len({clip.prompt for clip in clips}) == len({clip.kind for clip in clips}) == 1
    assert len({(clip.scene.width, clip.scene.height, clip.scene.frames) for clip in clips}) == 1
    assert len({clip.truth.claim for clip in clips}) == 1
    assert all(clip.scene.background is clips[0].scene.background for clip in clips)
    assert len({clip.truth for clip in clips}) == len({clip.seed for clip in clips}) == 6


def test_one_sibling_is_the_clip_of_that_seed():
    assert draw_siblings(4, 1)[0].truth == draw_clip(4).truth


@pytest.mark.parametrize("seed", range(6))
def test_a_prompt_can_be_forced_or_forbidden(seed):
    assert draw_clip(seed, prompt=True).prompt is not None
    assert draw_clip(seed, prompt=False).prompt is None


def test_taking_the_prompt_away():
    clip = draw_clip(0, prompt=True)
    bare = without_prompt(clip)
    assert (bare.prompt, bare.truth.claim) == (None, None)
    assert set(clip.quality) - set(bare.quality) == {"alignment"}
    assert (bare.scene, bare.seed, bare.truth.facts) == (clip.scene, clip.seed, clip.truth.facts)


@pytest.mark.parametrize(
    ("spatial", "temporal", "claim", "wanted", "mean"),
    [
        (None, None, None, {"spatial": 100, "temporal": 100}, 100),
        # 100 - 90 * 1 = 10;  100 - 90 * 0.5 = 55
        (Defect("blur", 1.0), Defect("jitter", 0.5), None, {"spatial": 10, "temporal": 55}, 32.5),
        (None, Defect("flicker", 0.1), FACTS, {"spatial": 100, "temporal": 91, "alignment": 100}, 97),
        # Colour and direction are wrong: 100 * (1 - 2/4) = 50
        (
            Defect("noise", 0.2),
            None,
            Facts(2, "blue", "star", "down"),
            {"spatial": 82, "temporal": 100, "alignment": 50},
            232 / 3,
        ),
        (None, None, Facts(1, "blue", "circle", "left"), {"spatial": 100, "temporal": 100, "alignment": 0}, 200 / 3),
    ],
)
def test_quality_by_hand(spatial, temporal, claim, wanted, mean):
    truth = GroundTruth(FACTS, "still", spatial, temporal, claim)
    assert quality(truth) == pytest.approx(wanted)
    assert overall(truth) == pytest.approx(mean)


def test_a_clip_knows_its_quality():
    clip = draw_clip(2)
    assert clip.quality == quality(clip.truth)


@pytest.mark.parametrize("name", [*photos.TRAINED, *photos.HELD_OUT])
def test_photographs(name):
    photo = photos.photo(name)
    assert photo.dtype == np.uint8 and photo.ndim == 3 and photo.shape[2] == 3
    assert min(photo.shape[:2]) >= 1.2 * 112  # a sharp frame of the smallest size can be cut from it
    assert photo.std() > 10


@pytest.mark.parametrize(("name", "package"), [("chelsea", "skimage"), ("china", "sklearn"), ("eagle", "foolbox")])
def test_a_missing_package_is_named(name, package, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: None if asked == package else find_spec(asked))
    photos.photo.cache_clear()
    with pytest.raises(ModelError, match=rf"{name}.*{package}.*pip install 'vqinsight\[photos\]'"):
        photos.photo(name)


def test_photographs_that_are_not_installed_are_left_out_of_training(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(photos, "_folder", lambda _name: None)
    photos.trained.cache_clear()
    photos.photo.cache_clear()
    try:
        kinds = {draw_clip(seed, "train").kind for seed in range(30)}
        with pytest.raises(ModelError, match=r"vqinsight\[photos\]"):  # what is compared is the same everywhere
            for seed in range(30):
                draw_clip(seed, "held_out")
    finally:
        photos.trained.cache_clear()
    assert kinds <= {*textures.TRAINED} - {"mirrors"} and len(kinds) > 3
    assert len(caplog.records) == 1 and "34 of 34 photographs are left out" in caplog.text


def test_photographs_too_small_for_a_sharp_frame_are_left_out():
    assert "coins" in generate._large_enough(photos.TRAINED, 112, 112)
    assert "coins" not in generate._large_enough(photos.TRAINED, 224, 398)  # it is 303 x 384
    assert "astronaut" in generate._large_enough(photos.TRAINED, 224, 398)


def test_a_trained_photograph_is_shrunk_by_any_amount_that_leaves_a_sharp_frame() -> None:
    widths = set()
    for seed in range(60):
        name, image = generate.draw_background(np.random.default_rng(seed), "train", 112, 112)
        if name in photos.TRAINED:
            tall, wide = photos.photo(name).shape[:2]
            assert 1.2 * 112 <= image.height <= tall and 1.2 * 112 <= image.width <= wide
            assert image.width / wide == pytest.approx(image.height / tall, abs=0.01)
            widths.add(image.width / wide)
    assert len(widths) > 10 and min(widths) < 0.6
    name, image = generate.draw_background(np.random.default_rng(2), "held_out", 112, 112)
    assert (image.height, image.width) == photos.photo(name).shape[:2]  # as it is: figures stay comparable


def test_a_clip_is_the_same_every_time() -> None:
    """To the last bit, encoders included: training, evaluation and tests rely on it."""
    for seed in range(12):
        clip = draw_clip(seed)
        at = np.arange(0, clip.scene.frames, 3)
        frames = clip.frames(at)
        assert np.array_equal(clip.frames(at), frames), clip.truth


def test_the_encoder_gives_the_same_bytes_every_time() -> None:
    scene = draw_clip(28).scene
    frames = render(scene, 28, np.arange(0, scene.frames, 2))
    assert len({h264_round_trip(frames, 18).tobytes() for _ in range(8)}) == 1


def test_only_what_is_trained_on_is_handled(drawn) -> None:
    """Held-out clips stay as they are: figures stay comparable."""
    scenes = [clip.scene for clip in drawn["train"][:120]]
    handled = [scene.handling for scene in scenes]
    assert 30 < sum(each.sway > 0 for each in handled) < 80
    assert 20 < sum(each.pace != 0 for each in handled) < 60
    assert 8 < sum(each.movers > 0 for each in handled) < 50
    assert 0 < sum(each.cut > 0 for each in handled) < 15
    assert 6 < sum(each.drift > 0 for each in handled) < 36
    assert 4 < sum(scene.frames > 64 for scene in scenes) < 40
    assert all(not (scene.handling.movers or scene.handling.cut) for scene in scenes if scene.facts is not None)
    held_out = [clip.scene for clip in drawn["held_out"]]
    assert all(scene.handling == Handling() and scene.frames <= 64 for scene in held_out)


def test_what_moves_on_its_own_can_freeze() -> None:
    """A still camera is no reason against a defect that needs motion where something else moves."""
    rng = np.random.default_rng(0)
    truths = [draw_truth(rng, None, shapes=False, movers=True) for _ in range(300)]
    still = {truth.temporal.kind for truth in truths if truth.camera == "still" and truth.temporal}
    assert set(NEEDS_MOTION) <= still
