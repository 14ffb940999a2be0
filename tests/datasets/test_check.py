"""``vqinsight data check``: what it recognises, counts, lists, and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers import downloads
from typer.testing import CliRunner

from vqinsight.cli.main import app
from vqinsight.datasets import DATASETS
from vqinsight.datasets.check import recognise
from vqinsight.errors import UsageError

LAYOUTS: dict[str, Any] = {
    "koniq": {"koniq10k_distributions_sets.csv": "image_name"},
    "lsvq": {"labels_test_1080p.csv": "name"},
    "live_vqc": {"data.mat": ""},
    "konvid": {"KoNViD_1k_metadata/KoNViD_1k_mos.csv": "flickr_id"},
    "fastvqa": {"train_labels.txt": ""},
    "lgvq": {"MOS.txt": "", "prompt_cls.json": ""},
    "visionreward": {"regression/train-00000-of-00001.parquet": [{"internal_id": "1"}]},
    "genai_bench": {"video_generation/test_v1-00000-of-00001.parquet": [{"left_video": "a.mp4"}]},
    "vidprom": {"VidProM_unique.csv": "prompt"},
    "table": {"t.csv": "path"},
}


def lay(folder: Path, layout: dict[str, Any]) -> Path:
    for name, content in layout.items():
        if isinstance(content, str):
            downloads.text(folder / name, content)
        else:
            downloads.parquet(folder / name, content)
    return folder


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["data", "check", *map(str, arguments)], env={"COLUMNS": "100", "TERM": "dumb"})


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_is_recognised_by_its_layout(tmp_path: Path, name: str) -> None:
    folder = lay(tmp_path, LAYOUTS[name])
    assert recognise(folder / "t.csv" if name == "table" else folder) == name


def test_what_is_not_recognised_lists_what_would_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        recognise(tmp_path)
    assert all(name in str(error.value) for name in DATASETS)
    with pytest.raises(UsageError, match="no such file or folder"):
        recognise(tmp_path / "nowhere")
    lay(tmp_path, {**LAYOUTS["lsvq"], **LAYOUTS["fastvqa"]})
    with pytest.raises(UsageError, match=r"looks like lsvq and fastvqa\. Say which with --dataset"):
        recognise(tmp_path)


@pytest.fixture
def lsvq(tmp_path: Path, encode: ModuleType) -> Path:
    root = tmp_path / "lsvq"
    downloads.table(
        root / "labels_train_test.csv",
        ["name", "mos", "is_test"],
        ("yfcc-batch1/1", 60.5, "False"),
        ("yfcc-batch1/2", 20.25, "False"),
        ("yfcc-batch1/3", 50, "False"),
        ("yfcc-batch1/4", "?", "False"),
        ("yfcc-batch1/1080", 70, "True"),
    )
    downloads.files(root, ["yfcc-batch1/2.mp4"])
    encode.video(root / "yfcc-batch1" / "1.mp4", 6)
    encode.video(root / "yfcc-batch1" / "1080.mp4", 6)
    return root


def test_it_counts_and_names(lsvq: Path) -> None:
    result = run(lsvq)
    assert result.exit_code == 0
    for expected in (
        "LSVQ (user videos, MOS 0–100)", "train: 2 natural (2 clips)",
        "labels: quality 20.25 to 60.5; the scale is 0–100",
        "not on the disk: 1", "    yfcc-batch1/3", "label rows left out: 1",
        "labels_train_test.csv, line 5: mos '?' is no number", "test: 1 natural (1 clips)",
        "1080p: not read.", "labels_test_1080p.csv", "No clip was opened; --open does that.",
    ):  # fmt: skip
        assert expected in result.stdout, expected


def test_open_finds_the_bad_clip(lsvq: Path) -> None:
    result = run(lsvq, "--open", "--split", "train")
    assert result.exit_code == 0
    assert "train: 1 natural (1 clips)" in result.stdout and "cannot be opened: 1" in result.stdout
    assert "2.mp4: the file is empty (0 bytes)" in result.stdout
    assert "60.5 to 60.5" in result.stdout  # the label of the bad clip is gone with it
    (lsvq / "yfcc-batch1" / "1.mp4").write_bytes(b"")
    assert run(lsvq, "--open", "--split", "train").exit_code == 1


def test_json_has_every_name(lsvq: Path) -> None:
    result = run(lsvq, "--json", "--open")
    report = json.loads(result.stdout)
    assert report["dataset"] == "lsvq" and report["usable"] and report["opened"]
    train, test, large = report["splits"]
    assert train["questions"] == {"natural": 1} and train["missing"] == ["yfcc-batch1/3"]
    assert train["labels"] == {"quality": [60.5, 60.5]} and train["scales"] == [[0.0, 100.0]]
    assert len(train["unreadable"]) == 1 and test["questions"] == {"natural": 1}
    assert large["absent"] and large["questions"] == {}


def test_nothing_usable_is_exit_code_1_and_wrong_usage_2(tmp_path: Path) -> None:
    downloads.table(tmp_path / "KoNViD_1k_mos.csv", ["flickr_id", "mos"], *((name, 3) for name in range(40)))
    result = run(tmp_path)
    assert result.exit_code == 1 and "test: nothing usable" in result.stdout
    assert "not on the disk: 40" in result.stdout and "and 30 more; --json names them all" in result.stdout
    assert len(json.loads(run(tmp_path, "--json").stdout)["splits"][0]["missing"]) == 40
    for arguments, why in (
        (("--dataset", "konvidd"), "did you mean 'konvid'"),
        (("--split", "train"), "Known: test"),
        (("--scale", "1", "5"), "--scale goes with fastvqa, table, not with konvid"),
        (("--dataset", "lsvq"), "has no labels_train_test.csv"),
    ):
        result = run(tmp_path, *arguments)
        assert result.exit_code == 2 and why in result.stderr and not result.stdout, arguments


def test_choices_verdicts_and_prompts_are_counted(tmp_path: Path) -> None:
    downloads.files(tmp_path, ["a.mp4", "b.mp4"])
    rows = [{"path_a": "a.mp4", "path_b": "b.mp4", "label": label, "id": label} for label in ("A", "B", "tie")]
    asked = {"path": "a.mp4", "question": "Still?", "answer": "yes"}
    path = downloads.text(tmp_path / "t.jsonl", "\n".join(json.dumps(row) for row in [*rows, asked]))
    result = run(path)
    assert "all: 3 compare, 1 yesno (2 clips)" in result.stdout
    assert "labels: A 1, B 1, tie 1, yes 1" in result.stdout and result.exit_code == 0
    downloads.table(tmp_path / "vid" / "VidProM_unique.csv", ["uuid", "prompt"], ("1", "a cat"), ("2", "A cat"))
    result = run(tmp_path / "vid")
    assert "all: 1 prompts" in result.stdout and result.exit_code == 0


def test_a_table_with_its_scale(tmp_path: Path) -> None:
    downloads.files(tmp_path, ["a.mp4"])
    path = downloads.table(tmp_path / "t.csv", ["path", "quality"], ("a.mp4", 3))
    assert run(path).exit_code == 2
    result = run(path, "--scale", "1", "5")
    assert result.exit_code == 0 and "labels: quality 3 to 3; the scale is 1–5" in result.stdout


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = downloads.table(tmp_path / "t.csv", ["path", "quality", "low", "high"], ("\x1b[31mred.mp4", 3, 1, 5))
    result = run(path)
    assert "\x1b[31m" not in result.stdout and r"\x1b[31mred.mp4" in result.stdout


def test_datasets_need_no_torch() -> None:
    code = "import sys, vqinsight.datasets.check, vqinsight.cli.data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_brackets_without_end_are_named_with_their_file(shared: Path, tmp_path: Path) -> None:
    downloads.text(tmp_path / "MOS.txt", "videos/a/1.mp4;1;2;3\n")
    (tmp_path / "prompt_cls.json").write_bytes((shared / "cases" / "lgvq_deep.json").read_bytes())
    done = CliRunner().invoke(app, ["data", "check", str(tmp_path)])
    assert done.exit_code == 2 and "prompt_cls.json is not JSON: brackets nested without end" in done.stderr


def test_scores_in_words_are_named_with_their_row(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "data.mat").write_bytes((shared / "cases" / "livevqc_strmos.mat").read_bytes())
    done = CliRunner().invoke(app, ["data", "check", str(tmp_path)])
    assert done.exit_code == 1 and "data.mat, entry 1: mos 'abc' is no number" in done.stdout
