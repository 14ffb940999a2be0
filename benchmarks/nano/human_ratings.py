"""Real clips with human ratings: python -m benchmarks.nano.human_ratings --json results/human_ratings.json.

Every piece reads what it needs from ``--work`` and computes the rest there, clip by clip: a run that ends early goes on
where it was. Pieces:

* ratings: FETV's 40 clips with static and temporal quality;
* elsewhere: distinct scores of 25 clips of other origin, and pairs of known order among them;
* copies: the same figures when all clips have one size and length, as scores must not rest on either;
* alignment: FETV's clips with alignment ratings;
* ladders: defects of rising strength in real contents;
* accusations: defects claimed of real, undamaged footage;
* controls (only with ``--controls``): a model without evidence, with another clip's, and with its frames blanked;
* ``--statements FOLDER`` writes what the model says of forty clips, with their frames, for reading.

Systems are nano, further models (``--model``), and what needs no model: the technical score, single measurements, a
ridge fit of the measurements that is cross-validated by prompt, the file's size, the generator's name.

What it can show: 77 decided pairs of eight prompts; the half-width of an interval is about .10, so that smaller
differences between systems are not decided here.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.nano.rated_clips import REAL, RatedClip, copies, fetv, other_pairs, various
from benchmarks.nano.rated_figures import Answers, alignment_figures, figures, left_out, margins, pair_figures
from benchmarks.nano.rated_sources import CONTROLS, measurements
from benchmarks.nano.rated_systems import (
    ORIGINALS,
    Asked,
    Known,
    as_answers,
    by_generator,
    features,
    fit_ridge_on,
    model_systems,
    plain_systems,
    targets,
)
from benchmarks.results import ROOT
from vqinsight.common.files import write_atomic
from vqinsight.common.provenance import commit

COMMAND = "nice -n 10 python -m benchmarks.nano.human_ratings --json results/human_ratings.json"
DECIMALS = 4


def ratings(known: Known, clips: Sequence[RatedClip], group: str) -> dict[str, Any]:
    """The figures of every system on clips with both visual ratings."""
    systems: dict[str, Answers] = {}
    for asked in known.models:
        systems |= model_systems(asked, known.said(asked, clips, group))
    systems |= plain_systems(known, clips, group)
    measured = known.of("measurements", clips, measurements, group)
    fitted = left_out(features(measured, clips), targets(clips), [clip.prompt for clip in clips])
    systems["ridge on measurements"] = as_answers(clips, fitted)
    systems["generator's name"] = by_generator(clips)
    systems["real footage wins"] = {clip.name: {"quality": float(clip.generator == REAL)} for clip in clips}
    found = {name: figures(clips, answers) for name, answers in systems.items()}
    return found | {"always A": figures(clips, None)}


def elsewhere(known: Known, shared: Path, rated: Sequence[RatedClip]) -> dict[str, Any]:
    """Distinct scores on the manifest's clips, and pairs of known order among them."""
    clips, pairs = various(shared), other_pairs(shared)
    systems: dict[str, Answers] = {}
    for asked in known.models:
        systems |= model_systems(asked, known.said(asked, clips, ORIGINALS))
    systems |= plain_systems(known, clips, ORIGINALS)
    fit = fit_ridge_on(known, rated)
    measured = known.of("measurements", clips, measurements, ORIGINALS)
    systems["ridge on measurements"] = as_answers(clips, fit(features(measured, clips)))
    found = {}
    for name, answers in systems.items():
        ahead = margins(answers, pairs, "quality")
        right = [f"{pair.a} / {pair.b}" for pair, margin in zip(pairs, ahead, strict=True) if margin and
                 (margin > 0) == (pair.better > 0)]  # fmt: skip
        values = [scores["quality"] for scores in answers.values() if "quality" in scores]
        counted = pair_figures(pairs, ahead)
        found[name] = {
            "clips": len(clips),
            "answered": len(values),
            "distinct": len({round(value, 6) for value in values}),
            "known_order": {"right": len(right), **{key: counted[key] for key in ("n", "ties", "missing")}},
        }
    return found


def rounded(value: Any) -> Any:
    """Numbers with four decimals."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return round(value, DECIMALS) if isinstance(value, float) else value


def pieces(known: Known, shared: Path, wanted: Sequence[str]) -> dict[str, Any]:
    """The wanted pieces."""
    from benchmarks.nano import rated_ladders, rated_statements  # each piece is run alone too

    everything = fetv(shared)
    rated = [clip for clip in everything if clip.rated]
    aligned = [clip for clip in everything if "alignment" in clip.ratings]
    found: dict[str, Any] = {}
    if "ratings" in wanted:
        found["ratings"] = ratings(known, rated, ORIGINALS)
    if "elsewhere" in wanted:
        found["elsewhere"] = elsewhere(known, shared, rated)
    if "copies" in wanted:
        found["copies"] = ratings(known, copies(rated, known.work / "copies"), "copies")
    if "alignment" in wanted:
        found["alignment"] = {
            title: alignment_figures(aligned, answers)
            for asked in known.models
            for title, answers in model_systems(asked, known.said(asked, aligned, ORIGINALS)).items()
            if any("alignment" in scores for scores in answers.values())
        }
    if "controls" in wanted:
        found["controls"] = {
            f"{title}, {CONTROLS.get(control, 'as it is')}": figures(rated, answers)
            for asked in known.models
            if asked.evidence
            for control in ("", *CONTROLS)
            for title, answers in model_systems(asked, known.said(asked, rated, ORIGINALS, control)).items()
        }
    if "accusations" in wanted:
        found["accusations"] = rated_statements.accusations(known, shared)
    if "ladders" in wanted:
        found["ladders"] = rated_ladders.ladders(known, shared, fit_ridge_on(known, rated))
    return found


PIECES = ("ratings", "elsewhere", "copies", "alignment", "accusations", "ladders")


def main() -> None:
    """Run the wanted pieces; those of an earlier run stay in the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pieces", nargs="*", metavar="PIECE", help=f"of {', '.join(PIECES)}; all by default")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="the folder with clips and labels")
    parser.add_argument("--model", help="a further model, beside nano")
    parser.add_argument("--evidence", action="store_true", help="its questions state what is measured")
    parser.add_argument("--controls", action="store_true", help="of a model that reads evidence; nano without --model")
    parser.add_argument("--statements", type=Path, metavar="FOLDER", help="write sheets for reading there, and end")
    parser.add_argument("--work", type=Path, default=Path("evaluations/human"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if unknown := set(given.pieces) - set(PIECES):
        parser.error(f"no piece is called {', '.join(sorted(unknown))}; there are {', '.join(PIECES)}")
    evidence = True if given.evidence or given.controls else None
    models = dict.fromkeys([Asked("nano"), Asked(given.model or "nano", evidence)])
    known = Known(given.work, list(models))
    if given.statements:
        from benchmarks.nano.rated_statements import write_sheets

        write_sheets(known, given.shared, given.statements)
        return
    wanted = given.pieces or ([] if given.controls else list(PIECES))
    found = pieces(known, given.shared, [*wanted, *(["controls"] if given.controls else [])])
    before = json.loads(given.json.read_text(encoding="utf-8")) if given.json and given.json.is_file() else {}
    cpu = {name: part.cpu for name, part in known.parts.items()}
    unreadable = {clip: item["missing"] for part in known.parts.values() for clip, item in part.items.items()
                  if "missing" in item}  # fmt: skip
    stored = {
        **before,
        "command": COMMAND,
        "commit": commit(),
        "commits": before.get("commits", {}) | dict.fromkeys(found, commit()),
        "cpu_seconds": before.get("cpu_seconds", {}) | cpu,
        "unreadable": before.get("unreadable", {}) | unreadable,
        **found,
    }
    print(json.dumps(rounded(found), indent=1))
    if given.json:
        write_atomic(given.json, json.dumps(rounded(stored), indent=1) + "\n")


if __name__ == "__main__":
    main()
