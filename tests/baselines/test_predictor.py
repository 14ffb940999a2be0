"""A baseline answers a benchmark's examples: scores, margins, and what it cannot answer."""

from __future__ import annotations

import pytest

from vqinsight.baselines.always_a import AlwaysA
from vqinsight.baselines.open import open_baseline
from vqinsight.baselines.predictor import BaselinePredictor
from vqinsight.baselines.technical import Technical
from vqinsight.tasks.types import Clip, Example, Preference, Question, Score, Verdict


def scored(path, **values) -> Example:
    return Example(path, Question("natural", (Clip(path),)), Score(values), (0.0, 100.0))


def pair(a, b) -> Example:
    return Example("pair", Question("compare", (Clip(a), Clip(b))), Preference("B"))


def test_scores_and_their_ranges(clips):
    judge = BaselinePredictor(Technical())
    asked = scored(clips[0], quality=50, alignment=9), scored(clips[0], beauty=1), scored("none", quality=1)
    good, odd, gone = judge.answer(asked)
    assert good.outcome == "ok"
    assert set(good.scores) == {"quality"}  # what it has no opinion about is left out
    assert good.ranges == {"quality": (0.0, 100.0)}
    assert (odd.outcome, odd.reason) == ("missing", "technical does not score beauty")
    assert gone.outcome == "unreadable"
    (yes,) = judge.answer([Example("q", Question("yesno", (Clip(clips[0]),), "Is it?"), Verdict(True))])
    assert yes.outcome == "missing"


def test_margins(clips, tmp_path):
    technical = Technical()
    (margin,) = BaselinePredictor(technical).answer([pair(*clips)])
    values = [technical.score(clip)["quality"] for clip in clips]
    assert margin.margin == pytest.approx(values[0] - values[1])
    (always,) = BaselinePredictor(AlwaysA()).answer([pair(*clips)])
    assert always.margin == 1
    assert BaselinePredictor(AlwaysA()).answer([scored(clips[0], quality=1)])[0].outcome == "missing"
    (tmp_path / "p.csv").write_text(f"path_a,path_b,choice\n{clips[1]},{clips[0]},A\n")
    published = BaselinePredictor(open_baseline("videoscore", predictions=tmp_path / "p.csv"))
    assert published.answer([pair(*clips)])[0].margin == -1
    assert published.answer([pair(clips[0], "x")])[0].outcome == "missing"


def test_rows_about_nothing_that_is_asked_are_counted(tmp_path):
    (tmp_path / "p.csv").write_text("path_a,path_b,choice\na,b,A\nd,c,B\nx,y,A\n")
    judge = BaselinePredictor(open_baseline("videoscore", predictions=tmp_path / "p.csv"))
    asked = [pair("a", "b"), pair("c", "d")]  # in either order
    assert judge.notes(asked) == ("1 rows of the predictions are about nothing that is asked, such as x and y",)
    assert judge.notes([*asked, pair("x", "y")]) == () and BaselinePredictor(AlwaysA()).notes(asked) == ()


def test_other_weights_or_files_are_another_judge(tmp_path):
    (tmp_path / "p.csv").write_text("path,quality\na.mp4,1\n")
    first = BaselinePredictor(open_baseline("fast_vqa", predictions=tmp_path / "p.csv"))
    (tmp_path / "p.csv").write_text("path,quality\na.mp4,2\n")
    assert BaselinePredictor(open_baseline("fast_vqa", predictions=tmp_path / "p.csv")).digest != first.digest


def test_other_options_are_another_judge():
    one, two = (BaselinePredictor(AlwaysA(), {"frames": frames}) for frames in (1, 2))
    assert one.digest != two.digest
    assert one.name == "always_a"
    assert one.settings["frames"] == 1
