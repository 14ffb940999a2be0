"""The benchmarks by name, each a split of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from vqinsight.datasets import DATASETS, Download
from vqinsight.datasets.check import read_splits
from vqinsight.datasets.download import check_choice
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Example, TaskName

if TYPE_CHECKING:
    from vqinsight.synthetic.generate import Split

SYNTHETIC = "synthetic"
TASKS: tuple[TaskName, ...] = get_args(TaskName)
SYNTHETIC_START = 2 * 10**12  # first seed of test clips; training starts at 0
SYNTHETIC_COUNT = 100
SYNTHETIC_SPLITS: dict[str, Split] = {"held_out": "held_out", "train": "train"}


@dataclass(frozen=True)
class Benchmark:
    """A benchmark: its dataset, its default split, and where the paper reports it."""

    title: str
    dataset: str
    split: str
    paper: str | None = None


BENCHMARKS: dict[str, Benchmark] = {
    "koniq": Benchmark("KonIQ-10k", "koniq", "test"),
    "lgvq": Benchmark("LGVQ", "lgvq", "test", "Table 2"),
    "lsvq": Benchmark("LSVQ", "lsvq", "test", "Table 3"),
    "live_vqc": Benchmark("LIVE-VQC", "live_vqc", "test", "Table 3"),
    "konvid": Benchmark("KoNViD-1k", "konvid", "test", "Table 3"),
    "genai_bench": Benchmark("GenAI-Bench (video)", "genai_bench", "test_v1", "Table 1"),
    "visionreward": Benchmark("MonetBench (VisionRewardDB-Video, test)", "visionreward", "test", "Table 1"),
    "table": Benchmark("A table of your own", "table", "all"),
    SYNTHETIC: Benchmark("The synthetic set", SYNTHETIC, "held_out"),
}


@dataclass(frozen=True)
class BenchmarkData:
    """The questions of one run.

    Attributes:
        benchmark, split: names.
        examples: the questions with labels.
        not_on_disk: clips that the labels name and that do not exist.
        left_out: unusable label rows, with the reason.
        notes: how the split is made, and which part of it is asked.
    """

    benchmark: str
    split: str
    examples: Sequence[Example]
    not_on_disk: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def load_benchmark(
    name: str,
    place: Path | None,
    split: str | None = None,
    *,
    tasks: Sequence[str] = (),
    count: int | None = None,
    options: dict[str, Any] | None = None,
) -> BenchmarkData:
    """The questions of a benchmark.

    Args:
        place: folder of the download, or the table; none for the synthetic set.
        tasks: only these; by default all of the benchmark.
        count: of the synthetic set, clips per task; of a download, the most questions, evenly spaced.
        options: of the dataset (``scale``, ``unpack``).

    Raises:
        UsageError: an unknown name, split or task, a missing or unsuitable place, or no question.
    """
    check_choice("benchmark", name, list(BENCHMARKS))
    if count is not None and count < 1:
        raise UsageError(f"--limit {count}: ask at least one question.")
    for task in tasks:
        check_choice("task", task, TASKS)
    bench, options = BENCHMARKS[name], options or {}
    if bench.dataset == SYNTHETIC:
        return _synthetic(place, split or bench.split, tasks, count or SYNTHETIC_COUNT, options)
    if place is None:
        raise UsageError(
            f"{bench.title} is not part of this project. Say where it lies with --data; see docs/guides/data.md."
        )
    if not place.exists():
        raise UsageError(f"--data {place}: no such file or folder.")
    check_choice("split", split or bench.split, DATASETS[bench.dataset].splits)
    (read,) = read_splits(place, bench.dataset, split or bench.split, options)
    assert isinstance(read, Download)
    examples = [example for example in read.examples if not tasks or example.question.task in tasks]
    if not examples:
        kind = f"of task {', '.join(tasks)} " if tasks else ""
        raise UsageError(
            f"{place}: nothing to ask. Questions {kind}with all clips on the disk: 0; clips that are "
            f"not there: {len(read.missing)}; label rows left out: {len(read.left_out)}. "
            f"vqinsight data check {place} names them."
        )
    notes = list(read.notes)
    if count is not None and count < len(examples):
        notes.append(f"{count} of {len(examples)} questions are asked, evenly spaced through the labels")
        examples = [examples[i * len(examples) // count] for i in range(count)]
    return BenchmarkData(name, read.split, examples, read.missing, read.left_out, tuple(notes))


def _synthetic(
    place: Path | None, split: str, tasks: Sequence[str], count: int, options: dict[str, Any]
) -> BenchmarkData:
    if place is not None or options:
        raise UsageError("The synthetic set needs no files: leave out --data, --scale and --unpack.")
    check_choice("split", split, list(SYNTHETIC_SPLITS))
    from vqinsight.datasets import synthetic  # imports torch, so after the checks

    chosen = [task for task in synthetic.TASKS if task in tasks or not tasks]
    parts = [synthetic.SyntheticExamples(task, SYNTHETIC_SPLITS[split], SYNTHETIC_START, count) for task in chosen]
    note = f"drawn, not filmed: {count} clips or pairs a task, exact quality as the label, seeds from {SYNTHETIC_START}"
    return BenchmarkData(SYNTHETIC, split, [example for part in parts for example in part], notes=(note,))
