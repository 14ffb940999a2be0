"""Rated clips from a table: CSV, JSON lines or Parquet, with a rating a row, or several raters' columns."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from vqinsight.common.csv_cells import restore
from vqinsight.datasets.download import BadRow
from vqinsight.datasets.rows import Row, csv_columns, parquet_columns, read_csv, read_json_lines, read_parquet
from vqinsight.datasets.rows import number as parse_number
from vqinsight.errors import UsageError
from vqinsight.video.info import DOWNLOAD_FIRST, is_url

SUFFIXES = (".csv", ".jsonl", ".parquet")
# Role: names of its column, the first that is there.
NAMES: dict[str, tuple[str, ...]] = {
    "path": ("path", "clip", "video"),
    "rating": ("rating",),
    "prompt": ("prompt",),
    "generator": ("generator", "model", "source"),
    "rater": ("rater",),
}
_RATERS = "rating_"  # begins the columns of several raters
_ANY = (-1e9, 1e9)


@dataclass(frozen=True)
class RatedClip:
    """A clip and what people gave it.

    Attributes:
        path: of the file, from the current folder.
        ratings: every rating, in the user's unit.
        prompt, generator: as the table says; ``None`` where it does not.
    """

    path: str
    ratings: tuple[float, ...]
    prompt: str | None = None
    generator: str | None = None

    @property
    def rating(self) -> float:
        """The mean over raters."""
        return math.fsum(self.ratings) / len(self.ratings)


@dataclass(frozen=True)
class Ratings:
    """The rated clips of a table.

    Attributes:
        file: its name.
        clips: each once, in the order of the table.
        left_out: clip, or file and line, with the reason.
        notes: remarks on raters and repeated rows.
    """

    file: str
    clips: tuple[RatedClip, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Clip:
    """What is known of a clip so far."""

    path: str
    ratings: list[float] = field(default_factory=list)
    prompts: dict[str, None] = field(default_factory=dict)
    generators: dict[str, None] = field(default_factory=dict)


def read_ratings(place: str | Path, columns: Mapping[str, Sequence[str]] | None = None) -> Ratings:
    """Read a table of ratings.

    A clip's ratings are averaged: those of the columns ``rating`` or ``rating_…``, one a rater, and those of several
    rows. Relative paths start at the table's folder. A cell that is no number is left out with its line, and so is a
    clip with two prompts or two generators.

    Args:
        place: a ``.csv``, ``.jsonl`` or ``.parquet`` file.
        columns: by role (``NAMES``) the columns to take instead; ``rating`` may have several.

    Raises:
        UsageError: the file cannot be read, lacks a column, or holds no rating.
    """
    path = Path(place)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is no table of ratings: its name must end in {', '.join(SUFFIXES)}.")
    there, rows = _table(path)
    roles = _roles(path, there, columns or {})
    clips: dict[str, _Clip] = {}
    left_out: list[tuple[str, str]] = []
    seen: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        try:
            _add(row, roles, path.parent, clips, left_out, seen)
        except BadRow as error:
            left_out.append((row.where, str(error)))
    rated = []
    for clip in clips.values():
        two = next((of for of in (clip.prompts, clip.generators) if len(of) > 1), None)
        if two is not None:
            what = "prompts" if two is clip.prompts else "generators"
            left_out.append((clip.path, f"two {what} ({', '.join(map(repr, two))}): name one"))
        elif clip.ratings:
            prompt, generator = next(iter(clip.prompts), None), next(iter(clip.generators), None)
            rated.append(RatedClip(clip.path, tuple(clip.ratings), prompt, generator))
    if not rated:
        first = f" The first row that is left out: {': '.join(left_out[0])}." if left_out else ""
        raise UsageError(f"{path} holds no usable rating.{first}")
    return Ratings(path.name, tuple(rated), tuple(left_out), tuple(_notes(rated, seen, bool(roles["rater"]))))


def _table(path: Path) -> tuple[list[str], list[Row]]:
    """The columns, in lower case, and the rows."""
    kind = path.suffix.lower()
    if kind == ".csv":
        rows = [
            replace(row, values={key: _plain(cell) for key, cell in row.values.items()}) for row in read_csv(path, ())
        ]
        return csv_columns(path), rows
    if kind == ".jsonl":
        rows = list(read_json_lines(path))
        return list(dict.fromkeys(column for row in rows for column in row.values)), rows
    names = parquet_columns(path)
    rows = [
        replace(row, values={column.strip().lower(): cell for column, cell in row.values.items()})
        for row in read_parquet(path, names)
    ]
    return [name.strip().lower() for name in names], rows


def _plain(cell: object) -> object:
    """A cell as it was before it was kept from running in a spreadsheet."""
    return restore(cell) if isinstance(cell, str) else cell


def _roles(path: Path, there: Sequence[str], given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The columns of each role; none where the table has none."""
    roles: dict[str, list[str]] = {}
    for role, names in NAMES.items():
        chosen = [name.strip().lower() for name in given.get(role, ())]
        absent = [name for name in chosen if name not in there]
        if absent:
            raise UsageError(f"{path} has no column {', '.join(absent)}; it has: {', '.join(there) or 'none'}.")
        found = [name for name in names if name in there][:1]
        if role == "rating":
            found += [name for name in there if name.startswith(_RATERS)]
        roles[role] = chosen or found
    for role in ("path", "rating"):
        if not roles[role]:
            raise UsageError(
                f"{path} has no column {' or '.join(NAMES[role])}; it has: {', '.join(there) or 'none'}. Name it: "
                f"--column {role}=COLUMN"
            )
    return roles


def _add(
    row: Row,
    roles: dict[str, list[str]],
    folder: Path,
    clips: dict[str, _Clip],
    left_out: list[tuple[str, str]],
    seen: Counter[tuple[object, ...]],
) -> None:
    named = row.text(roles["path"][0])
    if is_url(named):
        raise BadRow(f"{named} is a URL. {DOWNLOAD_FIRST}")
    place = os.path.normpath(folder / named)
    clip = clips.setdefault(os.path.abspath(place), _Clip(place))  # noqa: PTH100 - Path.absolute keeps ".."
    prompt, generator, rater = (_optional(row, roles[role]) for role in ("prompt", "generator", "rater"))
    values = []
    for column in roles["rating"]:
        text = row.optional(column)
        if text is None:
            continue
        try:
            values.append(parse_number(text, _ANY, column))
        except BadRow as error:
            left_out.append((row.where, str(error)))
    if not values and all(row.optional(column) is None for column in roles["rating"]):
        raise BadRow("no rating")
    key = (clip.path, prompt, generator, rater, *values)
    seen[key] += 1
    if prompt is not None:
        clip.prompts[prompt] = None
    if generator is not None:
        clip.generators[generator] = None
    if rater is None or seen[key] == 1:
        clip.ratings += values


def _optional(row: Row, columns: Sequence[str]) -> str | None:
    return row.optional(columns[0]) if columns else None


def _notes(clips: Sequence[RatedClip], seen: Counter[tuple[object, ...]], raters_named: bool) -> Iterator[str]:
    repeated = sum(count - 1 for count in seen.values())
    if repeated and raters_named:
        yield f"{repeated} rows repeat another one, of the same rater, and do not count again."
    elif repeated:
        yield f"{repeated} rows repeat another one: without a column rater they count as the ratings of other raters."
    several = [clip.ratings for clip in clips if len(clip.ratings) > 1]
    if not several:
        yield "Every clip has one rating: how far raters differ is unknown."
        return
    squares = sum(float(np.square(np.array(given) - np.mean(given)).sum()) for given in several)
    spread = math.sqrt(squares / sum(len(given) - 1 for given in several))
    yield (
        f"{len(several)} of {len(clips)} clips have several ratings; their standard deviation within a clip is "
        f"{spread:.2g}."
    )
