"""LSVQ: user videos with a mean opinion score, the largest such collection (Ying et al., 2021)."""

from __future__ import annotations

from pathlib import Path

from vqinsight.datasets.download import BadRow, Download, Tray, check_choice
from vqinsight.datasets.places import ClipFiles, existing_folder, label_file, look_for
from vqinsight.datasets.rows import Row, csv_columns, read_csv
from vqinsight.tasks.types import Example, Question, Score

SPLITS = ("train", "test", "1080p")
TRAIN_TEST, LARGE = "labels_train_test.csv", "labels_test_1080p.csv"
SCALE = (0.0, 100.0)
_FLAGS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def recognise(folder: Path) -> bool:
    """Whether the folder looks like this download."""
    return look_for(folder, TRAIN_TEST, LARGE) is not None


def load(folder: str | Path, split: str, *, labels: str | Path | None = None) -> Download:
    """Read LSVQ as downloaded: ``yfcc-batch*/``, ``ia-batch*/``, ``backup*/`` and the two label files.

    Every row counts, also where ``is_valid`` is false: that column is about patches, and published results keep them.
    Public copies differ in length, so the number of clips is not checked.

    Args:
        folder: of the unpacked download.
        split: ``train`` or ``test`` by the column ``is_test``, or ``1080p``.
        labels: another label file with the same columns, such as a public copy; without a column ``is_test`` all of it
            is taken.

    Raises:
        UsageError: an unknown split, or a missing file or column.
    """
    check_choice("LSVQ split", split, SPLITS)
    root = existing_folder(folder)
    path = Path(labels) if labels else label_file(root, "LSVQ", LARGE if split == "1080p" else TRAIN_TEST)
    by_flag = split != "1080p" and (labels is None or "is_test" in csv_columns(path))
    files = ClipFiles(root)
    tray = Tray("lsvq", split)
    invalid = 0
    rows = list(read_csv(path, ["name", "mos", *(["is_test"] if by_flag else [])]))
    names = {row.values.get("name") for row in rows}
    for row in rows:
        try:
            if by_flag and _flag(row, "is_test") != (split == "test"):
                continue
            name = row.text("name")
            value = row.number("mos", SCALE)
            clips = tray.clips([(name, files.find(*_files_of(name, names)))])
        except BadRow as error:
            tray.leave_out(row.where, str(error))
            continue
        invalid += _FLAGS.get((row.optional("is_valid") or "").lower()) is False
        if clips:
            tray.add(Example(name, Question("natural", clips), Score({"quality": value}), SCALE), row.where)
    return tray.done(f"{invalid} labels have is_valid = False and count like the others") if invalid else tray.done()


def _files_of(name: str, names: set[str | None]) -> list[str]:
    """The possible files of a name: names have no suffix, may contain dots, and the name a.mp4 is the file a.mp4.mp4.

    Copies without the second suffix are accepted too, unless a.mp4 is the clip named a.
    """
    stem, dot, suffix = name.rpartition(".")
    spared = suffix.lower() == "mp4" and dot and stem not in names
    return [f"{name}.mp4", name] if spared else [f"{name}.mp4"]


def _flag(row: Row, column: str) -> bool:
    value = row.text(column).lower()
    if value not in _FLAGS:
        raise BadRow(f"{column} {value!r} is neither True nor False")
    return _FLAGS[value]
