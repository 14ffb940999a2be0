"""KoNViD-1k: user videos with a mean opinion score (Hosu et al., 2017). For tests only."""

from __future__ import annotations

from pathlib import Path

from vqinsight.datasets.download import BadRow, Download, Tray, check_choice
from vqinsight.datasets.places import ClipFiles, existing_folder, label_file, look_for
from vqinsight.datasets.rows import read_csv
from vqinsight.tasks.types import Example, Question, Score

SPLITS = ("test",)
FILE = "KoNViD_1k_mos.csv"
SCALE = (1.0, 5.0)


def recognise(folder: Path) -> bool:
    """Whether the folder looks like this download."""
    return look_for(folder, FILE) is not None


def load(folder: str | Path, split: str = "test") -> Download:
    """Read KoNViD-1k as downloaded: ``KoNViD_1k_mos.csv`` and ``KoNViD_1k_videos/``.

    A clip is ``<flickr_id>.mp4`` or, in other copies, ``<flickr_id>_original_centercrop_960x540_8s.mp4``.

    Raises:
        UsageError: an unknown split, or a missing file or column.
    """
    check_choice("KoNViD-1k split", split, SPLITS)
    root = existing_folder(folder)
    labels = label_file(root, "KoNViD-1k", FILE)
    files = _by_id(ClipFiles(root))
    tray = Tray("konvid", split)
    for row in read_csv(labels, ["flickr_id", "mos"]):
        try:
            name = row.text("flickr_id").removesuffix(".0")  # written by spreadsheets
            value = row.number("mos", SCALE)
            clips = tray.clips([(name, files.get(name))])
        except BadRow as error:
            tray.leave_out(row.where, str(error))
            continue
        if clips:
            tray.add(Example(name, Question("natural", clips), Score({"quality": value}), SCALE), row.where)
    return tray.done()


def _by_id(files: ClipFiles) -> dict[str, Path]:
    """The clip of each id; the file with the bare name where both exist."""
    found: dict[str, Path] = {}
    for path in sorted(files.paths, key=lambda path: "_" in Path(path).stem):
        found.setdefault(Path(path).stem.split("_", 1)[0], files.folder / path)
    return found
