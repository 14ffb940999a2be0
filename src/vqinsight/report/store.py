"""A folder of results that outlives kills: Parquet parts beside a manifest, each clip or pair committed exactly once.

``_manifest.json`` says what every row depends on. ``part-000000.parquet`` and so on hold the rows: a part is written to
a temporary name, synced and renamed, and the folder is synced. So what can be read is committed, and what is not is
judged again. The names make pyarrow, pandas, DuckDB and Spark read the folder as one table.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqinsight.common.files import atomic_path, remove_parts, write_atomic
from vqinsight.common.lock import hold_folder
from vqinsight.errors import UsageError
from vqinsight.report.files import write_parquet
from vqinsight.report.rows import Columns, Row, judged_columns, judged_row
from vqinsight.results import SCHEMA_VERSION, Judged, asked_again
from vqinsight.video.entries import Place

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "_manifest.json"  # readers of Parquet folders pass over names that begin with an underscore
PART_CLIPS, PART_SECONDS = 64, 30.0  # a part is committed at the first of these: the most that a kill undoes
# Settings for readers: other values do not change an answer, or another key says it better (the weights' digest).
NOTES = frozenset({"model", "version", "device", "engine"})
_BRIEF = ("id", "revision", "position", "path", "a", "b", "a_kind", "b_kind", "status", "error")
_ANSWERS = ("overall", "overall_of", "missing_dimensions", "yes", "verdict")


@dataclass
class _Open:
    """The part that is being filled."""

    number: int
    rows: list[Row] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)


class ResultStore:
    """The rows of a folder, for its one writer; see ``open_store``.

    Attributes:
        known: by id, the latest committed or added row, in a few columns (``_BRIEF`` and ``_ANSWERS``, as there are).
    """

    def __init__(self, folder: Path, columns: Columns) -> None:
        self.folder, self.columns = folder, columns
        parts = _parts(folder)
        self._brief = [name for name in (*_BRIEF, *_ANSWERS) if name in columns]
        self.known: dict[str, Row] = {row["id"]: row for row in _read(parts, self._brief).to_pylist()}
        self._open = _Open(1 + max((_number(part) for part in parts), default=-1))

    def has(self, entry: Place) -> bool:
        """Whether the clip or pair was judged, as it is. One that failed is not: memory may suffice the next time.

        Nor is one that a server left without an answer.
        """
        row = self.known.get(entry.id)
        if row is None or row["revision"] != entry.revision:
            return False
        return not asked_again(row["status"], row["error"])

    def add(self, entry: Place, record: Judged, seconds: float | None = None) -> None:
        """Add a judged clip; commit once the part is full.

        Raises:
            OSError: the part cannot be written; its rows are kept for the next commit.
        """
        row = judged_row(entry, record, seconds)
        self._open.rows.append(row)
        self.known[entry.id] = {name: row.get(name) for name in self._brief}
        if len(self._open.rows) >= PART_CLIPS or time.monotonic() - self._open.since >= PART_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Write what was added as one part.

        Raises:
            OSError: it cannot be written.
        """
        part = self.folder / f"part-{self._open.number:06d}.parquet"
        if self._open.rows and not part.exists():  # it exists if the last commit was interrupted after the renaming
            with atomic_path(part, durable=True) as temporary:
                write_parquet(temporary, self.columns, self._open.rows)
        following = _Open(self._open.number + part.exists())
        self._open = following  # one assignment, so that an interruption cannot commit rows twice


@contextmanager
def open_store(folder: Path, settings: Mapping[str, Any], dimensions: Mapping[str, Any]) -> Iterator[ResultStore]:
    """Hold a folder for its one writer, and commit on leaving what was added, however the run ends.

    Args:
        settings: everything an answer depends on, ready for JSON, with ``verb`` and ``samples``.
        dimensions: every dimension that the model scores, with the ends of its scales.

    Raises:
        UsageError: another process writes there, the folder holds other files or rows of other settings, or cannot be
            made.
    """
    manifest = {"schema_version": SCHEMA_VERSION, **settings, "dimensions": dimensions}
    with hold_folder(folder):
        _check(folder, json.loads(json.dumps(manifest)))
        remove_parts(folder, "*")
        if not (folder / MANIFEST).exists():
            write_atomic(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n", durable=True)
        store = ResultStore(
            folder,
            judged_columns(settings["verb"], list(dimensions), settings["samples"], calibrated="scale" in settings),
        )
        try:
            yield store
        finally:
            store.commit()


def read_results(folder: str | Path) -> pa.Table:
    """The rows of a results folder, ordered by position: one a clip or pair, the latest of each.

    ``table.to_pandas()`` or ``table.to_pylist()`` converts them. A run may be writing: what it committed is there.

    Raises:
        UsageError: the folder holds no results, those of another schema, or a part is damaged.
    """
    place = Path(folder)
    if not (place / MANIFEST).is_file():
        raise UsageError(f"{place} holds no results: it has no {MANIFEST}. Name the folder that --out made.")
    _manifest(place)
    rows = _read(_parts(place))
    latest = {row: number for number, row in enumerate(rows["id"].to_pylist())} if rows.num_rows else {}
    return (
        rows.take(list(latest.values())).sort_by([("position", "ascending"), ("id", "ascending")]) if latest else rows
    )


def check_store(folder: Path) -> None:
    """Refuse a folder that holds other things than results, before any work.

    Raises:
        UsageError: it does.
    """
    if not folder.is_dir() or (folder / MANIFEST).exists():
        return
    foreign = sorted(place.name for place in folder.iterdir() if not place.name.startswith("."))
    if foreign:
        raise UsageError(
            f"{folder} holds other files ({foreign[0]}) and no results. Name a new folder, or one that --out made."
        )


def _check(folder: Path, manifest: dict[str, Any]) -> None:
    check_store(folder)
    if not (folder / MANIFEST).exists():
        return
    before = _manifest(folder)
    keys = [key for key in {**before, **manifest} if key not in NOTES]
    changed = [f"{key} was {before.get(key)!r}, is {manifest.get(key)!r}" for key in keys]
    changed = [text for key, text in zip(keys, changed, strict=True) if before.get(key) != manifest.get(key)]
    if changed:
        raise UsageError(
            f"{folder} was begun with other settings: {'; '.join(changed)}. Rows of two kinds are not mixed: ask as "
            "before, or choose another folder."
        )


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read ({error}). Choose another folder.") from error
    if found.get("schema_version") != SCHEMA_VERSION:
        raise UsageError(
            f"{folder} holds rows of schema {found.get('schema_version')}, and this version of vqinsight reads and "
            f"writes schema {SCHEMA_VERSION}: their columns differ. Choose another folder, or read its parts with "
            "pyarrow."
        )
    return found


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-[0-9]*.parquet"), key=_number)


def _number(part: Path) -> int:
    return int(part.stem.removeprefix("part-"))


def _read(parts: Sequence[Path], columns: list[str] | None = None) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    tables = []
    for part in parts:
        try:
            # partitioning: a folder named like year=2026 adds no column
            tables.append(parquet.read_table(part, columns=columns, partitioning=None))
        except (OSError, pa.ArrowException) as error:
            raise UsageError(f"{part} is damaged ({error}). Remove it: its clips are judged again.") from error
    return pa.concat_tables(tables) if tables else pa.table({name: [] for name in columns or _BRIEF})
