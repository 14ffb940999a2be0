"""A fitted scale as a file, and values on it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError

from vqinsight.calibration.fits import MonotoneFit, RidgeFit
from vqinsight.calibration.observations import Judged, features, try_measure
from vqinsight.calibration.validation import Used, Validation
from vqinsight.common.files import write_atomic
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.measure.quantities import MEASUREMENT_VERSION, QUANTITIES
from vqinsight.results import CalibratedScore, ClipScore
from vqinsight.tasks.types import Missing

SUFFIX = ".json"
_FORMAT: Literal["vqinsight scale 1"] = "vqinsight scale 1"
# What a value depends on, of the settings of a judge; beside ``look``, how frames are sampled.
_DEPENDS = ("weights", "template", "samples", "temperature")


@dataclass(frozen=True)
class FittedOn:
    """The ratings that a scale is fitted on.

    Attributes:
        file: name of the table.
        digest: SHA-256 of the clips' names, prompts, generators, ratings, scores and measurements.
        clips, ratings: their numbers.
        prompts, generators: how many different ones; 0 where the table has none.
        low, high, mean: of the clips' mean ratings.
        left_out: clip, or file and line, with the reason.
    """

    file: str
    digest: str
    clips: int
    ratings: int
    prompts: int
    generators: int
    low: float
    high: float
    mean: float
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Scale:
    """A user's scale.

    Attributes:
        name: of the scale.
        fitted_on: the ratings.
        model: the settings of the judge, see ``VQInsight.settings``.
        judged: the number of its scores that is taken.
        measurement_version: of the measurements.
        used: the fit that values come from: that with the lower out-of-fold error.
        judge: the monotone map of the judge's scores.
        measurements: ridge regression on log(1 + x) of each measurement x.
        error: half of the range of a value; the largest of the validations.
        validations: the cross-validated figures, by grouping.
        notes: remarks on the ratings.
        version: of this package.
        format: of the file.
    """

    name: str
    fitted_on: FittedOn
    model: dict[str, Any]
    judged: Judged
    measurement_version: int
    used: Used
    judge: MonotoneFit
    measurements: RidgeFit
    error: float
    validations: tuple[Validation, ...]
    notes: tuple[str, ...]
    version: str
    format: Literal["vqinsight scale 1"] = _FORMAT

    @property
    def digest(self) -> str:
        """12 hex digits that change with everything but the name."""
        return hashlib.sha256(replace(self, name="").as_json().encode()).hexdigest()[:12]

    @property
    def better(self) -> bool:
        """Whether the scale is better than the mean and than metadata, by every validation."""
        return all(each.better for each in self.validations)

    def check(self, settings: Mapping[str, Any]) -> None:
        """Refuse another model, or another way to ask it, than the scale was fitted with.

        Args:
            settings: of the judge, see ``VQInsight.settings``.

        Raises:
            UsageError: naming what differs; or the measurements have changed since.
        """
        before, given = _depends(self.model), _depends(settings)
        # A server that tells no digest of its weights is known by the model's name alone.
        if "remote" in (before["weights"], given["weights"]):
            before["model"], given["model"] = self.model.get("model"), settings.get("model")
        changed = [
            f"{key} was {before.get(key)!r}, is {given.get(key)!r}"
            for key in before | given
            if before.get(key) != given.get(key)
        ]
        if changed:
            raise UsageError(
                f"The scale {self.name!r} was fitted with another model or other settings: {'; '.join(changed)}. Score "
                f"with --model {self.model.get('model')} and the settings it was fitted with, or fit it again."
            )
        if self.measurement_version != MEASUREMENT_VERSION or self.measurements.features != tuple(QUANTITIES):
            raise UsageError(
                f"The scale {self.name!r} was fitted on version {self.measurement_version} of the measurements, which "
                f"are at version {MEASUREMENT_VERSION}. Fit it again: vqinsight calibrate {self.fitted_on.file}"
            )

    def apply(self, record: ClipScore) -> ClipScore:
        """The record with its value on this scale, or the reason why there is none; measures the clip if need be.

        The record is one of a judge that passes ``check``.
        """
        found = self._value(record)
        if isinstance(found, Missing):
            return replace(record, calibrated=CalibratedScore(self.name, None, None, None, found.reason))
        value, note = found
        return replace(
            record, calibrated=CalibratedScore(self.name, value, value - self.error, value + self.error, note)
        )

    def _value(self, record: ClipScore) -> tuple[float, str | None] | Missing:
        score = self.judged.value(record)
        if isinstance(score, Missing):
            return score
        if self.used == "judge":
            low, high = self.judge.knots[0], self.judge.knots[-1]
            note = None
            if not low <= score <= high:
                note = f"the score {score:.3g} lies outside those fitted on, {low:.3g} to {high:.3g}"
            return float(self.judge(np.array([score]))[0]), note
        measured = try_measure(record.path, self.model["look"].get("folder_fps"))
        if isinstance(measured, UnreadableVideo):
            return Missing(str(measured))
        row = features(measured)
        lacking = [key for key, value in zip(QUANTITIES, row, strict=True) if np.isnan(value)]
        note = f"not measured, and taken as the median: {', '.join(lacking)}" if lacking else None
        return float(self.measurements(row[None])[0]), note

    def save(self, place: Path) -> None:
        """Write the scale as JSON.

        Raises:
            UsageError: it cannot be written.
        """
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(place, self.as_json() + "\n")
        except OSError as error:
            raise UsageError(f"{place} cannot be written ({error.strerror}). Give another place: --out FILE") from error

    def as_json(self) -> str:
        """Everything about the scale."""
        return TypeAdapter(Scale).dump_json(self, indent=1).decode()


def _depends(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a value depends on, each setting of ``look`` by its own name."""
    look = {f"look.{key}": value for key, value in settings.get("look", {}).items()}
    return {**{key: settings.get(key) for key in _DEPENDS}, **look}


def scales_folder() -> Path:
    """Where named scales are: ``vqinsight/scales`` in the user's data folder (XDG base directory specification)."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share") / "vqinsight" / "scales"


def named_place(name: str) -> Path:
    """The file of a named scale.

    Raises:
        UsageError: no suitable name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise UsageError(f"{name!r} is no name of a scale: take letters, digits, '.', '_' and '-', at most 64.")
    return scales_folder() / f"{name}{SUFFIX}"


def load_scale(name: str | Path) -> Scale:
    """Read a scale by its name, or by its file (``.json``).

    Raises:
        UsageError: there is none, or the file is no scale.
    """
    is_file = isinstance(name, Path) or name.endswith(SUFFIX) or os.sep in name
    place = Path(name) if is_file else named_place(str(name))
    if not place.is_file():
        there = ", ".join(sorted(file.stem for file in scales_folder().glob(f"*{SUFFIX}"))) or "none"
        raise UsageError(
            f"There is no scale {str(name)!r} ({place}). Named scales: {there}. vqinsight calibrate makes one."
        )
    try:
        return TypeAdapter(Scale).validate_json(place.read_bytes())
    except OSError as error:
        raise UsageError(f"{place} cannot be read ({error.strerror}). Check the file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{place} is no scale of this version: {where}: {first['msg']}. Fit it again.") from error
