"""Tables of scales fitted to ratings."""

from __future__ import annotations

from benchmarks.results import measured, results
from tools.figures_performance import table

CONTROLS = {"mean": "mean", "metadata": "size and length"}


def calibration() -> str:
    """Scales fitted to ratings: each grouping, the scale beside its two controls."""
    rows = []
    for rating, scale in results("calibration")["scales"].items():
        for grouping, found in scale["validations"].items():
            of = found["figures"]
            errors = [f"{of[name]['rmse']['value']:.2f}" for name in ("scale", "mean", "metadata")]
            better = " and ".join(CONTROLS[name] for name, is_so in found["better_than"].items() if is_so) or "neither"
            folds = f"{grouping}, {found['groups']}"
            rows.append([rating.replace("_", " "), folds, measured(of["scale"]["srcc"]), *errors, better])
    head = ["rating", "folds", "SRCC", "RMSE", "RMSE, mean rating", "RMSE, size and length", "better than"]
    return table(head, rows)
