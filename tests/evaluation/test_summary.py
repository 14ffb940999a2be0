"""Predictions become figures: worked cases, both orders of pairs, and everything that cannot be measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.exams import pair, quality, scored, yesno

from vqinsight.evaluation.metrics.bootstrap import Bootstrap
from vqinsight.evaluation.predictor import PredictedExample, Prediction, from_orders
from vqinsight.evaluation.summary import Summary, summarise
from vqinsight.report import metric_tables
from vqinsight.tasks.types import Choice, Clip, Example, Question, Score

FEW = Bootstrap(resamples=50)


def of(*rows: tuple[Example, Prediction]) -> Summary:
    return summarise([PredictedExample(*row) for row in rows], bootstrap=FEW)


def shown(summary: Summary) -> str:
    return "\n".join(str(table) for table in metric_tables.tables(summary))


def test_labels_meet_scores_on_the_judges_scale() -> None:
    # 1–5 becomes 0–100: labels 0, 25, 50, 75, 100; each prediction is 5 above.
    summary = of(*((scored(f"c{i}", 1.0 + i), quality(25.0 * i + 5)) for i in range(5)))
    (task,) = summary.scores
    found = task.dimensions["quality"]
    assert (found.srcc.value, found.krcc.value, found.n) == (pytest.approx(1.0), pytest.approx(1.0), 5)
    assert found.plcc.value == pytest.approx(1.0) and found.mae.value == pytest.approx(5.0)
    assert found.srcc.interval is not None and task.points["quality"].range == (0.0, 100.0)
    assert not task.mean and not task.sources


def test_a_judge_without_a_scale_has_correlations_and_no_errors() -> None:
    bare = [(scored(f"c{i}", 1.0 + i), Prediction(scores={"quality": -3.0 + i})) for i in range(4)]
    found = of(*bare).scores[0].dimensions["quality"]
    assert found.srcc.value == 1.0 and found.mae.value is None and found.rmse.value is None


def test_clips_without_a_label_in_a_dimension_count_in_the_others_only() -> None:
    def row(number: int, alignment: float | None) -> tuple[Example, Prediction]:
        values = {"spatial": 10.0 * number} | ({"alignment": alignment} if alignment is not None else {})
        example = Example(str(number), Question("generated", (Clip(f"{number}", "x"),)), Score(values), (0, 100))
        said = {"spatial": 20.0 + number, "alignment": 90.0 - number}
        return example, Prediction(scores=said, ranges=dict.fromkeys(said, (0.0, 100.0)))

    (task,) = of(*(row(i, 10.0 * i if i > 1 else None) for i in range(6))).scores
    assert (task.dimensions["spatial"].n, task.dimensions["alignment"].n) == (6, 4)
    assert [task.dimensions[key].missing for key in task.dimensions] == [0, 0]
    assert task.mean["srcc"].value == pytest.approx(0.0)  # +1 and -1


def test_a_missing_dimension_is_missing_in_that_dimension_alone() -> None:
    """Temporal is over the rows that have it, and the others are counted with their reason."""

    def row(number: int) -> tuple[Example, Prediction]:
        values = {"spatial": 10.0 * number, "temporal": 10.0 * number}
        example = Example(str(number), Question("generated", (Clip(f"{number}"),)), Score(values), (0, 100))
        said = {"spatial": 20.0 + number} | ({"temporal": 90.0 - number} if number > 1 else {})
        lacking = {"temporal": "one frame cannot show motion"} if number <= 1 else {}
        return example, Prediction(scores=said, ranges={"spatial": (0.0, 100.0)}, missing_dimensions=lacking)

    summary = of(*map(row, range(6)))
    (task,) = summary.scores
    found = task.dimensions
    assert (found["spatial"].n, found["spatial"].missing, found["temporal"].n, found["temporal"].missing) == (
        6,
        0,
        4,
        2,
    )
    assert found["spatial"].srcc.value == pytest.approx(1.0) and found["temporal"].srcc.value == pytest.approx(-1.0)
    assert summary.missing == 0 and summary.reasons == (("temporal: one frame cannot show motion", 2),)
    assert ("missing", "0", "2") in [row[:3] for table in metric_tables.tables(summary) for row in table.rows]


def test_pairs_asked_in_both_orders() -> None:
    # Verdicts (a, b), (b, a) as given, and the margin for A.
    cases: list[tuple[str, Choice | None, Choice | None, float | None]] = [
        ("A", "A", "B", 1.0),
        ("B", "B", "A", -1.0),
        ("A", "A", "A", 0.0),  # always the first
        ("tie", "tie", "tie", 0.0),
        ("B", "tie", "A", 0.0),
        ("A", None, "B", None),
    ]
    rows = [(pair(str(i), label), from_orders(f, s, reason="no <answer>")) for i, (label, f, s, _) in enumerate(cases)]
    assert [said.margin for _, said in rows] == [margin for *_, margin in cases]
    summary = of(*rows)
    assert summary.pairs is not None and summary.pairs.orders is not None
    found, orders = summary.pairs.scores, summary.pairs.orders
    assert (found.n, found.human_ties, found.model_ties, found.missing) == (6, 1, 4, 1)
    assert found.accuracy.value == pytest.approx(3 / 6) and found.diff.value == pytest.approx(2 / 5)
    assert found.tau_deutsch.value == pytest.approx(3 / 6)
    assert orders.consistent.value == pytest.approx(3 / 5)  # of five answered twice
    # Clip shown first, among answers that name one: A; B no, A; A, A; A; B no.
    assert orders.order_bias.value == pytest.approx(5 / 8 - 0.5)
    assert (summary.ok, summary.missing, summary.reasons) == (5, 1, (("no <answer>", 1),))


def test_margins_need_no_orders() -> None:
    summary = of((pair("1", "A"), Prediction(margin=0.3)), (pair("2", "tie"), Prediction(margin=-0.1)))
    assert summary.pairs is not None and summary.pairs.orders is None
    assert summary.pairs.scores.tau_deutsch.value == 1.0
    assert "order bias" not in shown(summary)


def test_generators_are_compared() -> None:
    summary = of(
        (pair("1", "A", "x vs y"), from_orders("A", "B")),
        (pair("2", "B", "x vs z"), from_orders("A", "B")),
        (pair("3", "tie", "y vs x"), from_orders("B", "A")),
    )
    assert summary.pairs is not None
    rows = {row.source: (row.n, row.diff.value, row.judge_wins, row.label_wins) for row in summary.pairs.sources}
    assert rows == {"x": (3, 0.5, 1.0, 0.5), "y": (2, 1.0, 0.0, 0.25), "z": (1, 0.0, 0.0, 1.0)}
    scores = of(*((scored(f"{i}", 1.0 + i, "pq"[i % 2]), quality(10.0 * i)) for i in range(4))).scores[0]
    assert [(s.source, s.n, s.judge_mean, s.label_mean) for s in scores.sources] == [
        ("p", 2, 10.0, 25.0), ("q", 2, 20.0, 50.0),
    ]  # fmt: skip


def test_yes_and_no() -> None:
    said = [True, False, None, True]
    rows = [
        (yesno(str(i), yes), Prediction("ok" if answer is not None else "missing", yes=answer))
        for i, (yes, answer) in enumerate(zip([True, True, True, False], said, strict=True))
    ]
    found = of(*rows).verdicts
    assert found is not None and (found.n, found.missing, found.accuracy.value) == (4, 1, 0.25)
    assert found.yes == pytest.approx(2 / 3) and found.people_yes == 0.75


def test_unreadable_clips_are_left_out_and_missing_answers_are_counted() -> None:
    rows = [(scored(f"c{i}", 1.0 + i), quality(10.0 * i)) for i in range(4)]
    rows.append((scored("u", 1.0), Prediction("unreadable", reason="u.mp4: empty. Copy it again.")))
    rows.append((scored("m", 5.0), Prediction("missing", reason="no <answer>")))
    summary = of(*rows)
    assert (summary.asked, summary.ok, summary.missing, summary.unreadable) == (6, 4, 1, 1)
    assert summary.bad_clips == ("u.mp4: empty. Copy it again.",)
    found = summary.scores[0].dimensions["quality"]
    assert (found.n, found.missing, found.srcc.value) == (4, 1, 1.0)
    assert "1 of 5 predictions are missing" in shown(summary)


def test_what_cannot_be_measured_says_why() -> None:
    constant = of(*((scored(f"c{i}", 1.0 + i), quality(50.0)) for i in range(4)))
    assert not constant.measured and "all 4 predictions are equal: correlations are undefined" in shown(constant)
    two = of(*((scored(f"c{i}", 1.0 + i), quality(10.0 * i)) for i in range(2)))
    assert not two.measured and "only 2 items have a prediction and a label: figures need at least 3" in shown(two)
    mute = of(*((scored(f"c{i}", 1.0 + i), Prediction("missing", reason="silence")) for i in range(4)))
    assert not mute.measured and mute.reasons == (("silence", 4),) and metric_tables.UNDEFINED in shown(mute)


def test_prompts_are_drawn_together() -> None:
    rows = [(scored(f"c{i}", 1.0 + i % 5, group=str(i // 4)), quality(7.0 * (i % 6))) for i in range(24)]
    grouped = of(*rows)
    alone = of(*((replace(example, group=None), said) for example, said in rows))
    assert grouped.notes and not alone.notes
    ours, plain = (s.scores[0].dimensions["quality"].srcc for s in (grouped, alone))
    assert ours.value == plain.value and ours.interval != plain.interval


def test_few_prompts_give_no_interval_instead_of_a_narrow_one() -> None:
    rows = [(scored(f"c{i}", 1.0 + i % 5, group=str(i // 6)), quality(7.0 * (i % 6))) for i in range(24)]
    summary = of(*rows)
    found = summary.scores[0].dimensions["quality"].srcc
    assert found.value is not None and found.interval is None
    assert "there are 4 groups" in summary.notes[0]
