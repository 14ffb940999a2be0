"""A table of your own, CSV or JSON lines: scores, preferences, or answers to yes/no questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar

from vqinsight.common.csv_cells import restore
from vqinsight.datasets.download import BadRow, Download, Tray, check_choice, check_scale
from vqinsight.datasets.rows import Row, csv_columns, number, read_csv, read_json_lines
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Answer, Choice, Example, Preference, Question, Score, TaskName, Verdict
from vqinsight.video.info import IMAGE_SUFFIXES

Value = TypeVar("Value")

SPLITS = ("all",)
SUFFIXES = (".csv", ".jsonl")
Kind = Literal["quality", "dimensions", "pairs", "questions"]
COLUMNS: dict[Kind, tuple[str, ...]] = {
    "pairs": ("path_a", "path_b", "label"),
    "questions": ("path", "question", "answer"),
    "quality": ("path", "quality"),
    "dimensions": ("path", "spatial", "temporal"),
}
HELP = "path,quality | path,prompt,spatial,temporal,alignment | path_a,path_b,label | path,question,answer"
_LABELS: dict[str, Choice] = {"a": "A", "b": "B", "tie": "tie"}
_ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def recognise(place: Path) -> bool:
    """Whether the suffix is supported."""
    return place.is_file() and place.suffix.lower() in SUFFIXES


def load(place: str | Path, split: str = "all", *, scale: tuple[float, float] | None = None) -> Download:
    """Read a table of your own. Its columns determine its content:

    * ``path, quality``: one score per clip; images become task image, other clips task natural;
    * ``path, spatial, temporal`` and, with ``prompt``, ``alignment``: generated clips;
    * ``path_a, path_b, label``: which is better, ``A``, ``B`` or ``tie``;
    * ``path, question, answer``: ``yes`` or ``no``.

    Optional everywhere: ``prompt``, ``id`` (else made from the paths), ``group`` (what must stay together when the
    table is split; else the prompt) and ``source``. Scores need a range, from columns ``low`` and ``high`` or from
    ``scale``. Paths are relative to the table's folder. Lines of a JSON lines file may be of different kinds.

    Args:
        place: a ``.csv`` file in UTF-8, or a ``.jsonl`` file.
        split: ``all``; there is no other.
        scale: lowest and highest possible score, for rows without ``low`` and ``high``.

    Raises:
        UsageError: no such file, columns that fit none of the above or two of them, or scores without a range.
    """
    check_choice("table split", split, SPLITS)
    path = Path(place)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is no table: its name must end in {' or '.join(SUFFIXES)}.")
    check_scale(scale)
    tray = Tray("table", split)
    kind = _kind_of_csv(path, scale) if path.suffix.lower() == ".csv" else None
    for row in _csv_rows(path, COLUMNS[kind]) if kind else read_json_lines(path):
        try:
            own = kind or _kind({column for column in row.values if row.optional(column) is not None})
            example = _example(row, own, path.parent, scale, tray)
        except BadRow as error:
            tray.leave_out(row.where, str(error))
            continue
        if example:
            tray.add(example, row.where)
    return tray.done()


def _csv_rows(path: Path, needed: Sequence[str]) -> Iterator[Row]:
    """The rows, without the apostrophes that keep a spreadsheet from running a cell, as our own results have them."""
    for row in read_csv(path, needed):
        yield replace(row, values={column: restore(cell) for column, cell in row.values.items()})


def _kind_of_csv(path: Path, scale: tuple[float, float] | None) -> Kind:
    columns = set(csv_columns(path))
    try:
        kind = _kind(columns)
    except BadRow as error:
        hint = " Separate columns by commas, not semicolons." if any(";" in column for column in columns) else ""
        raise UsageError(f"{path}: {error}.{hint} A table has the columns {HELP}; see docs/guides/data.md.") from error
    if kind in ("quality", "dimensions") and scale is None and not {"low", "high"} <= columns:
        raise UsageError(f"{path}: scores need their range. Give --scale LOW HIGH, or the columns low and high.")
    return kind


def _kind(columns: set[str]) -> Kind:
    fitting = [kind for kind, needed in COLUMNS.items() if set(needed) <= columns]
    if len(fitting) > 1:
        raise BadRow(f"both {' and '.join(', '.join(COLUMNS[kind][1:]) for kind in fitting)} are filled in: keep one")
    if not fitting:
        nearest = min(COLUMNS.values(), key=lambda needed: len(set(needed) - columns))
        raise BadRow(f"nothing in {', '.join(name for name in nearest if name not in columns)}")
    return fitting[0]


def _example(row: Row, kind: Kind, folder: Path, scale: tuple[float, float] | None, tray: Tray) -> Example | None:
    labels = [row.text(column) for column in (("path_a", "path_b") if kind == "pairs" else ("path",))]
    prompt, text, span = row.optional("prompt"), None, None
    answer: Answer
    task: TaskName
    if kind == "pairs":
        if labels[0] == labels[1]:
            raise BadRow("path_a and path_b are the same")
        name, task, answer = " vs ".join(labels), "compare", Preference(_one_of(row, "label", _LABELS))
    elif kind == "questions":
        text = row.text("question")
        name, task, answer = f"{labels[0]}: {text}", "yesno", Verdict(_one_of(row, "answer", _ANSWERS))
    else:
        span = _range(row, scale)
        values, task = _scores(row, kind, labels[0], prompt, span)
        name, answer = labels[0], Score(values)
    clips = tray.clips([(label, _existing(folder / label)) for label in labels], prompt)
    if clips is None:
        return None
    group = row.optional("group") or prompt
    return Example(row.optional("id") or name, Question(task, clips, text), answer, span, group, row.optional("source"))


def _scores(
    row: Row, kind: Kind, label: str, prompt: str | None, span: tuple[float, float]
) -> tuple[dict[str, float], TaskName]:
    is_image = Path(label).suffix.lower() in IMAGE_SUFFIXES
    if kind == "quality":
        return {"quality": row.number("quality", span)}, "image" if is_image else "natural"
    if is_image:
        raise BadRow("spatial and temporal are scores of videos, this is an image: use quality")
    keys = ["spatial", "temporal"]
    if "alignment" in row.values:
        keys.append("alignment")
        if prompt is None:
            raise BadRow("alignment needs the prompt that the clip was made from")
    return {key: row.number(key, span) for key in keys}, "generated"


def _range(row: Row, scale: tuple[float, float] | None) -> tuple[float, float]:
    low, high = row.optional("low"), row.optional("high")
    if low is None and high is None:
        if scale is None:
            raise BadRow("scores need their range: low and high, or --scale")
        return scale
    ends = [number(row.text(column), (-1e9, 1e9), column) for column in ("low", "high")]
    if not ends[0] < ends[1]:
        raise BadRow(f"low {ends[0]:g} is not below high {ends[1]:g}")
    return ends[0], ends[1]


def _one_of(row: Row, column: str, known: dict[str, Value]) -> Value:
    text = row.text(column)
    if text.lower() not in known:
        raise BadRow(f"{column} {text!r} is none of {', '.join(known)}")
    return known[text.lower()]


def _existing(place: Path) -> Path | None:
    try:
        return place if place.exists() else None
    except OSError:  # a name that is too long, or no permission
        return None
