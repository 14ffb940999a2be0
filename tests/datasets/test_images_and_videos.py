"""KonIQ-10k, LSVQ, LIVE-VQC, KoNViD-1k and the FAST-VQA lists, each in miniature, with real labels where they are."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers import downloads
from scipy.io import savemat

from vqinsight.datasets import fastvqa, koniq, konvid, live_vqc, lsvq
from vqinsight.datasets.download import Download
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Score

KONIQ = ["image_name", "c1", "c2", "c3", "c4", "c5", "c_total", "MOS", "SD", "set"]


def scores(read: Download) -> dict[str, float]:
    """The one score of each example."""
    values = {}
    for example in read.examples:
        assert isinstance(example.answer, Score)
        (values[example.id],) = example.answer.values.values()
    return values


@pytest.fixture
def koniq_folder(tmp_path: Path) -> Path:
    downloads.table(
        tmp_path / "koniq10k_distributions_sets.csv",
        KONIQ,
        ("a.jpg", 0, 0, 0.25, 0.75, 0, 100, 77.4, 0.5, "training"),
        ("b.jpg", 0.5, 0.5, 0, 0, 0, 100, 20.0, 0.5, "training"),
        ("c.jpg", 0, 0, 0, 0, 1, 100, 88.0, 0.5, "test"),
        ("d.jpg", 0, 0, 0, 0, 1, 100, 3.95, 0.5, "validation"),
        ("e.jpg", 0, 0, 0, 0, 1, 100, "", 0.5, "test"),
    )
    return downloads.files(tmp_path, ["1024x768/a.jpg", "1024x768/c.jpg", "512x384/a.jpg", "512x384/b.jpg"])


def test_koniq_reads_its_sets_and_both_scores(koniq_folder: Path) -> None:
    read = koniq.load(koniq_folder, "training")
    (example,) = read.examples
    assert (example.id, example.question.task, example.scale) == ("a.jpg", "image", (1.0, 100.0))
    assert example.question.clips[0].path == str(koniq_folder / "1024x768" / "a.jpg")  # not the small copy
    assert scores(read) == {"a.jpg": 77.4} and read.missing == ("b.jpg",)
    means = koniq.load(koniq_folder, "training", scores="mean", size="512x384")
    assert scores(means) == {"a.jpg": 3.75, "b.jpg": 1.5}
    assert {e.scale for e in means.examples} == {(1.0, 5.0)}


def test_koniq_never_makes_a_zero_of_what_is_missing(koniq_folder: Path) -> None:
    read = koniq.load(koniq_folder, "test")
    assert scores(read) == {"c.jpg": 88.0}
    assert read.left_out == ("koniq10k_distributions_sets.csv, line 6: nothing in column 'mos'",)


def test_koniq_tells_the_file_with_means_from_the_one_with_mos(tmp_path: Path) -> None:
    """koniq10k_scores_and_distributions.csv has counts of votes, the 1–5 mean as MOS, and no sets."""
    path = tmp_path / "koniq10k_scores_and_distributions.csv"
    rows = [("a.jpg", 0, 0, 25, 75, 0, 100, 3.75, 0.5, 77.4), ("b.jpg", 50, 50, 0, 0, 0, 100, 1.5, 0.5, 20.0)]
    downloads.table(path, [*KONIQ[:-1], "MOS_zscore"], *rows)
    downloads.files(tmp_path, ["1024x768/a.jpg", "1024x768/b.jpg"])
    assert scores(koniq.load(tmp_path, "all")) == {"a.jpg": 77.4, "b.jpg": 20.0}
    assert scores(koniq.load(tmp_path, "all", scores="mean")) == {"a.jpg": 3.75, "b.jpg": 1.5}
    with pytest.raises(UsageError, match="has no column set"):
        koniq.load(tmp_path, "test")
    downloads.table(path, KONIQ[:-1], *(row[:-1] for row in rows))
    with pytest.raises(UsageError, match="means from 1 to 5"):
        koniq.load(tmp_path, "all")


def test_unknown_splits_and_sizes_name_the_known(koniq_folder: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean 'training'.*training, validation, test, all"):
        koniq.load(koniq_folder, "train")
    with pytest.raises(UsageError, match="1024x768"):
        koniq.load(koniq_folder, "test", size="big")


def test_koniq_real_labels_load_whole(labels: Path, tmp_path: Path) -> None:
    path = labels / "koniq" / "koniq10k_distributions_sets.csv"
    shutil.copy(path, tmp_path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    some = [row["image_name"] for row in rows[::50]]
    downloads.files(tmp_path / "1024x768", some)
    reads = [koniq.load(tmp_path, split) for split in ("training", "validation", "test")]
    counts = {read.split: len(read.examples) + len(read.missing) for read in reads}
    assert counts == dict(Counter(row["set"] for row in rows)) and not any(read.left_out for read in reads)
    means = koniq.load(tmp_path, "all", scores="mean")
    assert [example.id for example in means.examples] == some and not means.left_out
    assert scores(means)[some[0]] == pytest.approx(3.8286, abs=1e-3)


LSVQ_COLUMNS = ["name", "p1", "mos", "is_test", "is_valid"]


def test_lsvq_keeps_invalid_rows_and_adds_the_suffix(tmp_path: Path) -> None:
    downloads.table(
        tmp_path / "labels_train_test.csv",
        LSVQ_COLUMNS,
        ("yfcc-batch1/747", "[1, 2]", 67.75, "True", "True"),
        ("ia-batch1/Ep._11", "", 40, "True", "False"),  # not valid, and a dot that begins no suffix
        ("ia-batch9/x-4afy.mp4", "", 49.9, "True", "True"),  # the file is x-4afy.mp4.mp4
        ("ia-batch9/spared.mp4", "", 50, "True", "True"),  # a copy without the second suffix
        ("ia-batch9/y", "", 51, "True", "True"),
        ("ia-batch9/y.mp4", "", 52, "True", "True"),  # missing: y.mp4 is the clip named y
        ("yfcc-batch1/8", "", 30, "False", "True"),
        ("yfcc-batch1/9", "", 30, "maybe", "True"),
        ("yfcc-batch2/722", "", 61, "True", "True"),  # missing; batch 1 has a 722 that is another clip
    )
    downloads.table(tmp_path / "labels_test_1080p.csv", ["name", "mos", "is_valid"], ("yfcc-batch1/722", 78.8, "False"))
    downloads.files(
        tmp_path,
        [
            "yfcc-batch1/747.mp4", "ia-batch1/Ep._11.mp4", "ia-batch9/x-4afy.mp4.mp4", "ia-batch9/spared.mp4",
            "ia-batch9/y.mp4", "yfcc-batch1/8.mp4", "yfcc-batch1/722.mp4",
        ],
    )  # fmt: skip
    test = lsvq.load(tmp_path, "test")
    assert scores(test) == {
        "yfcc-batch1/747": 67.75, "ia-batch1/Ep._11": 40, "ia-batch9/x-4afy.mp4": 49.9, "ia-batch9/spared.mp4": 50,
        "ia-batch9/y": 51,
    }  # fmt: skip
    assert test.missing == ("ia-batch9/y.mp4", "yfcc-batch2/722")
    assert test.left_out == ("labels_train_test.csv, line 9: is_test 'maybe' is neither True nor False",)
    assert test.notes == ("1 labels have is_valid = False and count like the others",)
    assert {(e.question.task, e.scale) for e in test.examples} == {("natural", (0.0, 100.0))}
    assert scores(lsvq.load(tmp_path, "train")) == {"yfcc-batch1/8": 30}
    assert scores(lsvq.load(tmp_path, "1080p")) == {"yfcc-batch1/722": 78.8}


@pytest.mark.parametrize(("name", "split"), [("LSVQ_whole_test.csv", "test"), ("LSVQ_whole_test_1080p.csv", "1080p")])
def test_lsvq_public_copies_load_whole(labels: Path, tmp_path: Path, name: str, split: str) -> None:
    path = labels / "lsvq" / name
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    some = {row["name"]: float(row["mos"]) for place, row in enumerate(rows) if place % 50 == 0 or "mp4" in row["name"]}
    downloads.files(tmp_path, [f"{name}.mp4" for name in some])
    read = lsvq.load(tmp_path, split, labels=path)
    assert scores(read) == pytest.approx(some)
    assert len(read.examples) + len(read.missing) == len(rows) and not read.left_out


@pytest.mark.parametrize("shape", [(3, 1), (1, 3)])
def test_live_vqc_reads_cells_however_they_lie(tmp_path: Path, shape: tuple[int, int]) -> None:
    names = np.empty(shape, object)
    names.ravel()[:] = ["A001.mp4", "A002.mp4", "A003.mp4"]
    savemat(tmp_path / "data.mat", {"video_list": names, "mos": np.array([80.2, np.nan, 78.1]).reshape(shape)})
    downloads.files(tmp_path, ["Video/A001.mp4", "Video/A002.mp4"])
    read = live_vqc.load(tmp_path)
    assert scores(read) == {"A001.mp4": 80.2}
    assert read.missing == ("A003.mp4",)
    assert read.left_out == ("data.mat, entry 2: mos 'nan' is no number",)


def test_live_vqc_refuses_what_is_not_its_file(tmp_path: Path) -> None:
    downloads.text(tmp_path / "data.mat", "no matlab")
    with pytest.raises(UsageError, match=r"data\.mat is not a MATLAB file"):
        live_vqc.load(tmp_path)
    savemat(tmp_path / "data.mat", {"mos": np.ones((2, 1))})
    with pytest.raises(UsageError, match="has no variable video_list; it has: mos"):
        live_vqc.load(tmp_path)
    savemat(tmp_path / "data.mat", {"mos": np.ones((2, 1)), "video_list": np.array(["a.mp4"], object)})
    with pytest.raises(UsageError, match="1 names and 2 scores"):
        live_vqc.load(tmp_path)
    with pytest.raises(UsageError, match="Known: test"):
        live_vqc.load(tmp_path, "train")


def test_live_vqc_real_labels_load_whole(labels: Path, tmp_path: Path) -> None:
    shutil.copy(labels / "live_vqc" / "LIVE_VQC_data.mat", tmp_path / "data.mat")
    lines = (labels / "fastvqa" / "LIVE_VQC" / "labels.txt").read_text().splitlines()
    known = {line.split(", ")[0]: float(line.split(", ")[3]) for line in lines}
    downloads.files(tmp_path, known)
    read = live_vqc.load(tmp_path)
    assert {f"Video/{name}": value for name, value in scores(read).items()} == pytest.approx(known)
    assert not read.missing and not read.left_out


def test_konvid_finds_both_kinds_of_names(tmp_path: Path) -> None:
    rows = [("333", 4.64), ("3339962845", 2.5), ("44", 3.1), ("55.0", 3.2), ("66", 0.5), ("77", 2)]
    downloads.table(tmp_path / "KoNViD_1k_metadata" / "KoNViD_1k_mos.csv", ["flickr_id", "mos"], *rows)
    tail = "_original_centercrop_960x540_8s.mp4"
    downloads.files(tmp_path / "KoNViD_1k_videos", [f"333{tail}", "3339962845.mp4", f"44{tail}", "44.mp4", "55.mp4"])
    read = konvid.load(tmp_path)
    assert scores(read) == {"333": 4.64, "3339962845": 2.5, "44": 3.1, "55": 3.2}
    paths = {example.id: Path(example.question.clips[0].path).name for example in read.examples}
    assert paths == {"333": f"333{tail}", "3339962845": "3339962845.mp4", "44": "44.mp4", "55": "55.mp4"}
    assert read.missing == ("77",)
    assert read.left_out == ("KoNViD_1k_mos.csv, line 6: mos 0.5 is outside 1–5",)
    assert {e.scale for e in read.examples} == {(1.0, 5.0)}


def test_konvid_real_labels_and_a_real_clip(labels: Path, shared: Path, tmp_path: Path) -> None:
    shutil.copy(labels / "bvqa_benchmark" / "KONVID_1K_metadata.csv", tmp_path / "KoNViD_1k_mos.csv")
    clip = shared / "clips" / "natural" / "konvid_10053703034.mp4"
    (tmp_path / "KoNViD_1k_videos").mkdir()
    (tmp_path / "KoNViD_1k_videos" / "10053703034.mp4").symlink_to(clip)
    read = konvid.load(tmp_path)
    assert scores(read) == {"10053703034": pytest.approx(3.46)}
    assert len(read.missing) == 1199 and not read.left_out


def test_fastvqa_lists_are_read_leniently_and_nothing_is_guessed(tmp_path: Path) -> None:
    lines = [
        "\ufeffVideo/A001.mp4, 10.002367, 30.0, 80.232",
        "Video/A002.mp4,-1,-1,57.3",
        "Video/with, comma.mp4, -1, -1, 40.5 ,\t",
        "",
        "Video/A003.mp4, -1, -1,",
        "Video/A004.mp4, -1, -1, nan",
        "Video/A005.mp4, -1, -1, 33",
        "Video/A001.mp4, 10.002367, 30.0, 80.232\r",
    ]
    downloads.text(tmp_path / "labels.txt", "\n".join(lines))
    downloads.files(tmp_path / "LIVE" / "Video", ["A001.mp4", "A002.mp4", "with, comma.mp4", "A003.mp4", "A004.mp4"])
    read = fastvqa.load(tmp_path)
    assert scores(read) == {"Video/A001.mp4": 80.232, "Video/A002.mp4": 57.3, "Video/with, comma.mp4": 40.5}
    assert read.missing == ("Video/A005.mp4",)
    assert [entry.split(":")[0] for entry in read.left_out] == ["labels.txt, line 5", "labels.txt, line 6"]
    assert any("0–100, told from the scores" in note for note in read.notes)
    assert any("1 label rows repeat" in note for note in read.notes)


def test_a_list_that_lies_between_1_and_5_is_on_that_scale_unless_told(tmp_path: Path) -> None:
    downloads.text(tmp_path / "labels.txt", "a.mp4, -1, -1, 3.22\nb.mp4, -1, -1, 1.6\n")
    downloads.files(tmp_path, ["a.mp4", "b.mp4"])
    assert {e.scale for e in fastvqa.load(tmp_path).examples} == {(1.0, 5.0)}
    assert {e.scale for e in fastvqa.load(tmp_path, scale=(0.0, 10.0)).examples} == {(0.0, 10.0)}
    with pytest.raises(UsageError, match="lowest to its highest"):
        fastvqa.load(tmp_path, scale=(5.0, 1.0))
    with pytest.raises(UsageError, match=r"has no labels_test\.txt"):
        fastvqa.load(tmp_path, "test")


@pytest.mark.parametrize(
    ("folder", "split", "scale"),
    [
        ("KoNViD", "labels", (1.0, 5.0)),
        ("LIVE_VQC", "labels", (0.0, 100.0)),
        ("LSVQ", "train", (0.0, 100.0)),
        ("LSVQ", "test", (0.0, 100.0)),
        ("LSVQ", "1080p", (0.0, 100.0)),
    ],
)
def test_fastvqa_real_lists_load_whole(
    labels: Path, tmp_path: Path, folder: str, split: str, scale: tuple[float, float]
) -> None:
    path = labels / "fastvqa" / folder / fastvqa.FILES[split]
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    some = [line.split(", ")[0] for line in lines[::50]]
    downloads.files(tmp_path, some)
    read = fastvqa.load(tmp_path, split, labels=path)
    assert [e.id for e in read.examples] == some and {e.scale for e in read.examples} == {scale}
    assert len(read.examples) + len(read.missing) == len(lines) and not read.left_out
    assert scores(read)[some[0]] == float(lines[0].split(", ")[3])
