"""Label lists of FAST-VQA and its successors: ``path, duration or -1, frame rate or -1, MOS`` per line."""

from __future__ import annotations

from pathlib import Path

from vqinsight.datasets.download import BadRow, Download, Tray, check_choice, check_scale
from vqinsight.datasets.places import ClipFiles, existing_folder, label_file, look_for
from vqinsight.datasets.rows import number, readable
from vqinsight.tasks.types import Example, Question, Score

SPLITS = ("labels", "train", "test", "1080p")
FILES = {"labels": "labels.txt", "train": "train_labels.txt", "test": "labels_test.txt", "1080p": "labels_1080p.txt"}
HUNDRED, FIVE = (0.0, 100.0), (1.0, 5.0)


def recognise(folder: Path) -> bool:
    """Whether the folder looks like videos with such a list."""
    return look_for(folder, *FILES.values()) is not None


def load(
    folder: str | Path,
    split: str = "labels",
    *,
    labels: str | Path | None = None,
    scale: tuple[float, float] | None = None,
) -> Download:
    """Read a text list; its paths are relative to ``folder`` or to any folder below it.

    Args:
        folder: of the videos.
        split: the list in ``folder``: ``labels`` (labels.txt), ``train`` (train_labels.txt), ``test``
            (labels_test.txt) or ``1080p`` (labels_1080p.txt).
        labels: this list instead.
        scale: lowest and highest possible score. The lists do not say; without it, 1–5 if every score of the list lies
            there, else 0–100, and a note tells which.

    Raises:
        UsageError: an unknown split, or no list.
    """
    check_choice("list", split, SPLITS)
    check_scale(scale)
    root = existing_folder(folder)
    path = Path(labels) if labels else label_file(root, "a folder with a FAST-VQA list", FILES[split])
    tray = Tray("fastvqa", split)
    rows: list[tuple[str, str, str]] = []
    with readable(path, "text in UTF-8"):
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    for line, text in enumerate(lines, start=1):
        where = f"{path.name}, line {line}"
        fields = [field.strip() for field in text.rstrip(", \t").rsplit(",", 3)]  # commas in a path stay in it
        if not text.strip():
            continue
        if len(fields) == 4 and fields[0]:
            rows.append((where, fields[0], fields[3]))
        else:
            tray.leave_out(where, f"{text.strip()[:60]!r} is not 'path, duration, frame rate, score'")
    low, high = scale or _guess([score for _, _, score in rows])
    files = ClipFiles(root)
    for where, name, score in rows:
        try:
            value = number(score, (low, high), "the score")
            clips = tray.clips([(name, files.find(name))])
        except BadRow as error:
            tray.leave_out(where, str(error))
            continue
        if clips:
            tray.add(Example(name, Question("natural", clips), Score({"quality": value}), (low, high)), where)
    origin = "as asked for" if scale else "told from the scores, for the list does not say it"
    return tray.done(f"{path.name} on the scale {low:g}–{high:g}, {origin}")


def _guess(scores: list[str]) -> tuple[float, float]:
    values = []
    for score in scores:
        try:
            values.append(number(score, HUNDRED, "the score"))
        except BadRow:
            continue
    return FIVE if values and min(values) >= FIVE[0] and max(values) <= FIVE[1] else HUNDRED
