"""Records and table rows of measured clips."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from vqinsight.results import Record, Status
from vqinsight.tasks.types import Missing

if TYPE_CHECKING:  # it imports OpenCV, which other verbs do not need
    from vqinsight.measure.reference import Fidelity
    from vqinsight.measure.stills import Still
    from vqinsight.measure.types import Measured, MeasuredClip
    from vqinsight.report.rows import Columns, Row


@dataclass(frozen=True)
class ClipMeasurement(Record):
    """What ``vqinsight measure`` says of one clip.

    Attributes:
        status: ``unreadable``, or ``missing`` where the clip is measured and cannot be compared with its reference.
        error: one line that says what is wrong when status is not ok.
        clip: the measurements, ``None`` for an unreadable clip.
        fidelity: against the reference, ``None`` without one.
        stills: frames for reports; never part of the plain dict.
    """

    path: str
    status: Status
    error: str | None
    clip: MeasuredClip | None
    fidelity: Fidelity | None = None
    stills: tuple[Still, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON: values, severities and moments, without the values of each frame."""
        plain: dict[str, Any] = {"path": self.path, "status": self.status, "error": self.error}
        if self.clip is not None:
            plain |= {"kind": self.clip.kind, "frames": self.clip.frames, "duration": self.clip.duration}
            plain["measurements"] = {key: _plain(measured) for key, measured in self.clip.values.items()}
            plain |= {"cuts": list(self.clip.cuts), "warnings": list(self.clip.warnings)}
        if self.fidelity is not None:
            plain["fidelity"] = _plain_fidelity(self.fidelity)
        return plain


def _plain(measured: Measured) -> dict[str, Any]:
    missing = isinstance(measured.value, Missing)
    return {
        "value": None if missing else measured.value,
        "missing": measured.value.reason if isinstance(measured.value, Missing) else None,
        "unit": measured.quantity.unit,
        "kind": measured.quantity.kind,
        "severity": measured.severity,
        "worst": [asdict(moment) for moment in measured.worst],
    }


def _plain_fidelity(fidelity: Fidelity) -> dict[str, Any]:
    plain = asdict(fidelity) | {"identical": fidelity.identical}
    if fidelity.identical:  # JSON has no infinity
        plain["psnr"] = plain["lowest"]["value"] = None
    return plain


def measured_table(records: Sequence[ClipMeasurement]) -> tuple[Columns, list[Row]]:
    """Columns with their kinds, and one row a clip.

    A quantity has its value, ``_severity``, and ``_at``: the seconds at which its worst moment begins. ``missing``
    (JSON) has the reasons of values that there are not. With a reference: ``psnr`` (dB; empty where ``identical``),
    ``ssim``, ``vmaf``, ``compared`` and ``unmatched`` frames.
    """
    columns: Columns = {"path": "text", "status": "text", "error": "text"}
    columns |= {"kind": "text", "frames": "count", "duration": "number"}
    for record in records:
        for key, measured in (record.clip.values if record.clip else {}).items():
            columns[key] = "number"
            if measured.quantity.ladder:
                columns |= {f"{key}_severity": "text", f"{key}_at": "number"}
    columns |= {"missing": "text", "cut_times": "numbers", "warnings": "texts"}
    if any(record.fidelity for record in records):
        columns |= {"reference": "text", "psnr": "number", "identical": "flag", "ssim": "number", "vmaf": "number"}
        columns |= {"compared": "count", "unmatched": "count"}
    return columns, [_row(record) for record in records]


def _row(record: ClipMeasurement) -> Row:
    row: Row = {"path": record.path, "status": record.status, "error": record.error}
    if record.clip is not None:
        clip = record.clip
        row |= {"kind": clip.kind, "frames": clip.frames, "duration": clip.duration}
        row |= {"cut_times": list(clip.cuts), "warnings": list(clip.warnings)}
        lacking = {key: each.value.reason for key, each in clip.values.items() if isinstance(each.value, Missing)}
        row["missing"] = json.dumps(lacking) if lacking else None
        for key, measured in clip.values.items():
            row[key] = None if key in lacking else measured.value
            if measured.quantity.ladder:
                row[f"{key}_severity"] = measured.severity
                row[f"{key}_at"] = measured.worst[0].start if measured.worst else None
    if record.fidelity is not None:
        plain = _plain_fidelity(record.fidelity)
        row |= {name: plain[name] for name in ("reference", "psnr", "identical", "ssim", "vmaf", "unmatched")}
        row["compared"] = record.fidelity.frames
    return row
