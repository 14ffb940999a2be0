"""From ratings to a scale."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from vqinsight.calibration.folds import groupings
from vqinsight.calibration.observations import OVERALL, Observations, observe
from vqinsight.calibration.ratings import Ratings
from vqinsight.calibration.scale import FittedOn, Scale
from vqinsight.calibration.validation import choose, fit_judge, fit_measurements, validate
from vqinsight.common.version import __version__
from vqinsight.errors import UsageError
from vqinsight.evaluation.metrics.bootstrap import DEFAULT, Bootstrap
from vqinsight.measure.quantities import MEASUREMENT_VERSION
from vqinsight.tasks.types import TaskName

if TYPE_CHECKING:
    from vqinsight.inference.api import VQInsight


def calibrate(
    judge: VQInsight,
    ratings: Ratings,
    name: str,
    *,
    task: TaskName | None = None,
    dimension: str = OVERALL,
    samples: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    bootstrap: Bootstrap = DEFAULT,
    on_progress: Callable[[int, int], None] | None = None,
) -> Scale:
    """Score and measure the rated clips, cross-validate, and fit the scale on all of them.

    Args:
        task, samples, seed, temperature: as for ``VQInsight.score_all``.
        dimension: of the judge's scores; ``overall`` is the mean of all.
        bootstrap: of the intervals.
        on_progress: called with (clips done, clips in all).

    Raises:
        UsageError: fewer than 20 clips that can be read, equal ratings, or too few prompts and generators
            (``folds.groupings``).
    """
    check_ratings(ratings)
    sampling = {"samples": samples, "seed": seed, "temperature": temperature}
    settings = json.loads(json.dumps(judge.settings(samples, seed, temperature)))
    found = observe(
        judge,
        ratings.clips,
        task=task,
        dimension=dimension,
        sampling=sampling,
        folder_fps=settings["look"].get("folder_fps"),
        on_progress=on_progress,
    )
    return fit_scale(found, ratings, name, settings, bootstrap)


def check_ratings(ratings: Ratings) -> None:
    """Refuse ratings that no scale can be fitted on, before any clip is scored.

    Raises:
        UsageError: see ``calibrate``.
    """
    groupings(ratings.clips)
    values = {clip.rating for clip in ratings.clips}
    if len(values) == 1:
        raise UsageError(f"{ratings.file}: all ratings are {values.pop():g}: there is nothing to fit.")


def fit_scale(
    found: Observations, ratings: Ratings, name: str, settings: dict[str, Any], bootstrap: Bootstrap = DEFAULT
) -> Scale:
    """The scale of clips that are scored and measured.

    Args:
        settings: of the judge, see ``VQInsight.settings``, as JSON gives them back.

    Raises:
        UsageError: see ``calibrate``.
    """
    left_out = (*ratings.left_out, *found.left_out)
    remaining = Ratings(ratings.file, found.clips, left_out, ratings.notes)
    try:
        check_ratings(remaining)
    except UsageError as error:
        if not found.left_out:
            raise
        clip, reason = found.left_out[0]
        raise UsageError(f"{error} {len(found.left_out)} clips are left out; the first is {clip}: {reason}") from None
    groups, notes = groupings(found.clips)
    rows = np.arange(len(found.clips))
    choice = choose(found, rows, next(iter(groups.values())))
    validations = tuple(validate(found, by, each, bootstrap) for by, each in groups.items())
    return Scale(
        name=name,
        fitted_on=_fitted_on(found, remaining),
        model=settings,
        judged=found.judged,
        measurement_version=MEASUREMENT_VERSION,
        used=choice.used,
        judge=fit_judge(found, rows),
        measurements=fit_measurements(found, rows, choice.penalty),
        error=max(each.error for each in validations),
        validations=validations,
        notes=(*ratings.notes, *notes),
        version=__version__,
    )


def _fitted_on(found: Observations, ratings: Ratings) -> FittedOn:
    rows = [
        [clip.path, clip.prompt, clip.generator, list(clip.ratings), score, np.nan_to_num(measured, nan=-1).tolist()]
        for clip, score, measured in zip(found.clips, found.scores.tolist(), found.measured, strict=True)
    ]
    return FittedOn(
        file=ratings.file,
        digest=hashlib.sha256(json.dumps(sorted(rows, key=json.dumps)).encode()).hexdigest(),
        clips=len(found.clips),
        ratings=sum(len(clip.ratings) for clip in found.clips),
        prompts=len({clip.prompt for clip in found.clips} - {None}),
        generators=len({clip.generator for clip in found.clips} - {None}),
        low=float(found.ratings.min()),
        high=float(found.ratings.max()),
        mean=float(found.ratings.mean()),
        left_out=ratings.left_out,
    )
