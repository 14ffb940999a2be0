"""The worked cases that lie beside the repository, ten real models on real human votes among them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vqinsight.evaluation import vbench
from vqinsight.evaluation.metrics.correlation import correlate
from vqinsight.evaluation.metrics.pairwise import score_pairs

VOTES = {"leftvote": 1, "rightvote": -1, "tievote": 0, "bothbad_vote": 0}
VERDICTS = {"[[A>B]]": 1.0, "[[B>A]]": -1.0}  # any other text is a tie, none is missing


@pytest.fixture
def vectors(shared):
    return json.loads((shared / "labels" / "test_vectors.json").read_text())


def same(value: float | None, expected: float | None) -> bool:
    return value == pytest.approx(expected, abs=1e-9) if expected is not None else value is None


def test_pairs(vectors):
    assert len(vectors["pairwise"]) == 9
    for name, case in vectors["pairwise"].items():
        found = score_pairs(case["m"], case["h"], bootstrap=None)
        assert same(found.tau_va.value, case["videoalign_with_ties"]), name
        assert same(found.diff.value, case["videoalign_without_ties"]), name
        assert same(found.tau_deutsch.value, case["deutsch_acc"]), name
        assert found.epsilon == pytest.approx(case["deutsch_eps"], abs=1e-9), name


def test_ten_models_on_the_votes_of_genai_bench(vectors, shared):
    path = shared / "labels" / "genai_bench" / "genai_bench_video_test_v1_1069.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    humans = [VOTES[row["vote_type"]] for row in rows]
    expected = vectors["genai_bench_real"]
    assert (len(rows), sum(h != 0 for h in humans)) == (expected["n"], expected["n_decided"])
    assert len(expected["models"]) == 10
    for name, case in expected["models"].items():
        said = [row["model_vote"][name] for row in rows]
        found = score_pairs(
            [None if text is None else VERDICTS.get(text, 0.0) for text in said], humans, bootstrap=None
        )
        assert found.missing == said.count(None), name
        assert found.model_ties == case["model_ties"], name
        assert same(found.tau_va.value, case["videoalign_with_ties"]), name
        assert same(found.tau_deutsch.value, case["deutsch_acc"]), name
        assert same(found.epsilon, case["deutsch_eps"]), name
        assert same(found.accuracy.value, case["plain_3class"]), name
        assert same(found.diff.value, case["diff_ties_wrong"]), name
        assert same(found.diff_model_decided.value, case["diff_drop_model_ties"]), name


def test_correlations(vectors):
    assert len(vectors["corr"]) == 4
    for name, case in vectors["corr"].items():
        found = correlate(case["pred"], case["gt"], bootstrap=None)
        assert same(found.srcc.value, case["srcc"]), name
        assert same(found.krcc.value, case["krcc"]), name
        assert same(found.plcc.value, case["plcc_raw"]), name
        assert found.plcc_logistic.value == pytest.approx(case["plcc_logistic4"], abs=1e-4), name
        assert found.rmse_logistic.value == pytest.approx(case["rmse_logistic4"], abs=1e-4), name


def test_vbench(vectors):
    cases = vectors["vbench"]
    lows = {d.name: d.low for d in vbench.DIMENSIONS}
    highs = {d.name: d.high for d in vbench.DIMENSIONS}
    half = dict.fromkeys(lows, cases["all_half"]["raw"])
    typed = "t2v_turbo_like_row_typed_from_memory_NOT_a_source"
    raws = {typed: cases[typed]["raw"], "all_at_min": lows, "all_at_max": highs, "all_half": half}
    for name, raw in raws.items():
        found = vbench.vbench_scores(raw)
        assert same(found.quality, cases[name]["quality"]), name
        assert same(found.semantic, cases[name]["semantic"]), name
        assert same(found.overall, cases[name]["overall"]), name
    for name, row in cases["paper_table6_check"].items():
        assert same(vbench.overall(row["q"], row["s"]), row["overall_from_q_s"]), name
        assert vbench.overall(row["q"], row["s"]) == pytest.approx(row["reported"], abs=1e-4), name


def test_vbench_constants(shared):
    facts = json.loads((shared / "labels" / "vbench" / "score_constants.json").read_text())
    assert {d.name: d.weight for d in vbench.DIMENSIONS} == facts["DIM_WEIGHT"]
    ranges = {d.name: {"Min": d.low, "Max": d.high} for d in vbench.DIMENSIONS}
    assert ranges == facts["NORMALIZE_DIC"]
    for part, key in (("quality", "QUALITY_LIST"), ("semantic", "SEMANTIC_LIST")):
        assert [d.name for d in vbench.DIMENSIONS if d.part == part] == facts[key]
    assert (facts["QUALITY_WEIGHT"], facts["SEMANTIC_WEIGHT"]) == (vbench.QUALITY_WEIGHT, vbench.SEMANTIC_WEIGHT)


def test_always_a_and_perfect_forced_choice(shared):
    """What the benchmark gives for nothing, and the most that a system without ties can have."""
    path = shared / "labels" / "genai_bench" / "genai_bench_video_test_v1_1069.jsonl"
    humans = [VOTES[json.loads(line)["vote_type"]] for line in path.read_text().splitlines()]
    always = score_pairs([1.0] * len(humans), humans, bootstrap=None)
    assert np.round([100 * always.tau_va.value, 100 * always.diff.value], 1).tolist() == [34.8, 46.4]
    perfect = score_pairs([float(h or 1) for h in humans], humans, bootstrap=None)
    assert np.round([100 * perfect.tau_deutsch.value, 100 * perfect.diff.value], 1).tolist() == [65.5, 100.0]
