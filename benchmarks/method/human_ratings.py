"""Clips with human ratings: python -m benchmarks.method.human_ratings --shared ../shared [--model DIR].

Makes four tables from clips and labels outside the repository, each of one rating campaign, and evaluates a model and
the two references without weights on them:

* konvid: mean opinion of user videos, 1 to 5;
* fetv: clips of four generators, static quality as spatial and temporal quality as temporal, 1 to 5, three raters each.
  Alignment ratings are of other clips and are left out;
* aigve: technical quality as spatial and consistency as temporal, 0 to 5: our reading of its nine aspects;
* pairs: VideoAlign's preferred clip, by the majority of its three verdicts; and every two FETV clips of one prompt, the
  higher mean of the two ratings is better.

Intervals resample single clips and pairs, as there are only three prompts. Clips of one prompt are not independent, so
the intervals are too narrow.

Predictions are stored under ``--work``; an interrupted run resumes from there.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

from vqinsight.common.files import write_atomic
from vqinsight.common.provenance import commit
from vqinsight.evaluation.prediction_file import read_predictions
from vqinsight.tasks.types import Score

TABLES = {"konvid": ("1", "5"), "fetv": ("1", "5"), "aigve": ("0", "5"), "pairs": None}
SCORE_HEAD = ("id", "group", "path", "prompt", "spatial", "temporal", "source")


def write(path: Path, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def build(shared: Path, folder: Path) -> dict[str, Path]:
    """Write the four tables for the existing rated clips, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    generated, natural, labels = shared / "clips" / "generated", shared / "clips" / "natural", shared / "labels"
    files = {name: folder / f"{name}.csv" for name in TABLES}
    clips = {row["flickr_id"]: row["mos"] for row in rows(labels / "bvqa_benchmark" / "KONVID_1K_metadata.csv")}
    found = sorted(natural.glob("konvid_*.mp4"))
    write(
        files["konvid"],
        ("id", "path", "quality"),
        ((clip.stem, clip.resolve(), clips[clip.stem.removeprefix("konvid_")]) for clip in found),
    )
    rated: dict[str, list[tuple[str, str, Path, float, float]]] = {}
    for row in rows(labels / "fetv" / "fetv_examples_human_ratings.csv"):
        clip = generated / f"fetv_{Path(row['path']).stem}_{row['model']}.gif"
        if clip.is_file() and row["static_quality"] and row["temporal_quality"]:
            values = float(row["static_quality"]), float(row["temporal_quality"])
            rated.setdefault(row["prompt"], []).append((clip.stem, row["model"], clip.resolve(), *values))
    write(
        files["fetv"],
        SCORE_HEAD,
        ((name, name, clip, prompt, s, t, model) for prompt, of in rated.items() for name, model, clip, s, t in of),
    )
    aigve = json.loads((labels / "aigve_bench_toy" / "train.json").read_text(encoding="utf-8"))["data_list"]
    there = [(row, (generated / f"aigve_{row['video_path_pd']}").resolve()) for row in aigve]
    write(
        files["aigve"],
        SCORE_HEAD,
        (
            (clip.stem, clip.stem, clip, row["prompt_gt"], row["technical_quality"], row["consistency"], row["model"])
            for row, clip in there
            if clip.is_file()
        ),
    )
    write(files["pairs"], ("id", "group", "path_a", "path_b", "prompt", "label", "source"), pairs(shared, rated))
    return files


def pairs(shared: Path, rated: dict[str, list[tuple[str, str, Path, float, float]]]) -> list[tuple[object, ...]]:
    """VideoAlign's pairs of existing clips, then those ordered by FETV's ratings."""
    found: dict[str, tuple[object, ...]] = {}
    for row in rows(shared / "labels" / "videoalign" / "example.csv"):
        a, b = (shared / "clips" / "generated" / f"videoalign_{Path(row[key]).name}" for key in ("path_A", "path_B"))
        if a.is_file() and b.is_file():
            (choice, votes), *_ = Counter(row[key] for key in ("VQ", "MQ", "TA")).most_common()
            label = "tie" if votes < 2 or choice == "same" else choice
            found[a.name] = (
                a.stem.removesuffix("_A"),
                "videoalign",
                a.resolve(),
                b.resolve(),
                row["prompt"],
                label,
                "",
            )
    for prompt, of in rated.items():
        for one, two in combinations(of, 2):
            ahead = (one[3] + one[4]) - (two[3] + two[4])
            label = "tie" if abs(ahead) < 1e-9 else "A" if ahead > 0 else "B"
            name = f"{one[0]} vs {two[0]}"
            found[name] = (name, name, one[2], two[2], prompt, label, f"{one[1]} vs {two[1]}")
    return list(found.values())


def evaluate(table: Path, scale: tuple[str, str] | None, judge: list[str], work: Path) -> dict[str, Any]:
    """Evaluate one system on one table: the result as ``vqinsight evaluate`` prints it.

    Raises:
        RuntimeError: it ended with an error.
    """
    line = [sys.executable, "-m", "vqinsight", "evaluate", "table", "--data", str(table.resolve()), *judge, "--json"]
    line += ["--scale", *scale] if scale else []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(line, cwd=work, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: no figures
        raise RuntimeError(f"{' '.join(line)}: {done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def kept(result: dict[str, Any], work: Path) -> dict[str, Any]:
    """The part of a result that is stored: figures and predictions, without local paths."""
    names = ("digest", "settings", "counts", "scores", "pairs", "reasons", "notes")
    (file,) = (work / "evaluations").glob(f"{result['table']}_all_{result['digest']}.predictions.parquet")
    items = {}
    for row in read_predictions(file)[1]:
        label, said = row.example.answer, row.prediction
        people = label.values if isinstance(label, Score) else getattr(label, "choice", None)
        items[row.example.id] = {"people": people, "judge": said.scores if said.scores is not None else said.margin}
    return {"model": Path(result["model"]).name, **{name: result[name] for name in names}, "items": items}


def main() -> None:
    """Make the tables, evaluate, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="the folder with clips and labels")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--work", type=Path, default=Path("evaluations/human"))
    parser.add_argument("--json", type=Path, default=Path("results/human_ratings.json"))
    given = parser.parse_args()
    model = str(Path(given.model).resolve()) if Path(given.model).is_dir() else given.model
    judges = {
        "model": ["--model", model],
        "technical": ["--baseline", "technical"],
        "always_a": ["--baseline", "always_a"],
    }
    files = build(given.shared, given.work)
    found: dict[str, dict[str, Any]] = {}
    for name, scale in TABLES.items():
        for judge, options in judges.items():
            if judge == "always_a" and name != "pairs":
                continue
            result = kept({**evaluate(files[name], scale, options, given.work), "table": name}, given.work)
            found.setdefault(name, {})[judge] = result
            print(f"{name}, {judge}: {result['counts']}")
            for task in result["scores"]:
                for key, figures in task["dimensions"].items():
                    print(f"  {key}: n {figures['n']}, SRCC {figures['srcc']}")
            if result["pairs"]:
                print(f"  diff {result['pairs']['scores']['diff']}, accuracy {result['pairs']['scores']['accuracy']}")
    command = "python -m benchmarks.method.human_ratings --shared ../shared"
    if given.model != "nano":
        command += f" --model {Path(given.model).name}"
    given.json.parent.mkdir(exist_ok=True)
    write_atomic(given.json, json.dumps({"command": command, "commit": commit(), "tables": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
