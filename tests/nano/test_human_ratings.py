"""The check on rated real clips: pairs, ties and missing answers, whole prompts drawn, and what a fit must not see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.encode import video

from benchmarks.nano.human_ratings import rounded
from benchmarks.nano.rated_clips import (
    FRAMES,
    REAL,
    SIDE,
    Pair,
    RatedClip,
    copies,
    fetv,
    other_pairs,
    same_prompt_pairs,
    various,
)
from benchmarks.nano.rated_figures import PENALTIES, figures, fit_chosen, fit_ridge, left_out, margins, pair_figures
from benchmarks.nano.rated_sources import GREY, GreyViews, Part, another
from benchmarks.nano.rated_statements import claims, sheet
from benchmarks.nano.rated_systems import Asked, answers_of, by_generator, model_systems, single
from vqinsight.errors import UnreadableVideo
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.sampling import Sampling


def clip(name: str, prompt: str, static: float, temporal: float, generator: str = "g") -> RatedClip:
    return RatedClip(name, Path(name), prompt, generator, {"static": static, "temporal": temporal})


CLIPS = [clip("a", "x", 1, 2), clip("b", "x", 3, 2), clip("c", "x", 2, 1, REAL), clip("d", "y", 5, 5)]


def test_pairs_are_of_one_prompt_and_decided() -> None:
    """b (2.5) beats a and c (1.5 each), which the mean of both ratings does not tell apart; d is alone."""
    found = same_prompt_pairs(CLIPS, "quality")
    assert {frozenset((pair.a, pair.b)) for pair in found} == {frozenset("ab"), frozenset("bc")}
    for pair in found:
        assert (pair.a if pair.better > 0 else pair.b) == "b"
        assert pair.generated == ("c" not in (pair.a, pair.b))
    temporal = same_prompt_pairs(CLIPS, "temporal")
    assert {frozenset((pair.a, pair.b)) for pair in temporal} == {frozenset("ac"), frozenset("bc")}


def test_a_tie_counts_a_half_and_a_missing_answer_is_left_out() -> None:
    pairs = [Pair("a", "b", "x", 1), Pair("a", "c", "x", -1), Pair("b", "c", "y", 1), Pair("a", "d", "y", 1)]
    answers = {"a": {"quality": 2.0}, "b": {"quality": 1.0}, "c": {"quality": 1.0}}
    found = pair_figures(pairs, margins(answers, pairs, "quality"))
    assert (found["n"], found["ties"], found["missing"]) == (3, 1, 1)
    assert found["value"] == pytest.approx((1 + 0 + 0.5) / 3)


def test_a_rating_is_compared_with_its_own_score() -> None:
    pairs = [Pair("a", "b", "x", 1)]
    answers = {"a": {"spatial": 1.0, "quality": 0.0}, "b": {"spatial": 0.0, "quality": 1.0}}
    assert margins(answers, pairs, "static") == [1.0]
    assert margins(answers, pairs, "temporal") == [-1.0]


def test_intervals_draw_whole_prompts() -> None:
    """All pairs of one prompt are right, all of the other wrong: a resample has a share of 0, a half or 1."""
    pairs = [Pair("a", "b", prompt, 1) for prompt in "x" * 50 + "y" * 50]
    found = pair_figures(pairs, [1.0] * 50 + [-1.0] * 50)
    assert found["value"] == 0.5
    assert (found["interval"]["low"], found["interval"]["high"]) == (0.0, 1.0)


def test_the_figures_of_a_perfect_system_and_of_always_a() -> None:
    answers = {each.name: {"quality": each.rating("quality")} for each in CLIPS}
    found = figures(CLIPS, answers)
    assert found["pairs"]["quality"]["value"] == 1 and found["missing"] == 0
    assert found["generated_pairs"]["quality"]["n"] == 1
    assert found["srcc"]["quality"]["value"] == pytest.approx(1)
    assert found["srcc"]["temporal"]["value"] is None  # it has no temporal score
    always = figures(CLIPS, None)
    firsts = [pair.better > 0 for pair in same_prompt_pairs(CLIPS, "quality")]
    assert always["pairs"]["quality"]["value"] == np.mean(firsts)


def test_the_ridge_fit_is_the_closed_form_and_fills_what_is_missing() -> None:
    x = np.array([[1.0, np.nan], [2.0, 4.0], [3.0, 6.0]])
    y = np.array([[1.0], [2.0], [3.0]])
    fit = fit_ridge(x, y, 1e-9)
    assert fit(x)[:, 0] == pytest.approx([1, 2, 3], abs=1e-6)
    assert fit(np.array([[2.0, np.nan]]))[0] == pytest.approx(fit(np.array([[2.0, 5.0]]))[0])  # 5 is the median
    strong = fit_ridge(x, y, 1e9)
    assert strong(x)[:, 0] == pytest.approx([2, 2, 2], abs=1e-3)


def test_no_fit_sees_its_own_prompt() -> None:
    rng = np.random.default_rng(0)
    x, y, groups = rng.normal(size=(12, 3)), rng.normal(size=(12, 2)), list("aaabbbcccddd")
    before = left_out(x, y, groups)
    changed = y.copy()
    changed[:3] += 100
    after = left_out(x, changed, groups)
    assert after[:3] == pytest.approx(before[:3])
    assert not np.allclose(after[3:], before[3:])


def test_the_penalty_is_one_of_those_tried() -> None:
    rng = np.random.default_rng(1)
    x, groups = rng.normal(size=(40, 2)), [str(i // 4) for i in range(40)]
    noise, relation = rng.normal(size=(40, 1)), x @ np.array([[3.0], [-2.0]])
    assert (
        np.abs(fit_chosen(x, relation, groups).weights).sum() > 10 * np.abs(fit_chosen(x, noise, groups).weights).sum()
    )
    assert min(PENALTIES) > 0


def test_a_generator_is_known_by_its_other_prompts() -> None:
    clips = [
        clip("a1", "x", 1, 1, "a"),
        clip("b1", "x", 5, 5, "b"),
        clip("a2", "y", 2, 2, "a"),
        clip("b2", "y", 3, 3, "b"),
    ]
    found = by_generator(clips)
    assert found["a1"] == {"spatial": 2.0, "temporal": 2.0, "quality": 2.0}
    assert found["b2"]["quality"] == 5.0


def test_less_is_better() -> None:
    measured = {"a": {"values": {"blur": 0.9, "motion": 3.0}}, "b": {"values": {}}, "c": {"missing": "bad file"}}
    assert single(measured, "blur") == {"a": {"quality": -0.9}}
    assert single(measured, "motion") == {"a": {"quality": -3.0}}


def test_a_models_quality_is_the_mean_of_its_visual_scores() -> None:
    said = {
        "a": {
            "natural": {"scores": {"quality": 40}},
            "generated": {"scores": {"spatial": 20, "temporal": 60}},
            "prompted": {"scores": {"alignment": 5}, "missing": "no temporal"},
        },
        "b": {"missing": "unreadable"},
    }
    assert answers_of(said, "generated") == {"a": {"spatial": 20, "temporal": 60, "quality": 40}}
    assert set(model_systems(Asked("nano"), said)) == {"nano", "nano, as generated", "nano, from the prompt"}
    assert "quality" not in answers_of(said, "prompted")["a"]


def test_what_is_known_is_kept_and_a_bad_file_is_named(tmp_path: Path) -> None:
    asked = []

    def source(each: RatedClip) -> dict[str, object]:
        asked.append(each.name)
        if each.name == "b":
            raise UnreadableVideo("b", "empty", "Get it again")
        return {"scores": {"quality": 1.0}}

    Part(tmp_path / "part.json").fill(CLIPS[:2], lambda: source)
    found = Part(tmp_path / "part.json").fill(CLIPS[:3], lambda: source)
    assert asked == ["a", "b", "c"]
    assert "empty" in found["b"]["missing"] and found["a"]["scores"] == {"quality": 1.0}


@pytest.mark.parametrize("size", [(64, 48), (48, 80)])
def test_copies_have_one_size_and_length(tmp_path: Path, size: tuple[int, int]) -> None:
    path = video(tmp_path / "long.mp4", 30, size=size, fps=25)
    [copy] = copies([RatedClip("long.mp4", path, "", "g", {})], tmp_path / "copies")
    info = probe(copy.path)
    assert (info.width, info.height, info.frames) == (SIDE, SIDE, FRAMES)
    source = [frame for _, frame in iter_frames(probe(path), range(7, 23))]  # 16 in the middle of 30
    for (_, shown), frame in zip(iter_frames(info, range(FRAMES)), source, strict=True):
        assert shown.mean() == pytest.approx(square_mean(frame), abs=3)


def square_mean(frame: np.ndarray) -> float:
    height, width = frame.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return float(frame[top : top + side, left : left + side].mean())


def test_blanked_frames_are_grey_and_the_real_ones_are_still_read() -> None:
    seen: list[np.ndarray] = []
    read: list[int] = []

    class Builder:
        extra = ()

        def build(self, frames: object, sampling: object, spec: object) -> tuple[()]:
            seen.extend(frame for _, frame in frames)  # type: ignore[attr-defined]
            return ()

    def frames() -> object:
        for index in range(3):
            read.append(index)
            yield index, np.full((4, 4, 3), index, np.uint8)

    sampling = Sampling((0, 1, 2), (0.0, 1.0, 2.0), 1.0, 3, 1.0, 3.0, "all")
    GreyViews(Builder()).build(frames(), sampling, None)  # type: ignore[arg-type]
    assert read == [0, 1, 2] and all((frame == GREY).all() and frame.shape == (4, 4, 3) for frame in seen)


def test_another_clip_has_another_prompt() -> None:
    ordered = [clip("a", "x", 1, 1), clip("b", "x", 1, 1), clip("c", "y", 1, 1)]
    assert [another(each, ordered).name for each in ordered] == ["c", "c", "a"]


def test_a_claim_is_a_defect_that_is_named_and_not_denied() -> None:
    text = "<think>A scene. The frames show blur, mild. In motion it shows no defect.</think><answer>no noise</answer>"
    assert claims(text) == ["blur"]
    assert claims("There is no blur. Without noise; not frozen.") == []
    assert claims("Jitter is severe. The frames show compression artefacts.") == ["jitter", "compression artefacts"]


def test_a_sheet_does_not_name_its_clips() -> None:
    page = sheet(CLIPS[:1], {"a": {"natural": {"text": "<think>blur</think>"}}}, {"a": [b"jpeg"]})
    assert "&lt;think&gt;blur" in page and "data:image/jpeg;base64," in page and ">a<" not in page


def test_numbers_are_rounded() -> None:
    assert rounded({"a": [0.123456, 3, None, "x"]}) == {"a": [0.1235, 3, None, "x"]}


def test_the_rated_clips_are_those_of_the_shared_folder(shared: Path) -> None:
    clips = fetv(shared)
    rated = [each for each in clips if each.rated]
    assert (len(clips), len(rated), len({each.prompt for each in rated})) == (94, 40, 8)
    pairs = same_prompt_pairs(clips, "quality")
    assert (len(pairs), sum(pair.generated for pair in pairs)) == (77, 46)
    assert len(various(shared)) == 25
    names = {each.name for each in various(shared)}
    assert {name for pair in other_pairs(shared) for name in (pair.a, pair.b)} <= names
