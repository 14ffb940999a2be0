"""Every benchmark in its official layout, in miniature, from the download to the figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import downloads
from helpers.exams import Stub
from scipy.io import savemat

from vqinsight.datasets import DATASETS
from vqinsight.errors import UsageError
from vqinsight.evaluation.benchmarks import BENCHMARKS, SYNTHETIC, BenchmarkData, load_benchmark
from vqinsight.evaluation.prediction_file import Header, PredictionFile
from vqinsight.evaluation.predictor import PredictedExample, Prediction, from_orders
from vqinsight.evaluation.run import run_benchmark
from vqinsight.evaluation.summary import Summary, summarise
from vqinsight.tasks.types import Example, Preference, Score, Verdict

COUNT = 8
NAMES = [f"{number}.mp4" for number in range(COUNT)]
MOS = [15.0 + 9 * number for number in range(COUNT)]
VOTES = ("leftvote", "rightvote", "tievote", "bothbad_vote")


def oracle(example: Example) -> Prediction:
    """Says what people said."""
    match example.answer:
        case Score(values):
            assert example.scale is not None
            return Prediction(scores=values, ranges=dict.fromkeys(values, example.scale))
        case Preference() as preference:
            return from_orders(preference.choice, preference.swap().choice)
        case Verdict(yes):
            return Prediction(yes=yes)


def koniq(root: Path) -> None:
    columns = ["image_name", "c1", "c2", "c3", "c4", "c5", "c_total", "MOS", "SD", "set"]
    rows = [(f"{i}.jpg", 0, 0, 1, 0, 0, 100, mos, 0.5, "test" if i else "training") for i, mos in enumerate(MOS)]
    downloads.table(root / "koniq10k_distributions_sets.csv", columns, *rows)
    downloads.files(root, [f"1024x768/{i}.jpg" for i in range(COUNT)])


def lgvq(root: Path) -> None:
    paths = [f"{generator}/{name}" for generator in ("gen2", "lavie") for name in NAMES]
    lines = [f"videos/{path};{20 + i};{30 + 2 * i};{40 + 3 * i}" for i, path in enumerate(paths)]
    downloads.text(root / "MOS.txt", "\n".join(lines))
    entries = [{"path": f"videos/{path}", "prompt": f"a dog no. {path.split('/')[1]}"} for path in paths]
    downloads.text(root / "prompt_cls.json", json.dumps({"data": entries, "length": len(entries)}))
    downloads.files(root / "videos", paths)


def lsvq(root: Path) -> None:
    rows = [(f"yfcc-batch1/{i}", "", mos, "True", "True") for i, mos in enumerate(MOS)]
    for name in ("labels_train_test.csv", "labels_test_1080p.csv"):
        downloads.table(root / name, ["name", "p1", "mos", "is_valid", "is_test"], *rows)
    downloads.files(root / "yfcc-batch1", NAMES)


def live_vqc(root: Path) -> None:
    names = np.empty((COUNT, 1), object)
    names.ravel()[:] = NAMES
    savemat(root / "data.mat", {"video_list": names, "mos": np.array([MOS]).T})
    downloads.files(root / "Video", NAMES)


def konvid(root: Path) -> None:
    rows = [(i, 1 + i / 2) for i in range(COUNT)]
    downloads.table(root / "KoNViD_1k_mos.csv", ["flickr_id", "mos"], *rows)
    downloads.files(root / "KoNViD_1k_videos", NAMES)


def genai_bench(root: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "prompt": "a dog", "left_video": NAMES[i], "right_video": NAMES[i - 1], "left_model": "Lavie",
            "right_model": "Pika", "vote_type": VOTES[i % 4],
        }
        for i in range(COUNT)
    ]  # fmt: skip
    downloads.parquet(root / "video_generation" / "test_v1-00000-of-00001.parquet", rows)
    downloads.files(root, NAMES)


def visionreward(root: Path) -> None:
    answers = ("video1", "video2", "tie")
    rows = [
        {
            "internal_id": str(i), "prompt": "a dog", "standard_answer": answers[i % 3], "video1_path": NAMES[i],
            "video2_path": NAMES[i - 1],
        }
        for i in range(COUNT)
    ]  # fmt: skip
    downloads.parquet(root / "test" / "test-00000-of-00001.parquet", rows)
    downloads.files(root / "test", NAMES)


MAKERS = {
    "koniq": koniq, "lgvq": lgvq, "lsvq": lsvq, "live_vqc": live_vqc, "konvid": konvid, "genai_bench": genai_bench,
    "visionreward": visionreward,
}  # fmt: skip


def sit(exam: BenchmarkData, folder: Path) -> tuple[Summary, Sequence[PredictedExample]]:
    judge = Stub(oracle)
    rows = run_benchmark(
        judge, exam.examples, PredictionFile(folder / "p", Header.of(judge, exam.benchmark, exam.split))
    )
    return summarise(rows), rows


def test_every_benchmark_has_its_dataset_and_split() -> None:
    assert set(MAKERS) == set(BENCHMARKS) - {"table", SYNTHETIC}
    for bench in BENCHMARKS.values():
        assert bench.dataset == SYNTHETIC or bench.split in DATASETS[bench.dataset].splits


@pytest.mark.parametrize(
    ("name", "split", "asked"),
    [
        ("koniq", None, 7), ("lgvq", "all", 16), ("lsvq", None, 8), ("lsvq", "1080p", 8), ("live_vqc", None, 8),
        ("konvid", None, 8), ("genai_bench", None, 8), ("visionreward", None, 8),
    ],
)  # fmt: skip
def test_from_the_download_to_the_figures(tmp_path: Path, name: str, split: str | None, asked: int) -> None:
    MAKERS[name](tmp_path)
    exam = load_benchmark(name, tmp_path, split)
    summary, _ = sit(exam, tmp_path)
    assert (summary.asked, summary.ok, exam.split) == (asked, asked, split or BENCHMARKS[name].split)
    if summary.pairs is not None:
        assert summary.pairs.scores.tau_deutsch.value == summary.pairs.scores.diff.value == 1.0
        assert summary.pairs.orders is not None and summary.pairs.orders.consistent.value == 1.0
        assert [row.source for row in summary.pairs.sources] == (["Lavie", "Pika"] if name == "genai_bench" else [])
    for task in summary.scores:
        assert all(found.srcc.value == pytest.approx(1) for found in task.dimensions.values())
        assert all(found.mae.value == pytest.approx(0, abs=1e-9) for found in task.dimensions.values())
    if name == "lgvq":
        (task,) = summary.scores
        assert list(task.dimensions) == ["spatial", "temporal", "alignment"] and len(task.sources) == 6
        assert task.mean["srcc"].value == pytest.approx(1) and summary.notes  # the clips of a prompt stay together


def test_always_a_on_the_real_votes(tmp_path: Path, shared: Path) -> None:
    real = shared / "labels" / "genai_bench" / "genai_bench_video_test_v1_1069.jsonl"
    if not real.exists():
        pytest.skip(f"no labels at {real}")
    votes = [json.loads(line) for line in real.read_text(encoding="utf-8").splitlines()]
    rows = [
        {
            "prompt": v["prompt"], "left_video": "a.mp4", "right_video": "b.mp4", "left_model": "x",
            "right_model": "y", "vote_type": v["vote_type"],
        }
        for v in votes
    ]  # fmt: skip
    downloads.parquet(tmp_path / "video_generation" / "test_v1-00000-of-00001.parquet", rows)
    downloads.files(tmp_path, ["a.mp4", "b.mp4"])
    exam = load_benchmark("genai_bench", tmp_path)
    found = summarise([PredictedExample(example, Prediction(margin=1.0)) for example in exam.examples]).pairs
    assert found is not None and found.scores.n == 1069
    assert (
        round(100 * (found.scores.tau_va.value or 0), 1) == 34.8
        and round(100 * (found.scores.diff.value or 0), 1) == 46.4
    )


def test_a_part_is_spread_over_the_whole(tmp_path: Path) -> None:
    konvid(tmp_path)
    exam = load_benchmark("konvid", tmp_path, count=3)
    assert [example.id for example in exam.examples] == ["0", "2", "5"]
    assert exam.notes[-1] == "3 of 8 questions are asked, evenly spaced through the labels"
    assert len(load_benchmark("konvid", tmp_path, count=80).examples) == 8


def test_the_world_is_always_the_same() -> None:
    exam, more = (load_benchmark(SYNTHETIC, None, tasks=["compare", "image"], count=count) for count in (2, 3))
    assert [example.question.task for example in exam.examples] == ["image", "image", "compare", "compare"]
    assert {e.id for e in exam.examples} <= {e.id for e in more.examples}
    assert all("held_out" in clip.path for example in exam.examples for clip in example.question.clips)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    konvid(tmp_path)
    (tmp_path / "KoNViD_1k_videos" / "3.mp4").unlink()
    assert load_benchmark("konvid", tmp_path).not_on_disk == ("3",)
    with pytest.raises(UsageError, match="Questions of task yesno with all clips on the disk: 0"):
        load_benchmark("konvid", tmp_path, tasks=["yesno"])
    with pytest.raises(UsageError, match="at least one"):
        load_benchmark("konvid", tmp_path, count=0)
    with pytest.raises(UsageError, match="--unpack goes with genai_bench"):
        load_benchmark("konvid", tmp_path, options={"unpack": tmp_path})
