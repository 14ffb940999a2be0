"""A fitted scale on the terminal: the cross-validated figures, and what they amount to."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from vqinsight.calibration.scale import Scale
from vqinsight.calibration.validation import Control, Validation
from vqinsight.evaluation.metrics.bootstrap import Measure
from vqinsight.report import phrases
from vqinsight.report.printing import FAILURES, print_failure, print_grid, print_text

_SYSTEMS = {
    "scale": "this scale",
    "judge": "the judge's score",
    "measurements": "measurements",
    "metadata": "size and length",
    "mean": "the mean rating",
}
_CONTROLS: dict[Control, str] = {"mean": "the mean rating", "metadata": "size and length alone"}
_USED = {"judge": "the judge's score", "measurements": "the measurements"}
_LEFT_OUT = {
    "prompt": "clips of prompts that were not fitted on",
    "generator": "clips of generators that were not fitted on",
    "clip": "clips that were not fitted on (the table has no prompts and no generators)",
}


def show_scale(console: Console, scale: Scale, place: str, name: str) -> None:
    """Print what was fitted, each validation as a table, and the verdicts.

    Args:
        place: where the scale is saved.
        name: what ``--scale`` takes.
    """
    on = scale.fitted_on
    for clip, reason in on.left_out[:FAILURES]:
        print_failure(console, clip, "left out", phrases.complaint(clip, reason))
    if len(on.left_out) > FAILURES:
        print_text(console, f"… and {len(on.left_out) - FAILURES} more that are left out: see {place}.")
    groups = "".join(
        f", {count} {what}" for count, what in ((on.prompts, "prompts"), (on.generators, "generators")) if count
    )
    print_text(
        console,
        f"{on.clips} clips with {on.ratings} ratings{groups}; {len(on.left_out)} left out. Ratings {on.low:g} to "
        f"{on.high:g}, mean {on.mean:.2f}.",
    )
    for note in scale.notes:
        print_text(console, note)
    counted = zip(scale.measurements.features, scale.measurements.imputed, strict=True)
    lacking = [f"{key} {count}" for key, count in counted if count]
    if lacking:
        print_text(console, f"Clips that lack a measurement, which is taken as the median: {', '.join(lacking)}.")
    for each in scale.validations:
        console.print()
        print_text(console, f"On {_LEFT_OUT[each.grouping]} ({each.groups} groups, {each.folds} folds)", "bold")
        print_grid(console, ["", "SRCC", "PLCC", "RMSE", f"{each.pairs} pairs\nof one prompt"], _rows(each))
        for note in each.notes:
            print_text(console, note)
    print_text(console, "In brackets 95 % intervals.", "dim")
    for line in verdicts(scale):
        print_text(console, line, "bold")
    print_text(
        console,
        f"Values come from {_USED[scale.used]}; 80 of 100 ratings lie within {scale.error:.2f} of them. Saved to "
        f"{place}; use it with score --scale {name}",
    )


def verdicts(scale: Scale) -> list[str]:
    """For each validation whether the scale is better than the mean rating, and than size and length alone."""
    return [_verdict(each) for each in scale.validations]


def _verdict(each: Validation) -> str:
    parts = []
    for other, title in _CONTROLS.items():
        shown = "better" if each.better_than[other] else "not shown to be better"
        parts.append(f"{shown} than {title} (RMSE {_number(each.against[other], '+')})")
    said = f"By {each.grouping}: {', '.join(parts)}."
    return said if each.better else f"{said} Do not rely on its values; more ratings may help."


def _rows(each: Validation) -> Sequence[Sequence[str]]:
    rows = []
    for name, title in _SYSTEMS.items():
        found = each.figures[name]
        rows.append(
            [title, *(_number(of).replace(" (", "\n(") for of in (found.srcc, found.plcc, found.rmse, found.pairs))]
        )
    return rows


def _number(measure: Measure, sign: str = "") -> str:
    if measure.value is None:
        return "–"
    interval = measure.interval
    ends = f" ({interval.low:{sign}.2f} to {interval.high:{sign}.2f})" if interval else ""
    return f"{measure.value:{sign}.2f}{ends}"
