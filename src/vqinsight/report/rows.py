"""Table rows from records: one row per clip, pair or place in a ranking."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Literal

from vqinsight.report.measured import ClipMeasurement, measured_table
from vqinsight.report.phrases import JudgedRecord, ResultRecord, scales
from vqinsight.results import (
    SCHEMA_VERSION,
    ClipComparison,
    ClipInput,
    ClipRanking,
    ClipScore,
    ClipVerdict,
    Judged,
    Reply,
    Tokens,
)
from vqinsight.video.entries import PairEntry, Place
from vqinsight.video.info import window_of

Kind = Literal["text", "number", "count", "flag", "texts", "numbers", "counts", "replies"]
REPLY = ("text", "reasoning", "value", "missing", "missing_dimensions")  # what a cell of the kind ``replies`` holds
Columns = dict[str, Kind]
Row = dict[str, Any]

_INPUT: Columns = {
    "kind": "text",
    "width": "count",
    "height": "count",
    "source_frames": "count",
    "source_fps": "number",
    "duration": "number",
    "indices": "counts",
    "times": "numbers",
    "rule": "text",
    "shown_width": "count",
    "shown_height": "count",
    "extra": "texts",
    "evidence": "text",
    "warnings": "texts",
}
_PROVENANCE: Columns = {
    "model": "text",
    "model_hash": "text",
    "family": "text",
    "template": "text",
    "samples": "count",
    "temperature": "number",
    "seed": "count",
    "dtype": "text",
    "device": "text",
    "version": "text",
    "engine": "text",
    "host": "text",
    "sent": "text",
}
_TOKENS: Columns = {"prompt_tokens": "count", "completion_tokens": "count"}
_CLIP: Columns = {"path": "text", "prompt": "text"}
_WINDOW: Columns = {"file": "text", "start": "number", "end": "number"}
_OUTCOME: Columns = {"status": "text", "error": "text"}
_OVERALL: Columns = {"overall": "number", "overall_of": "texts", "missing_dimensions": "text"}
_END: Columns = {"schema_version": "count"}
_ANSWERS: Columns = {"reasoning": "text", **_INPUT, **_PROVENANCE, **_TOKENS, "replies": "replies"}
_CALIBRATED: Columns = {
    "scale": "text",
    "calibrated": "number",
    "calibrated_low": "number",
    "calibrated_high": "number",
    "calibrated_note": "text",
}
_PAIR: Columns = {
    "a": "text",
    "b": "text",
    "prompt": "text",
    **_OUTCOME,
    "verdict": "text",
    "consistent": "flag",
    "order_bias": "number",
    **{f"{side}_{key}": kind for side in "ab" for key, kind in _INPUT.items()},
    **_PROVENANCE,
    **_TOKENS,
    "forward": "replies",
    "swapped": "replies",
}


def table(records: Sequence[ResultRecord]) -> tuple[Columns, list[Row]]:
    """Columns with their kinds, and rows, for records of one type; a row may lack columns that do not apply to it.

    * **Scores**: one column per dimension, ``overall``, ``overall_of`` (the names of its dimensions),
      ``missing_dimensions`` (JSON: the reason of each that has no value), ``<dimension>_spread`` for several sampled
      answers, and ``ranges`` (JSON: the ends of each dimension's scale). Windows of a clip have ``file``, ``start`` and
      ``end``, in seconds.
    * **Comparisons**: the model's input has one set of columns per clip, beginning with ``a_`` and ``b_``.
    * **Rankings**: one row per clip, best first; cycles and single comparisons are in the ``.jsonl`` form only.
    * **Measurements**: see ``measured_table``.
    * Lists stay lists: a CSV holds them as JSON, and texts so that no spreadsheet runs them (``common.csv_cells``). In
      ``replies`` the ``value`` is JSON.
    """
    first = records[0] if records else None
    if isinstance(first, ClipMeasurement):
        return measured_table([record for record in records if isinstance(record, ClipMeasurement)])
    if isinstance(first, ClipScore):
        columns, rows = _score_columns([record for record in records if isinstance(record, ClipScore)]), _rows(records)
        windows = [window_of(row["path"]) for row in rows]
        if not any(windows):
            return columns, rows
        rows = [row | (asdict(window) if window else {}) for row, window in zip(rows, windows, strict=True)]
        return {"path": columns.pop("path"), **_WINDOW, **columns}, rows
    if isinstance(first, ClipVerdict):
        answer: Columns = {"yes": "flag", "share_yes": "number"}
        return {**_CLIP, "question": "text", **_OUTCOME, **answer, **_ANSWERS, **_END}, _rows(records)
    if isinstance(first, ClipRanking):
        place: Columns = {"rank": "count", "wins": "number", "strength": "number"}
        return {**_CLIP, **_OUTCOME, **place, **_INPUT, **_PROVENANCE, **_END}, _rows(records)
    return {**_PAIR, **_END}, _rows(records)


def judged_columns(verb: str, dimensions: Sequence[str], samples: int, *, calibrated: bool = False) -> Columns:
    """The columns of ``judged_row``, the same for every clip or pair that is judged with one model and one setting.

    Args:
        verb: score, ask, compare or rank.
        dimensions: keys of all dimensions that the model scores.
        calibrated: scores have a value on a user's scale.
    """
    identity: Columns = {"id": "text", "revision": "text", "position": "count"}
    end: Columns = {"seconds": "number", **_END}
    if verb in ("compare", "rank"):
        return {**identity, "a_id": "text", "b_id": "text", **_PAIR, **end}
    if verb == "ask":
        answer: Columns = {"question": "text", **_OUTCOME, "yes": "flag", "share_yes": "number"}
    else:
        spreads = [f"{key}_spread" for key in dimensions] if samples > 1 else []
        values: Columns = dict.fromkeys(dimensions, "number")
        answer = {
            "task": "text",
            **_OUTCOME,
            **values,
            **_OVERALL,
            **dict.fromkeys(spreads, "number"),
            "ranges": "text",
            **(_CALIBRATED if calibrated else {}),
        }
    return {**identity, **_CLIP, **answer, **_ANSWERS, **end}


def judged_row(entry: Place, record: Judged, seconds: float | None) -> Row:
    """The row of a clip or a pair of a source; ``seconds`` is its share of the time that its batch took.

    The ids of a pair's clips are those that they have where they are scored.
    """
    (row,) = _rows([record])
    identity = {"id": entry.id, "revision": entry.revision, "position": entry.position}
    if isinstance(entry, PairEntry):
        identity |= {"a_id": entry.a.id, "b_id": entry.b.id}
    return identity | row | {"seconds": seconds}


def _score_columns(records: Sequence[ClipScore]) -> Columns:
    keys = dict.fromkeys(dimension.key for dimension in scales(records))
    values: Columns = {**dict.fromkeys(keys, "number"), **_OVERALL}
    if any(record.spread for record in records):
        values.update({f"{key}_spread": "number" for key in keys})
    if any(record.calibrated for record in records):
        values.update(_CALIBRATED)
    return {**_CLIP, "task": "text", **_OUTCOME, **values, "ranges": "text", **_ANSWERS, **_END}


def _rows(records: Iterable[ResultRecord]) -> list[Row]:
    judged = [record for record in records if not isinstance(record, ClipMeasurement)]
    return [row | {"schema_version": SCHEMA_VERSION} for record in judged for row in _record_rows(record)]


def _record_rows(record: JudgedRecord) -> list[Row]:
    if isinstance(record, ClipRanking):
        asked = {"prompt": record.prompt, **_flat(record.provenance, _PROVENANCE)}
        return [
            {**_flat(place, ("path", *_OUTCOME, "rank", "wins", "strength")), **_input_columns(place.input), **asked}
            for place in record.standings
        ]
    row = _flat(record, ("prompt", *_OUTCOME)) | _flat(record.provenance, _PROVENANCE)
    if isinstance(record, ClipComparison):
        row |= _flat(record, ("a", "b", "verdict", "consistent", "order_bias"))
        row |= _input_columns(record.input_a, "a_") | _input_columns(record.input_b, "b_")
        row |= _token_columns((*record.forward, *record.swapped))
        return [row | {"forward": _replies(record.forward), "swapped": _replies(record.swapped)}]
    row |= _flat(record, ("path", "reasoning")) | _input_columns(record.input) | {"replies": _replies(record.replies)}
    row |= _token_columns(record.replies)
    if isinstance(record, ClipVerdict):
        return [row | _flat(record, ("question", "yes", "share_yes"))]
    row |= _flat(record, ("task", "overall")) | {"overall_of": list(record.overall_of)} | (record.scores or {})
    if record.missing_dimensions:
        row["missing_dimensions"] = json.dumps(record.missing_dimensions)
    row |= {f"{key}_spread": value for key, value in (record.spread or {}).items()}
    if record.calibrated is not None:
        on = record.calibrated
        row |= dict(zip(_CALIBRATED, (on.scale, on.value, on.low, on.high, on.note), strict=True))
    if record.scores:
        row["ranges"] = json.dumps({dim.key: [dim.low, dim.high] for dim in record.dimensions})
    return [row]


def _flat(thing: Any, names: Iterable[str]) -> Row:
    return {name: getattr(thing, name) for name in names}


def _input_columns(clip_input: ClipInput | None, prefix: str = "") -> Row:
    if clip_input is None:
        return {}
    row = _flat(clip_input, (name for name in _INPUT if not name.startswith("shown_")))
    row["evidence"] = clip_input.evidence.text if clip_input.evidence is not None else None
    row |= {"shown_width": clip_input.size[0], "shown_height": clip_input.size[1]}
    row |= {name: list(value) for name, value in row.items() if isinstance(value, tuple)}
    return {prefix + name: value for name, value in row.items()}


def _token_columns(replies: Iterable[Reply]) -> Row:
    counted = [reply.tokens for reply in replies if reply.tokens is not None]
    if not counted:
        return {}
    total = sum(counted, Tokens(0, 0))
    return {"prompt_tokens": total.prompt, "completion_tokens": total.completion}


def _replies(replies: Iterable[Reply]) -> list[Row]:
    return [
        _flat(reply, ("text", "reasoning", "missing"))
        | {"value": json.dumps(reply.value), "missing_dimensions": json.dumps(reply.missing_dimensions)}
        for reply in replies
    ]
