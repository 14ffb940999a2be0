"""Predictions on the disk: everything comes back, a run goes on where it stopped, and nothing is ever mixed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from helpers.exams import Stub, pair, quality, scored, yesno
from pyarrow import parquet

from vqinsight.errors import UsageError
from vqinsight.evaluation.prediction_file import Header, PredictionFile, read_predictions, write_predictions
from vqinsight.evaluation.predictor import PredictedExample, Prediction, from_orders
from vqinsight.evaluation.run import run_benchmark
from vqinsight.evaluation.summary import summarise
from vqinsight.tasks.types import Clip, Example, Question, Score

HEADER = Header("table", "all", "stub", "0" * 12, {"samples": 1, "seed": None, "template": "brief"})
EXAMPLES = [scored(f"clip{number}", 1 + number % 5) for number in range(10)]


def say(example: Example) -> Prediction:
    assert isinstance(example.answer, Score)
    return quality(20 * example.answer.values["quality"] - 20 + len(example.id))


def open_file(folder: Path, judge: Stub, benchmark: str = "table", split: str = "all") -> PredictionFile:
    return PredictionFile(folder / "p.parquet", Header.of(judge, benchmark, split))


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    rows = [PredictedExample(scored("a", 1.0), quality(10.0)), PredictedExample(scored("a", 2.0), quality(20.0))]
    write_predictions(tmp_path / "p.parquet", Header("table", "all", "stub", "0" * 12, {}), rows)
    with pytest.raises(UsageError, match="1 ids stand twice, such as a"):
        read_predictions(tmp_path / "p.parquet")


def test_every_kind_of_row_comes_back(tmp_path: Path) -> None:
    generated = Example(
        "g",
        Question("generated", (Clip("g.mp4", "a dog"),)),
        Score({"spatial": 3.0, "alignment": 1.5}),
        (0, 5),
        "a",
        "s",
    )
    rows = [
        PredictedExample(scored("a", 3.7, "pika", "g1"), quality(61.25)),
        PredictedExample(generated, Prediction("missing", reason="no <answer>", texts=("I see", "nothing"))),
        PredictedExample(
            replace(generated, id="h"), Prediction(scores={"spatial": 2.0}, missing_dimensions={"alignment": "a word"})
        ),
        PredictedExample(pair("p", "tie", "x vs y"), from_orders("A", "B", texts=("A",), swapped_texts=("B",))),
        PredictedExample(pair("q", "B"), from_orders(None, "tie", reason="a, b: no <answer>")),
        PredictedExample(yesno("y", False), Prediction(yes=True)),
        PredictedExample(scored("u", 1.0), Prediction("unreadable", reason="u.mp4: empty")),
    ]
    write_predictions(tmp_path / "p.parquet", HEADER, rows)
    header, found = read_predictions(tmp_path / "p.parquet")
    assert header == HEADER and found == rows
    table = parquet.read_table(tmp_path / "p.parquet").to_pylist()
    assert {"id", "task", "source", "texts", "reason"} <= set(table[0])
    assert (table[0]["label_quality"], table[0]["predicted_quality"], table[1]["predicted_quality"]) == (
        3.7,
        61.25,
        None,
    )
    assert (table[1]["label_alignment"], table[1]["label_quality"]) == (1.5, None)
    assert {(row["model"], row["digest"]) for row in table} == {("stub", "0" * 12)}
    assert [path.name for path in tmp_path.iterdir()] == ["p.parquet"]


def test_a_run_that_broke_off_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    straight = Stub(say)
    whole = run_benchmark(straight, EXAMPLES, open_file(tmp_path, straight), batch=3)
    expected = (tmp_path / "p.parquet").read_bytes()
    (tmp_path / "p.parquet").unlink()

    def interrupted(example: Example) -> Prediction:
        if example.id == "clip7":
            raise KeyboardInterrupt
        return say(example)

    first, second = Stub(interrupted), Stub(say)
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(first, EXAMPLES, open_file(tmp_path, first), batch=3)
    assert len(read_predictions(tmp_path / "p.parquet")[1]) == 6
    seen: list[tuple[int, int]] = []
    again = run_benchmark(
        second, EXAMPLES, open_file(tmp_path, second), batch=3, on_progress=lambda *done: seen.append(done)
    )
    assert second.asked == [["clip6", "clip7", "clip8"], ["clip9"]]
    assert seen == [(6, 10), (9, 10), (10, 10)]
    assert again == whole
    assert (tmp_path / "p.parquet").read_bytes() == expected


def test_figures_come_again_without_anyone_to_ask(tmp_path: Path) -> None:
    judge = Stub(say)
    rows = run_benchmark(judge, EXAMPLES, open_file(tmp_path, judge))
    assert summarise(read_predictions(tmp_path / "p.parquet")[1]) == summarise(rows)
    nobody = Stub(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    assert run_benchmark(nobody, EXAMPLES, open_file(tmp_path, nobody)) == rows
    assert not nobody.asked


def test_a_clip_that_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    first = Stub(lambda e: Prediction("unreadable", reason="gone") if e.id == "clip2" else say(e))
    run_benchmark(first, EXAMPLES, open_file(tmp_path, first))
    second = Stub(say)
    rows = run_benchmark(second, EXAMPLES, open_file(tmp_path, second))
    assert second.asked == [["clip2"]] and summarise(rows).unreadable == 0
    assert [row.example.id for row in rows] == [example.id for example in EXAMPLES]


@pytest.mark.parametrize(
    ("other", "benchmark", "split", "why"),
    [
        (Stub(say, digest="f" * 12), "table", "all", "digest 000000000000, not ffffffffffff"),
        (Stub(say, samples=5), "table", "all", "samples None, not 5"),
        (Stub(say), "konvid", "all", "benchmark table, not konvid"),
        (Stub(say), "table", "test", "split all, not test"),
    ],
)
def test_other_predictions_are_refused_and_left_alone(
    tmp_path: Path, other: Stub, benchmark: str, split: str, why: str
) -> None:
    judge = Stub(say)
    run_benchmark(judge, EXAMPLES, open_file(tmp_path, judge))
    before = (tmp_path / "p.parquet").read_bytes()
    with pytest.raises(UsageError, match=f"holds other predictions: {why}.*choose another --out"):
        open_file(tmp_path, other, benchmark, split)
    assert (tmp_path / "p.parquet").read_bytes() == before


def test_another_name_for_the_same_weights_is_the_same_judge(tmp_path: Path) -> None:
    judge, renamed = Stub(say), Stub(say, name="elsewhere/stub")
    run_benchmark(judge, EXAMPLES, open_file(tmp_path, judge))
    run_benchmark(renamed, EXAMPLES, open_file(tmp_path, renamed))
    assert not renamed.asked


def test_an_id_with_another_question_or_label_is_refused(tmp_path: Path) -> None:
    judge = Stub(say)
    run_benchmark(judge, EXAMPLES, open_file(tmp_path, judge))
    relabelled = [replace(EXAMPLES[0], answer=Score({"quality": 4.5})), *EXAMPLES[1:]]
    with pytest.raises(UsageError, match=r"1 items have another question or label .* the first is clip0"):
        run_benchmark(judge, relabelled, open_file(tmp_path, judge))
    moved = [replace(e, question=replace(e.question, clips=(Clip("elsewhere/" + e.id),))) for e in EXAMPLES]
    assert len(run_benchmark(judge, moved, open_file(tmp_path, judge))) == 10 and len(judge.asked) == 1


def test_bad_input_is_named(tmp_path: Path) -> None:
    judge = Stub(say)
    with pytest.raises(UsageError, match="no questions to ask"):
        run_benchmark(judge, [], open_file(tmp_path, judge))
    with pytest.raises(UsageError, match="same id"):
        run_benchmark(judge, [EXAMPLES[0]] * 2, open_file(tmp_path, judge))
    (tmp_path / "text.parquet").write_text("no parquet")
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    for name, why in (("text", "cannot be read as Parquet"), ("other", "holds no predictions"), ("gone", "cannot be")):
        with pytest.raises(UsageError, match=why):
            read_predictions(tmp_path / f"{name}.parquet")
    with pytest.raises(UsageError, match="cannot be written"):
        write_predictions(tmp_path / "gone" / "p.parquet", HEADER, [PredictedExample(EXAMPLES[0], quality(1))])


def test_odd_file_names_are_found_again(tmp_path: Path) -> None:
    odd, judge = [scored("bad\udcff", 3.0)], Stub(say)
    run_benchmark(judge, odd, open_file(tmp_path, judge))
    assert len(run_benchmark(judge, odd, open_file(tmp_path, judge))) == 1 and len(judge.asked) == 1
