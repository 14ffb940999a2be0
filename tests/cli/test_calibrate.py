"""``calibrate`` and ``score --scale``, from ratings of real clips to values on a scale."""

from __future__ import annotations

import csv
import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from helpers import records

import vqinsight
from vqinsight.calibration.scale import load_scale
from vqinsight.cli import options as opt
from vqinsight.cli.calibrate import calibrate
from vqinsight.results import ClipScore

Run = Callable[..., Any]
CLIPS = 24


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Scores a clip by the number in its name, whichever clips it is asked about."""

    class Steady(records.FakeJudge):
        def score_all(self, clips: Any, **settings: Any) -> Iterator[ClipScore]:
            for record in super().score_all(clips, **settings):
                if record.status == "ok":
                    number = float(re.sub(r"\D", "", Path(record.path).stem) or 0)
                    record = replace(record, scores={"quality": number}, overall=number)
                yield record

    return Steady()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, encode: ModuleType) -> Path:
    """Clips with more and more noise, and ratings that fall with it."""
    place = tmp_path_factory.mktemp("rated")
    random = np.random.default_rng(0)
    yes = [np.kron(random.integers(60, 200, (6, 8)), np.ones((8, 8)))[..., None] for _ in range(4)]
    rows = []
    for number in range(CLIPS):
        strength = (number * 7) % CLIPS  # no order of the table
        frames = [
            np.clip(np.repeat(yes[number % 4], 3, 2) + random.normal(0, strength, (48, 64, 1)), 0, 255).astype(np.uint8)
            for _ in range(4)
        ]
        encode.video(place / f"clip{number}.mp4", frames, options={"crf": "4"})
        rows.append((f"clip{number}.mp4", 5 - strength / 6, f"model {number // 4 % 3}"))
    with (place / "noise.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "rating", "generator"), *rows])
    return place


def test_from_ratings_to_values(run: Run, folder: Path, tmp_path: Path) -> None:
    done = run("calibrate", str(folder / "noise.csv"))
    assert done.exit_code == 0, done.stderr
    scale = load_scale("noise")
    assert scale.used == "measurements" and scale.better and scale.validations[0].grouping == "generator"
    for said in (
        "24 clips with 24 ratings, 3 generators; 0 left out.",
        "Every clip has one rating: how far raters differ is unknown.",
        "No figure by prompt: no clip has one.",
        "On clips of generators that were not fitted on (3 groups, 3 folds)",
        "By generator: better than the mean rating (RMSE -",
        "use it with score --scale noise",
    ):
        assert said in " ".join(done.stdout.split()), done.stdout
    best, worst = (str(folder / f"clip{number}.mp4") for number in (0, 17))  # strength 0, and 23
    done = run("score", best, worst, "--scale", "noise", "--out", "scores.csv")
    assert done.exit_code == 0, done.stderr
    assert "scale noise: " in done.stdout and "for 80 of 100 clips" in done.stdout
    with Path("scores.csv").open(encoding="utf-8", newline="") as file:
        high, low = (float(row["calibrated"]) for row in csv.DictReader(file))
    assert 5.1 > high > 4 > 3 > low > 1
    done = run("score", worst, "--scale", "noise", "--json")
    on = json.loads(done.stdout)["calibrated"]
    assert on["value"] == pytest.approx(low) and on["low"] < low < on["high"] and on["scale"] == "noise"
    assert run("score", worst, "--json").stdout.count('"calibrated": null') == 1


def test_a_folder_of_results_and_a_report_have_the_values(run: Run, folder: Path) -> None:
    assert run("calibrate", str(folder / "noise.csv"), "--out", "own.json", "--quiet").exit_code == 0
    clip = str(folder / "clip3.mp4")
    assert run("score", clip, "--scale", "own.json", "--out", "judged/").exit_code == 0
    (row,) = vqinsight.read_results("judged").to_pylist()
    assert row["scale"] == "own" and row["calibrated_low"] < row["calibrated"] < row["calibrated_high"]
    again = run("score", clip, "--out", "judged/")
    assert again.exit_code == 2 and "scale was 'own " in again.stderr
    assert run("score", clip, "--scale", "own.json", "--report", "page.html").exit_code == 0
    assert "own: " in Path("page.html").read_text(encoding="utf-8")


def test_left_out_clips_are_named_and_counted(run: Run, folder: Path) -> None:
    table = (folder / "noise.csv").read_text(encoding="utf-8")
    table += "gone.mp4,3,model 1\nbad.mp4,3,model 1\nclip1.mp4,high,model 0\n"
    more = folder / "more.csv"
    more.write_text(table, encoding="utf-8")
    done = run("calibrate", str(more))
    said = " ".join(done.stdout.split())
    assert done.exit_code == 0 and "24 clips with 24 ratings, 3 generators; 3 left out." in said
    assert "bad.mp4 left out: the file is empty" in said.replace(f"{folder}/", "")
    assert "more.csv, line 28 left out: rating 'high' is no number" in said
    assert len(load_scale("more").fitted_on.left_out) == 3


def test_another_model_is_refused_and_leaves_nothing(run: Run, folder: Path, judge: Any) -> None:
    assert run("calibrate", str(folder / "noise.csv"), "--quiet").exit_code == 0
    judge.weights = "ffffffffffff"
    done = run("score", str(folder / "clip3.mp4"), "--scale", "noise", "--out", "judged/")
    assert done.exit_code == 2 and "weights was '0123456789ab', is 'ffffffffffff'" in done.stderr
    assert not Path("judged").exists()
    done = run("score", str(folder / "clip3.mp4"), "--scale", "nose")
    assert done.exit_code == 2 and "There is no scale 'nose'" in done.stderr and "Named scales: noise" in done.stderr
    done = run("score", str(folder / "clip3.mp4"), "--scale", "noise", "--engine", "ray", "--out", "judged/")
    assert done.exit_code == 2 and "--scale measures clips here" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("c.mp4", 1)] * 30, "1 rated clips are too few for a scale: it takes at least 20"),
        ([(f"{i}.mp4", 3) for i in range(20)], "all ratings are 3: there is nothing to fit"),
        ([(f"{i}.mp4", "x") for i in range(20)], "line 2: rating 'x' is no number"),
        ([("bad.mp4", 1)] + [(f"bad{i}.mp4", i) for i in range(20)], "None of the 21 rated clips can be used"),
    ],
)
def test_what_no_scale_can_be_fitted_on(run: Run, rows: list[tuple[str, Any]], said: str) -> None:
    Path("r.csv").write_text("path,rating\n" + "".join(f"{a},{b}\n" for a, b in rows), encoding="utf-8")
    done = run("calibrate", "r.csv")
    assert done.exit_code == 2 and said in done.stderr and "Traceback" not in done.stderr
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--column", "score=x"], "write ROLE=COLUMN"),
        (["--column", "path=a", "--column", "path=b"], "path has one column, 2 are named"),
        (["--dimension", "charm"], "--dimension charm: the clips are scored on quality, overall"),
        (["--name", "a/b"], "no name of a scale"),
        (["--out", "scale.csv"], "unknown kind of file"),
    ],
)
def test_wrong_usage(run: Run, folder: Path, options: list[str], said: str) -> None:
    done = run("calibrate", str(folder / "noise.csv"), *options)
    assert done.exit_code == 2 and said in done.stderr


def test_a_scale_that_knows_nothing_says_so_when_it_is_used(run: Run, folder: Path) -> None:
    lines = (folder / "noise.csv").read_text(encoding="utf-8").splitlines()
    ratings = np.random.default_rng(1).permutation([line.split(",")[1] for line in lines[1:]])
    rows = [
        f"{line.split(',')[0]},{rating},{line.split(',')[2]}" for line, rating in zip(lines[1:], ratings, strict=True)
    ]
    (folder / "luck.csv").write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    done = run("calibrate", str(folder / "luck.csv"))
    assert done.exit_code == 0 and "not shown to be better than the mean rating" in " ".join(done.stdout.split())
    done = run("score", str(folder / "clip3.mp4"), "--scale", "luck")
    assert done.exit_code == 0 and "not shown to be better than the mean rating" in " ".join(done.stderr.split())


def test_a_scale_can_be_fitted_with_every_option_of_the_model_that_score_has() -> None:
    """A scale is refused for scores of other settings, so each of them has to be at hand."""
    assert {*opt.LOADING, *opt.SAMPLING} <= set(inspect.signature(calibrate).parameters)
