"""A scale fitted to real ratings: python -m benchmarks.method.calibration --shared ../shared [--model DIR].

The clips of FETV with ratings of static and of temporal quality, 1 to 5, means of three raters: four generators and
real footage. Each rating gives a scale, cross-validated by prompt and by generator (``vqinsight.calibration``), with
the judge's score of the same kind.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.results import store
from vqinsight.calibration import calibrate, read_ratings
from vqinsight.inference.api import VQInsight, load

RATINGS = {"static_quality": "spatial", "temporal_quality": "temporal"}  # the judge's dimension of each


def write_table(shared: Path, place: Path) -> Path:
    """The rated clips, with the paths of their files."""
    with (shared / "labels" / "fetv" / "dev.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row[column] for column in RATINGS)]
    with place.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "prompt", "generator", *RATINGS))
        writer.writerows(
            ((shared / row["clip"]).resolve(), row["prompt"], row["model"], *(row[key] for key in RATINGS))
            for row in rows
        )
    return place


def fitted(judge: VQInsight, table: Path, rating: str) -> dict[str, Any]:
    """The cross-validated figures of one rating, without names of files."""
    ratings = read_ratings(table, {"rating": [rating]})
    scale = calibrate(judge, ratings, rating, dimension=RATINGS[rating])
    on = scale.fitted_on
    return {
        "dimension": scale.judged.dimension,
        "clips": on.clips,
        "left_out": len(on.left_out),
        "prompts": on.prompts,
        "generators": on.generators,
        "used": scale.used,
        "error": scale.error,
        "model": scale.model["weights"],
        "measurement_version": scale.measurement_version,
        "validations": {each.grouping: _short(asdict(each)) for each in scale.validations},
    }


def _short(found: Any) -> Any:
    """Figures with four decimals, and intervals by their ends."""
    if isinstance(found, dict):
        return {key: _short(value) for key, value in found.items() if key not in ("level", "resamples", "undefined")}
    return round(found, 4) if isinstance(found, float) else found


def main() -> None:
    """Fit both scales, and store their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--work", type=Path, default=Path("runs/calibration"))
    parser.add_argument("--json", type=Path, default=Path("results/calibration.json"))
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    table = write_table(given.shared, given.work / "fetv.csv")
    judge = load(given.model)
    store({"scales": {rating: fitted(judge, table, rating) for rating in RATINGS}}, given.json)


if __name__ == "__main__":
    main()
