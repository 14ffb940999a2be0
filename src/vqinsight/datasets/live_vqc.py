"""LIVE-VQC: phone videos with a mean opinion score (Sinno and Bovik, 2019). For tests only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vqinsight.datasets.download import BadRow, Download, Tray, check_choice
from vqinsight.datasets.places import ClipFiles, existing_folder, label_file, look_for
from vqinsight.datasets.rows import number, readable
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Example, Question, Score

SPLITS = ("test",)
FILE = "data.mat"
SCALE = (0.0, 100.0)


def recognise(folder: Path) -> bool:
    """Whether the folder looks like this download."""
    return look_for(folder, FILE) is not None


def load(folder: str | Path, split: str = "test") -> Download:
    """Read LIVE-VQC as downloaded: ``data.mat`` and ``Video/``.

    Raises:
        UsageError: an unknown split, or no MATLAB file with ``video_list`` and ``mos`` of one length.
    """
    check_choice("LIVE-VQC split", split, SPLITS)
    root = existing_folder(folder)
    labels = label_file(root, "LIVE-VQC", FILE)
    names, scores = _read(labels)
    files = ClipFiles(root)
    tray = Tray("live_vqc", split)
    for entry, (name, score) in enumerate(zip(names, scores, strict=True), start=1):
        where = f"{labels.name}, entry {entry}"
        try:
            value = number(score, SCALE, "mos")
            clips = tray.clips([(name, files.find(name))])
        except BadRow as error:
            tray.leave_out(where, str(error))
            continue
        if clips:
            tray.add(Example(name, Question("natural", clips), Score({"quality": value}), SCALE), where)
    return tray.done()


def _read(labels: Path) -> tuple[list[str], list[str]]:
    """The names and scores as written; both are columns or rows, the names cells with one string."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    with readable(labels, "a MATLAB file of version 7 or older"):
        try:
            content: dict[str, Any] = loadmat(labels)
        except (MatReadError, NotImplementedError) as error:  # the latter for MATLAB 7.3
            raise ValueError(error) from error
    absent = [key for key in ("video_list", "mos") if key not in content]
    if absent:
        found = ", ".join(key for key in content if not key.startswith("__")) or "none"
        raise UsageError(f"{labels} has no variable {', '.join(absent)}; it has: {found}. Is it LIVE-VQC's data.mat?")
    odd = [key for key in ("video_list", "mos") if not isinstance(content[key], np.ndarray)]
    if odd:
        raise UsageError(f"{labels}: {' and '.join(odd)} should be an array. Is it LIVE-VQC's data.mat?")
    names = [str(_inner(cell)) for cell in content["video_list"].ravel()]
    scores = [str(_inner(cell)) for cell in content["mos"].ravel()]
    if len(names) != len(scores):
        raise UsageError(f"{labels} has {len(names)} names and {len(scores)} scores. Download it again.")
    return names, scores


def _inner(cell: Any) -> Any:
    """The value inside nested arrays of size one; nothing for an array of another size."""
    while isinstance(cell, np.ndarray):
        cell = cell.ravel()[0] if cell.size == 1 else ""
    return cell
