"""Several systems on the same clips: one that fails harms no other, no clip is scored or decoded twice."""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from vqinsight.baselines.agreement import agreements, disagreements, ranked, standings
from vqinsight.baselines.frames import KeptFrames, chosen_frames
from vqinsight.baselines.sampling import evenly
from vqinsight.baselines.side_by_side import Choice, ClipResult, SystemResult, read_choices, score_all
from vqinsight.baselines.technical import Technical
from vqinsight.cli.main import app
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Missing
from vqinsight.video.entries import entries


def result(label: str, *overall: float | None, dimensions: tuple[str, ...] = ("quality",)) -> SystemResult:
    clips = tuple(
        ClipResult(Missing("no answer") if value is None else dict.fromkeys(dimensions, value), value, 2.0)
        for value in overall
    )
    return SystemResult(Choice(label, "technical"), label, clips, {}, None, {}, (), 0.0, None)


def test_agreement_by_hand() -> None:
    a, b, c = result("a", 1, 2, 3, 4), result("b", 10, 20, 40, 30), result("c", 5, None, 1, None)
    found = {(each.a, each.b): each for each in agreements([a, b, c])}
    assert found["a", "b"].srcc == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)
    assert (found["a", "c"].n, found["a", "c"].srcc) == (2, None)
    assert standings(a) == {0: 0, 1: pytest.approx(1 / 3), 2: pytest.approx(2 / 3), 3: 1}
    assert standings(result("ties", 1, 1, 2)) == {0: 0.25, 1: 0.25, 2: 1}
    (first, *_) = disagreements([a, b, c])
    assert (first.place, first.spread) == (0, 1)
    assert first.standing == {"a": 0, "b": 0, "c": 1}
    assert c.seconds == 2.0


def test_scores_of_other_dimensions_are_not_ranked_together() -> None:
    mixed = result("m", 1, 2, 3)
    other = ClipResult({"spatial": 9.0, "temporal": 9.0}, 9.0, 1.0)
    both = SystemResult(mixed.choice, "m", (*mixed.clips, other), {}, None, {}, (), 0.0, None)
    assert ranked(both) == {0: 1, 1: 2, 2: 3}


@pytest.fixture
def predictions(clips: tuple[str, str], tmp_path: Path) -> str:
    file = tmp_path / "ugvq.csv"
    file.write_text(f"path,spatial,temporal\n{clips[0]},60,50\n{clips[1]},70,60\n")
    return str(file)


def test_a_system_that_fails_harms_no_other(clips: tuple[str, str], predictions: str, tmp_path: Path, monkeypatch: Any):
    choices = [
        Choice("q_align", "q_align"),
        Choice("technical", "technical"),
        Choice("u", "ugvq", {"predictions": predictions}),
    ]
    (tmp_path / "no.mp4").write_bytes(b"no video")
    rows = entries([(clips[0], None), (str(tmp_path / "no.mp4"), None), (clips[1], None)])
    scored = []
    original = Technical.score
    monkeypatch.setattr(Technical, "score", lambda self, *given: (scored.append(given[0]), original(self, *given))[1])

    def run() -> list[SystemResult]:
        return list(score_all(choices, rows, tmp_path, KeptFrames(tmp_path / "f"), print))

    (tmp_path / "f").mkdir()
    broken, technical, published = run()
    assert all("no environment" in clip.scores.reason for clip in broken.clips)
    assert [isinstance(clip.scores, Missing) for clip in technical.clips] == [False, True, False]
    assert "no.mp4" in technical.clips[1].scores.reason
    assert published.clips[0].scores == {"spatial": 60, "temporal": 50}
    assert published.clips[0].overall == 55
    assert len(scored) == 3
    (journal,) = tmp_path.glob("technical-*.jsonl")
    with journal.open("a") as file:
        file.write('{"id": "torn')  # the end of a run that was killed
    again = run()[1]
    assert [clip.overall for clip in again.clips] == [clip.overall for clip in technical.clips]
    assert len(scored) == 4  # the damaged one, once more


def test_scores_of_other_options_are_not_reused(clips: tuple[str, str], predictions: str, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(Path(predictions).read_text().replace("60,50", "10,10"))
    rows, frames = entries([(clips[0], None)]), KeptFrames(tmp_path)
    found = [
        next(score_all([Choice("u", "ugvq", {"predictions": file})], rows, tmp_path, frames, print)).clips[0].overall
        for file in (predictions, str(other), predictions)
    ]
    assert found == [55, 10, 55]


def test_frames_are_decoded_once(clips: tuple[str, str], tmp_path: Path) -> None:
    kept = KeptFrames(tmp_path)
    plain = chosen_frames(clips[0], partial(evenly, count=5))
    for _ in range(2):
        found = kept.read(clips[0], partial(evenly, count=5))
        assert list(found) == list(plain)
        assert all(np.array_equal(found[index], plain[index]) for index in plain)
    kept.read(clips[0], partial(evenly, count=5))
    assert kept.decoded == 1
    kept.read(clips[1], partial(evenly, count=5))
    kept.read(clips[0], partial(evenly, count=6))
    assert kept.decoded == 3


@pytest.mark.parametrize(
    ("systems", "options", "said"),
    [
        ("always_a", [], "scores no single clips"),
        ("technical,technical", [], "named twice"),
        ("technicl", [], "technical"),
        ("technical", [("nano.model", "x")], "LABEL.KEY=VALUE"),
        ("technical", [("technical.colour", "x")], "colour"),
        (" , ", [], "Name the systems"),
    ],
)
def test_wrong_systems_are_refused(systems: str, options: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_choices(systems, options)


def test_the_verb(clips: tuple[str, str], predictions: str, tmp_path: Path) -> None:
    out = tmp_path / "side <by> side"
    given = [
        "compare-systems",
        *clips,
        "--systems",
        "technical,u=ugvq",
        "--system-option",
        f"u.predictions={predictions}",
    ]
    shown = CliRunner().invoke(app, [*given, "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    assert "2 of 2" in shown.output
    page = (out / "index.html").read_text()
    assert "Where they disagree most" in page or "technical" in page
    assert "<script" not in page
    with (out / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["system"], row["dimension"]) for row in rows} >= {("u", "spatial"), ("technical", "quality")}
    told = json.loads(CliRunner().invoke(app, [*given, "--json", "--quiet"]).stdout)
    assert told["systems"][1]["scores"] == [{"spatial": 60, "temporal": 50}, {"spatial": 70, "temporal": 60}]
    assert CliRunner().invoke(app, ["compare-systems", *clips, "--systems", "always_a"]).exit_code == 2
