"""A score for each dimension, or the reason why there is none; and prompts longer than the model takes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from vqinsight.assessor.assessor import as_reply
from vqinsight.errors import UsageError
from vqinsight.inference import aggregate
from vqinsight.inference.api import VQInsight
from vqinsight.inference.predictor import AssessorPredictor
from vqinsight.results import SCHEMA_VERSION, Provenance, Reply, read_record
from vqinsight.tasks.prompt_set import ONE_FRAME
from vqinsight.tasks.prompt_sets.brief import BRIEF
from vqinsight.tasks.types import Clip, Example, Preference, Question, Score

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CIRCLES, SQUARES = (str(EXAMPLES / f"{name}.mp4") for name in ("circles", "squares_blurred"))
LONG = "a very long prompt about a cat, " * 230  # some 4,400 tokens
TOO_LONG = r"the prompt has \d{4,} tokens, the model takes 4096\. Shorten its text"
BY = Provenance("m", "0" * 12, "f", "brief", 3, 1.0, 0, "float32", "cpu", "0")


def asked(prompt: str | None = "a cat") -> Question:
    return Question("generated", (Clip(CIRCLES, prompt),))


def reply(nano: VQInsight, answer: str, question: Question | None = None) -> Reply:
    clip = nano.assessor.clips.load(CIRCLES)
    return as_reply(BRIEF, question or asked(), [clip], f"<think>So.</think><answer>{answer}</answer>")


def test_each_dimension_is_the_median_of_the_samples_that_have_it(nano: VQInsight) -> None:
    """By hand: spatial 10, 30, 80; temporal 50, none, 70; alignment never."""
    said = tuple(
        reply(nano, answer)
        for answer in (
            '{"spatial": 10, "temporal": 50}',
            '{"spatial": 30, "temporal": 150}',
            '{"spatial": 80, "temporal": 70}',
        )
    )
    seen = nano.assessor.clips.load(CIRCLES).input
    record = aggregate.scored(asked(), BRIEF.dimensions(asked()), said, seen, BY)
    assert record.status == "ok" and record.scores == {"spatial": 30.0, "temporal": 60.0}
    assert record.missing_dimensions == {"alignment": "alignment is missing"}
    assert record.overall == 45.0 and record.overall_of == ("spatial", "temporal")
    assert record.spread == {"spatial": pytest.approx(28.0), "temporal": pytest.approx(8.0)}
    assert said[1].missing_dimensions["temporal"].startswith("temporal is outside 0–100")
    assert read_record(json.loads(json.dumps(record.as_dict()))) == replace(record, input=replace(seen, preview=()))


def test_no_dimension_is_no_score_and_every_reason_is_told(nano: VQInsight) -> None:
    said = (reply(nano, '{"spatial": "good"}', asked(None)),)
    record = aggregate.scored(
        asked(None), BRIEF.dimensions(asked(None)), said, nano.assessor.clips.load(CIRCLES).input, BY
    )
    assert (record.status, record.scores, record.overall, record.overall_of) == ("missing", None, None, ())
    assert set(record.missing_dimensions) == {"spatial", "temporal"}
    assert record.error is not None and "spatial is not a number: 'good'; temporal is missing" in record.error


def test_a_record_of_another_schema_is_not_read(nano: VQInsight) -> None:
    plain = nano.score(CIRCLES).as_dict()
    assert plain["schema_version"] == SCHEMA_VERSION
    with pytest.raises(UsageError, match="schema 1 is not read as one of schema"):
        read_record({**plain, "schema_version": 1})


def test_one_frame_has_no_temporal_score_from_any_model(nano: VQInsight, encode: ModuleType, tmp_path: Path) -> None:
    one = encode.beginning(tmp_path / "one.mp4", CIRCLES, 1)
    record = nano.score(str(one), "two red circles")
    assert record.status == "ok" and set(record.scores or ()) == {"spatial", "alignment"} == set(record.overall_of)
    assert record.missing_dimensions == {"temporal": ONE_FRAME}
    clip = nano.assessor.clips.load(str(one))
    said = as_reply(BRIEF, asked(), [clip], '<answer>{"spatial": 1, "temporal": 2, "alignment": 3}</answer>')
    assert said.value == {"spatial": 1.0, "alignment": 3.0} and said.missing_dimensions == {"temporal": ONE_FRAME}
    label = Example("x", Question("generated", (Clip(str(one)),)), Score({"spatial": 3.0, "temporal": 3.0}), (1.0, 5.0))
    [predicted] = AssessorPredictor(nano).answer([label])
    assert set(predicted.scores or ()) == {"spatial"} and predicted.missing_dimensions == {"temporal": ONE_FRAME}
    two = encode.beginning(tmp_path / "two.mp4", CIRCLES, 2)
    assert "temporal" in (nano.score(str(two), "two red circles").scores or {})


def test_the_cases_of_the_shared_folder(nano: VQInsight, shared: Path) -> None:
    one, derailed = (nano.score(str(shared / "cases" / name), "a dog") for name in ("one.mp4", "derail_a.mp4"))
    assert one.missing_dimensions == {"temporal": ONE_FRAME}
    assert derailed.status == "missing" and "occurs more than once" in (derailed.error or "")


def test_a_prompt_that_is_too_long_is_refused_before_anything_is_encoded(
    nano: VQInsight, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    before = nano.assessor.tower.clips_encoded
    long, short = nano.score_all([(CIRCLES, LONG), (SQUARES, "two squares")])
    assert long.status == "failed" and short.status == "ok"
    assert nano.assessor.tower.clips_encoded == before + 1
    pair, ranking = nano.compare(CIRCLES, SQUARES, LONG), nano.rank([CIRCLES, SQUARES], LONG)
    [verdict] = nano.ask_about(CIRCLES, [f"Is there {LONG}?"])
    assert nano.assessor.tower.clips_encoded == before + 1
    for each in (long, pair, *ranking.standings, verdict):
        assert each.status == "failed" and each.error is not None
        assert re.search(TOO_LONG, each.error)
    assert not caplog.records and not recwarn.list, "no remark of a library"


def test_a_question_that_is_too_long_is_missing_in_an_evaluation(nano: VQInsight) -> None:
    pair = Example("long", Question("compare", (Clip(CIRCLES, LONG), Clip(SQUARES, LONG))), Preference("A"))
    other = Example("ok", Question("natural", (Clip(CIRCLES),)), Score({"quality": 3.0}), (1.0, 5.0))
    long, short = AssessorPredictor(nano).answer([pair, other])
    assert long.outcome == "missing" and (long.reason or "").startswith("the prompt has ") and short.outcome == "ok"
