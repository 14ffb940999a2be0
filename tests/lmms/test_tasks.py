"""lmms-eval's tasks without lmms-eval: the YAML is whole, and the figures are those of ``vqinsight evaluate``."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from evaluation.test_benchmarks import MAKERS

from vqinsight.errors import UsageError
from vqinsight.evaluation.benchmarks import load_benchmark
from vqinsight.evaluation.prediction_file import Header, read_predictions, write_predictions
from vqinsight.evaluation.predictor import PredictedExample, Prediction, from_orders
from vqinsight.evaluation.summary import summarise
from vqinsight.lmms_eval import TASKS
from vqinsight.lmms_eval.figures import COUNTS, FIGURES, UNREADABLE, figure, results
from vqinsight.lmms_eval.questions import TEMPLATE, folder_variable, messages, rows, text, visuals, wording
from vqinsight.tasks.types import Choice, Example, Preference, Question, Score

# Each task: its benchmark, its split, and what is asked.
TASKS_OF = {
    "vqinsight_genai_bench": ("genai_bench", "test_v1", "compare"),
    "vqinsight_monetbench": ("visionreward", "test", "compare"),
    "vqinsight_lgvq": ("lgvq", "test", "generated"),
    "vqinsight_lsvq": ("lsvq", "test", "natural"),
    "vqinsight_lsvq_1080p": ("lsvq", "1080p", "natural"),
    "vqinsight_konvid": ("konvid", "test", "natural"),
    "vqinsight_live_vqc": ("live_vqc", "test", "natural"),
}
CHOICES: tuple[Choice, ...] = ("A", "B", "tie")


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard template, and no benchmark of the user's."""
    for name in (TEMPLATE, *(folder_variable(bench) for bench in MAKERS)):
        monkeypatch.delenv(name, raising=False)


def utils() -> ModuleType:
    """The functions of the YAML files, loaded as lmms-eval does: from the file, in no package."""
    spec = importlib.util.spec_from_file_location("utils", TASKS / "utils.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def config(path: Path, functions: ModuleType) -> dict[str, Any]:
    """A task's YAML with what it includes; ``!function utils.name`` is that function."""

    class Loader(yaml.SafeLoader):
        pass

    def function(loader: Loader, node: yaml.ScalarNode) -> Any:
        module, _, name = str(loader.construct_scalar(node)).partition(".")
        assert module == "utils"
        return getattr(functions, name)

    Loader.add_constructor("!function", function)
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader)
    included = content.pop("include", None)
    return {**(config(path.parent / included, functions) if included else {}), **content}


def test_the_tasks_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, functions and metrics; each asks the benchmark and the split of the paper's tables."""
    functions = utils()
    found = {path.stem: config(path, functions) for path in TASKS.glob("*.yaml")}
    assert {task["task"] for task in found.values()} == set(found) == set(TASKS_OF)
    # Stands in for the data set class of Hugging Face, which the project does not need.
    seen = type("Dataset", (), {"from_list": staticmethod(list)})
    monkeypatch.setitem(sys.modules, "datasets", type(sys)("datasets"))
    monkeypatch.setattr(sys.modules["datasets"], "Dataset", seen, raising=False)
    for name, task in found.items():
        bench, split, kind = TASKS_OF[name]
        metrics = [each["metric"] for each in task["metric_list"]]
        assert tuple(metrics) == FIGURES[kind] and task["tag"] == "vqinsight"
        assert all(each["aggregation"] is getattr(functions, each["metric"]) for each in task["metric_list"])
        assert [each["metric"] for each in task["metric_list"] if not each["higher_is_better"]] == list(COUNTS)
        assert [Path(file) for file in task["dataset_kwargs"]["data_files"].values()] == [TASKS / "placeholder.json"]
        folder = tmp_path / bench
        if not folder.exists():
            folder.mkdir()
            MAKERS[bench](folder)
        monkeypatch.setenv(folder_variable(bench), str(folder))
        docs = task["process_docs"](None)
        wanted = load_benchmark(bench, folder, split).examples
        assert [doc["id"] for doc in docs if doc["order"] != "ba"] == [example.id for example in wanted]
        assert {doc["task"] for doc in docs} == {kind}
        assert set(task["process_results"](docs[0], ["?"])) == set(FIGURES[kind])
        assert task["doc_to_visual"](docs[0]) == [clip.path for clip in wanted[0].question.clips]


def test_a_question_is_put_as_it_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MAKERS["genai_bench"](tmp_path)
    monkeypatch.setenv(folder_variable("genai_bench"), str(tmp_path))
    monkeypatch.setenv(TEMPLATE, "brief")
    first, second = rows("genai_bench")[:2]
    assert (first["order"], second["order"]) == ("ab", "ba") and first["paths"] == second["paths"][::-1]
    assert (first["label"], second["label"]) == ('"A"', '"B"')
    system, user = messages(second)
    assert system["content"][0]["text"] == wording().system
    a, b = visuals(second)
    video = partial(dict, type="video")
    assert user["content"] == [
        {"type": "text", "text": "A:"}, video(url=a), {"type": "text", "text": "B:"}, video(url=b),
        {"type": "text", "text": "Which video is better? Text: a dog"},
    ]  # fmt: skip
    assert text(second).endswith("A:\n[video 1]\nB:\n[video 2]\nWhich video is better? Text: a dog")


def test_what_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="Set VQINSIGHT_DATA_KONVID to the folder"):
        utils().konvid(None)
    monkeypatch.setenv(folder_variable("konvid"), str(tmp_path / "none"))
    with pytest.raises(UsageError, match="no such file or folder"):
        rows("konvid")


def answered(example: Example, place: int) -> tuple[list[str], Prediction]:
    """Completions about an example, one an order, and the prediction that an assessor makes of them."""
    dice = np.random.default_rng(place)
    question, asked = example.question, wording()
    if place == 1:
        said = ["no idea"] * 2
        missing = "no <answer>"
        if question.task == "compare":
            return said, Prediction("missing", reason=missing, texts=(said[0],), swapped_texts=(said[1],))
        return said[:1], Prediction("missing", reason=missing, texts=(said[0],))
    if place == 2:
        return [UNREADABLE + "it is empty", "<answer>A</answer>"], Prediction("unreadable", reason="it is empty")
    if isinstance(example.answer, Preference):
        forward, swapped = (CHOICES[int(dice.integers(3))] for _ in range(2))
        if place > 3:  # both orders agree with people
            forward, swapped = CHOICES[place % 2], CHOICES[1 - place % 2]
        turned = Question("compare", question.clips[::-1])
        said = [
            asked.format_answer(question, Preference(forward)),
            asked.format_answer(turned, Preference(swapped)),
        ]
        return said, from_orders(forward, swapped, texts=(said[0],), swapped_texts=(said[1],))
    values = {dim.key: round(float(dice.uniform(dim.low, dim.high)), 1) for dim in asked.dimensions(question)}
    ranges = {dim.key: (dim.low, dim.high) for dim in asked.dimensions(question)}
    return [asked.format_answer(question, Score(values))], Prediction(scores=values, ranges=ranges)


@pytest.mark.parametrize("bench", ["konvid", "lgvq", "genai_bench"])
def test_figures_are_those_of_evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: str) -> None:
    """From stored predictions, with a missing answer, an unreadable clip, and half a pair that ``--limit`` leaves."""
    MAKERS[bench](tmp_path / bench)
    monkeypatch.setenv(folder_variable(bench), str(tmp_path / bench))
    split = "all" if bench == "lgvq" else None
    examples = load_benchmark(bench, tmp_path / bench, split).examples
    docs = rows(bench, split)
    said = [answered(example, place) for place, example in enumerate(examples)]
    header = Header(bench, split or "test", "stub", "0" * 12, {})
    kept = [PredictedExample(example, one) for example, (_, one) in zip(examples, said, strict=True)]
    pairs = docs[0]["order"] != ""
    asked = docs[:-1] if pairs else docs
    write_predictions(tmp_path / "p.parquet", header, kept[:-1] if pairs else kept)
    wanted = summarise(read_predictions(tmp_path / "p.parquet")[1], bootstrap=None)

    answers = [text for texts, _ in said for text in (texts if pairs else texts[:1])]
    items = [results(doc, [answer]) for doc, answer in zip(asked, answers, strict=False)]
    assert len(items) == len(asked)
    found = {name: figure(name)([item[name] for item in items]) for name in FIGURES[docs[0]["task"]]}
    assert (found.pop("missing"), found.pop("unreadable")) == (wanted.missing, wanted.unreadable) == (1, 1)
    for name, value in found.items():
        if wanted.pairs is not None:
            expected = getattr(wanted.pairs.scores, name).value
        elif name in wanted.scores[0].mean:
            expected = wanted.scores[0].mean[name].value
        else:
            key, _, metric = name.partition("_") if bench == "lgvq" else ("quality", "", name)
            expected = getattr(wanted.scores[0].dimensions[key], metric).value
        assert expected is not None and value == expected, name
    assert math.isnan(figure("srcc")([]))


def test_nothing_that_has_other_versions_there_is_imported() -> None:
    program = """
import importlib.abc, runpy, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {"torch", "transformers", "av", "accelerate", "peft", "pydantic", "PIL", "lmms_eval"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import vqinsight.lmms_eval.asking, vqinsight.lmms_eval.manifest
found = runpy.run_path(sys.argv[1])
print(found["DATASET"]["data_files"]["test"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(TASKS / "utils.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and Path(done.stdout.strip()).is_file(), done.stderr
