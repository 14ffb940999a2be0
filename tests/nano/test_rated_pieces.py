"""The pieces of the check on rated real clips, from what sources say to tables and sheets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.encode import video

from benchmarks.nano import human_ratings, rated_ladders, rated_statements, rated_systems
from benchmarks.nano.human_ratings import elsewhere, rounded
from benchmarks.nano.rated_clips import (
    REAL,
    RatedClip,
    various,
)
from benchmarks.nano.rated_sources import CONTROLS, Model, assessor, measurements
from benchmarks.nano.rated_systems import Asked, Known
from tools import figures_ratings
from vqinsight.measure.quantities import QUANTITIES


def clip(name: str, prompt: str, static: float, temporal: float, generator: str = "g") -> RatedClip:
    return RatedClip(name, Path(name), prompt, generator, {"static": static, "temporal": temporal})


@pytest.mark.slow
def test_controls_of_a_model_that_reads_evidence(tmp_path: Path) -> None:
    """Removed, another clip's, or kept with grey frames; nano stands for any model, and answers each time."""
    rng = np.random.default_rng(0)
    grain = [np.kron(rng.integers(0, 256, (12, 16, 3), np.uint8), np.ones((4, 4, 1), np.uint8)) for _ in range(8)]
    flat = [np.full((48, 64, 3), 20 * i + 40, np.uint8) for i in range(8)]
    paths = [video(tmp_path / f"{name}.mp4", frames) for name, frames in (("x", grain), ("y", flat))]
    clips = [RatedClip(path.name, path, f"prompt {path.stem}", "g", {}) for path in paths]
    models = {control: Model(assessor("nano", True), control, clips) for control in ("", *CONTROLS)}
    shown = {control: model.shown(clips[0]) for control, model in models.items()}
    other = models[""].shown(clips[1])
    assert shown[""].input.evidence and shown[""].input.evidence != other.input.evidence
    assert shown["removed"].input.evidence is None
    assert shown["swapped"].input.evidence == other.input.evidence
    assert shown["blanked"].input.evidence == shown[""].input.evidence
    for control in ("removed", "swapped"):
        assert torch.equal(shown[control].views[0].patches, shown[""].views[0].patches)
    blank = shown["blanked"].views[0].patches
    assert blank.shape == shown[""].views[0].patches.shape and blank.std(0).max() < 1e-5
    said = models["blanked"](clips[0])
    assert set(said) == {"natural", "generated", "prompted"} and all(each["text"] for each in said.values())


@pytest.mark.slow
def test_ladders_of_one_content(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ridge stand-in reads one measurement, which follows its own defect; nothing is measured twice."""
    monkeypatch.setattr(rated_ladders, "MOVING", {"plain/imageio_realshort.mp4": (0, 8), "generated/none.mp4": (0, 1)})
    monkeypatch.setattr(rated_ladders, "KINDS", {"spatial": ("blur",), "temporal": ("tearing",)})
    monkeypatch.setattr(rated_systems, "assessor", lambda *_: None)
    monkeypatch.setattr(rated_systems, "Model", lambda *_: told)
    blur, models = list(QUANTITIES).index("blur"), [Asked("nano")]

    def ridge(x: np.ndarray) -> np.ndarray:
        return np.stack([-x[:, blur], x[:, blur]], 1)

    found = rated_ladders.ladders(Known(tmp_path, models), shared, ridge)  # type: ignore[arg-type]
    row = found["ridge on measurements"]["blur"]
    assert row["spatial"]["srcc"] == pytest.approx(1) and row["temporal"]["srcc"] == pytest.approx(-1)
    assert row["quality"]["constant"] == 1 and row["quality"]["srcc"] == 0
    assert set(found["technical score"]) == {"blur", "tearing", "spatial", "temporal", "new kinds"}
    assert found["nano, as generated"]["tearing"]["temporal"] == {"srcc": 0, "groups": 1, "constant": 1, "missing": 0}
    assert set(found["nano"]["blur"]) == {"quality"}
    stored = {file.name: file.read_bytes() for file in tmp_path.glob("*.json")}
    monkeypatch.setattr(rated_ladders, "write_near_lossless", None)
    assert rated_ladders.ladders(Known(tmp_path, models), shared, ridge) == found  # type: ignore[arg-type]
    assert {file.name: file.read_bytes() for file in tmp_path.glob("*.json")} == stored


def told(each: RatedClip) -> dict[str, object]:
    """A stand-in for a model: quality by the length of the name, and a defect claimed of FETV's real footage."""
    text = "The frames show blur, mild." if each.generator == REAL else "The frames show no defect."
    scores = {"spatial": float(len(each.name)), "temporal": 1.0}
    found = {"natural": {"scores": {"quality": float(len(each.name))}, "text": text}, "generated": {"scores": scores}}
    return found | ({"prompted": {"scores": scores | {"alignment": 2.0}}} if each.prompt else {})


@pytest.fixture
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Known:
    """Every source replaced by a stand-in; what each of the clips is said to be is made up."""

    def measured(each: RatedClip) -> dict[str, object]:
        rng = np.random.default_rng(len(each.name))
        real = each.generator == REAL
        return {
            "values": {key: float(rng.random()) for key in QUANTITIES},
            "severities": {"blur": "visible" if real else "none", "noise": "slight" if real else "none"},
        }

    scored = {"scores": {"quality": 1.0, "pixels": 1.0, "bytes": 2.0, "bitrate": 3.0}}
    monkeypatch.setattr(rated_systems, "assessor", lambda *_: None)
    monkeypatch.setattr(rated_systems, "Model", lambda *_: told)
    monkeypatch.setattr(human_ratings, "copies", lambda clips, _: clips)
    for module in (human_ratings, rated_systems, rated_statements):
        monkeypatch.setattr(module, "measurements", measured)
    for name in ("technical", "metadata"):
        monkeypatch.setattr(rated_systems, name, lambda _: scored)
    return Known(tmp_path, [Asked("nano"), Asked("nano", True)])


@pytest.mark.slow
def test_every_piece_and_table(shared: Path, pretended: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [piece for piece in human_ratings.PIECES if piece != "ladders"]
    found = human_ratings.pieces(pretended, shared, [*wanted, "controls"])
    assert set(found) == {*wanted, "controls"} and found["copies"] == found["ratings"]
    row = found["ratings"]["nano, as generated"]
    assert row["missing"] == 0 and set(row["pairs"]) == {"static", "temporal", "quality"}
    aligned = found["alignment"]["nano, from the prompt"]
    assert aligned["ties"] == aligned["n"] > 50 and list(found["alignment"])[1:] == ["nano, evidence, from the prompt"]
    real = found["ratings"]["real footage wins"]
    assert real["generated_pairs"]["quality"]["ties"] == 46 == real["pairs"]["quality"]["ties"]
    assert found["ratings"]["always A"]["pairs"]["quality"]["n"] == 77
    assert len([name for name in found["controls"] if name.startswith("nano, evidence, ")]) == 4 * 3
    accused, clips = found["accusations"], rated_statements.undamaged(shared)
    share = np.mean([each.generator == REAL for each in clips])
    assert accused["clips"] == len(clips) == 25
    assert accused["any_visible"] == accused["models"]["nano"]["claimed"] == share
    assert accused["by_measurement"]["noise"] == {"n": 25, "above_none": share, "visible": 0.0}
    monkeypatch.setattr(figures_ratings, "results", lambda _: rounded(found))
    table = figures_ratings.human_ratings()
    assert "| always A |" in table and "| nano, from the prompt |" in table and "| blur |" not in table
    rows = [line for line in figures_ratings.rated_measurements().splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + figures_ratings._BEST


@pytest.mark.slow
def test_sheets_hold_forty_clips_in_two_orders(shared: Path, pretended: Known, tmp_path: Path) -> None:
    rated_statements.write_sheets(replace(pretended, models=[Asked("nano")]), shared, tmp_path / "sheets")
    key = json.loads((tmp_path / "sheets" / "key.json").read_text(encoding="utf-8"))
    (one, first), (two, second) = key.items()
    assert len(first) == 40 and sorted(first) == sorted(second) and first != second
    for name in (one, two):
        page = (tmp_path / "sheets" / name).read_text(encoding="utf-8")
        assert page.count("<h2>") == 40 and page.count("data:image/jpeg") > 150
        assert not any(clip in page for clip in first)


@pytest.mark.slow
def test_distinct_scores_are_counted_where_a_source_knows_the_clips(shared: Path, tmp_path: Path) -> None:
    """One clip stands for all, so that little is measured."""
    small = [RatedClip(each.name, shared / "clips/plain/imageio_realshort.mp4", "", "", {}) for each in various(shared)]
    known = Known(tmp_path, [])
    one = measurements(small[0])
    known.of("measurements", small, lambda _: one, "originals")
    known.of("technical", small, lambda _: {"scores": {"quality": 1.0}}, "originals")
    known.of("metadata", small, lambda each: {"scores": {"bytes": float(len(each.name))}}, "originals")
    rated = [clip(name, prompt, i, i) for i, (name, prompt) in enumerate(zip("abcd", "xxyy", strict=True))]
    known.of("measurements", rated, lambda _: one, "originals")
    found = elsewhere(known, shared, rated)
    assert found["technical score"]["distinct"] == 1
    assert found["file size"]["distinct"] == len({len(each.name) for each in small})
    assert found["technical score"]["known_order"]["ties"] == found["technical score"]["known_order"]["n"]
