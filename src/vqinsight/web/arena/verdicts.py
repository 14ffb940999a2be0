"""An assessor's verdicts on the arena's pairs, from a file that ``vqinsight compare`` or ``rank`` wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vqinsight.common.csv_cells import restore
from vqinsight.datasets.rows import read_csv, read_json_lines, read_parquet
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Choice
from vqinsight.video.inputs import location
from vqinsight.web.arena.votes import ArenaClip, Pair

_COLUMNS = ("a", "b", "verdict")
_OTHER: dict[str, Choice] = {"A": "B", "B": "A", "tie": "tie"}


def read_verdicts(file: Path, clips: Mapping[str, ArenaClip], pairs: Mapping[str, Pair]) -> dict[str, Choice | None]:
    """By pair; "A" is the pair's clip ``a``, "tie" also where the two orders differ, ``None`` a missing verdict.

    Args:
        file: ``.jsonl`` of ``compare`` or ``rank``, ``.csv`` or ``.parquet`` of ``compare``. Relative paths start at
            the current folder, as they did when it was written.
        clips, pairs: the arena's, by id.

    Raises:
        UsageError: the file is none of these, or has no verdict on a pair of the arena.
    """
    by_place = {(location(clip.path), clip.prompt): key for key, clip in clips.items()}
    found: dict[str, Choice | None] = {}
    for row in _rows(file):
        prompt, verdict = row.get("prompt") or None, row.get("verdict") or None
        ids = [by_place.get((location(str(row[side])), prompt)) for side in "ab"]
        if verdict not in (None, *_OTHER) or ids[0] is None or ids[1] is None:
            continue
        pair = Pair.of(ids[0], ids[1])
        if pair.id in pairs:
            found[pair.id] = verdict if verdict is None or pair.a == ids[0] else _OTHER[verdict]
    if not found:
        raise UsageError(
            f"{file} has no verdict on a pair of these votes. Compare the same clips with the same prompts, and run "
            "this in the same folder."
        )
    return found


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    kind = file.suffix.lower()
    if kind == ".csv":
        for row in read_csv(file, _COLUMNS):
            yield {name: restore(cell) for name, cell in row.values.items()}
    elif kind == ".parquet":
        for row in read_parquet(file, _COLUMNS):
            yield row.values
    elif kind == ".jsonl":
        for row in read_json_lines(file):
            records = row.values.get("comparisons") or [row.values]  # a ranking holds its comparisons
            yield from (each for each in records if isinstance(each, dict) and set(_COLUMNS) <= set(each))
    else:
        raise UsageError(f"{file}: verdicts are read from .jsonl, .csv or .parquet, as compare --out writes them.")
