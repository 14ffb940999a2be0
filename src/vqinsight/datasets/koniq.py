"""KonIQ-10k: photographs with a mean opinion score (Hosu et al., 2020)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vqinsight.datasets.download import BadRow, Download, Tray, check_choice
from vqinsight.datasets.places import ClipFiles, existing_folder, label_file, look_for
from vqinsight.datasets.rows import Row, csv_columns, number, read_csv
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Example, Question, Score

SPLITS = ("training", "validation", "test", "all")
FILES = ("koniq10k_distributions_sets.csv", "koniq10k_scores_and_distributions.csv")
SIZES = ("1024x768", "512x384")
HUNDRED, FIVE = (1.0, 100.0), (1.0, 5.0)


def recognise(folder: Path) -> bool:
    """Whether the folder looks like this download."""
    return look_for(folder, *FILES) is not None


def load(
    folder: str | Path, split: str, *, scores: Literal["mos", "mean"] = "mos", size: str | None = None
) -> Download:
    """Read KonIQ-10k as downloaded: the score file and ``1024x768/`` or ``512x384/``.

    Args:
        folder: of the unpacked download.
        split: ``training``, ``validation`` or ``test`` by the file's column ``set``, or ``all``.
        scores: ``mos`` for the published MOS (1–100), ``mean`` for the mean vote Σ i·c_i / Σ c_i (1–5).
        size: image folder; by default the large one if it exists.

    Raises:
        UsageError: an unknown split, score or size, or a missing file or column.
    """
    check_choice("KonIQ-10k split", split, SPLITS)
    check_choice("KonIQ-10k score", scores, ("mos", "mean"))
    root = existing_folder(folder)
    labels = label_file(root, "KonIQ-10k", *FILES)
    # The file without sets has the 1–5 mean in its column MOS and the 1–100 score in MOS_zscore.
    column = "mos_zscore" if "mos_zscore" in csv_columns(labels) else "mos"
    votes = [f"c{vote}" for vote in range(1, 6)]
    needed = ["image_name", *(votes if scores == "mean" else [column]), *(["set"] if split != "all" else [])]
    rows = list(read_csv(labels, needed))
    if scores == "mos":
        _refuse_means(labels, column, rows)
    images = _images(root, size)
    tray = Tray("koniq", split)
    for row in rows:
        try:
            if split != "all" and row.text("set").lower() != split:
                continue
            name = row.text("image_name")
            value = row.number(column, HUNDRED) if scores == "mos" else _mean_vote(row)
            clips = tray.clips([(name, images.find(name))])
        except BadRow as error:
            tray.leave_out(row.where, str(error))
            continue
        if clips:
            question, scale = Question("image", clips), HUNDRED if scores == "mos" else FIVE
            tray.add(Example(name, question, Score({"quality": value}), scale), row.where)
    chosen = f"column {column}" if scores == "mos" else "the mean vote"
    return tray.done(f"images from {images.folder.name}/; scores: {chosen} of {labels.name}")


def _images(root: Path, size: str | None) -> ClipFiles:
    if size is not None:
        check_choice("KonIQ-10k size", size, SIZES)
    place = look_for(root, *([size] if size else SIZES))
    if place is None and size is not None:
        raise UsageError(f"{root} has no folder {size}. Unpack koniq10k_{size}.zip there, or choose the other size.")
    return ClipFiles(place or root)


def _mean_vote(row: Row) -> float:
    """Σ i·c_i / Σ c_i: the c_i are counts in one published file and shares in the other."""
    shares = [number(row.text(f"c{vote}"), (0.0, 1e6), f"c{vote}") for vote in range(1, 6)]
    if not sum(shares):
        raise BadRow("nobody voted")
    return sum(vote * share for vote, share in enumerate(shares, start=1)) / sum(shares)


def _refuse_means(labels: Path, column: str, rows: list[Row]) -> None:
    """Refuse a file whose every MOS is at most 5: it holds means on 1–5, not scores on 1–100."""
    values = []
    for row in rows:
        try:
            values.append(row.number(column, HUNDRED))
        except BadRow:
            continue
    if len(values) > 1 and max(values) <= FIVE[1]:
        raise UsageError(
            f"{labels}: column {column} holds means from 1 to 5, not the MOS from 1 to 100. Ask for 'mean'."
        )
