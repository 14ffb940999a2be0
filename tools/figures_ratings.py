"""Tables of rated real clips: systems, single measurements, ladders of defects, and false accusations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.nano.rated_ladders import KINDS
from benchmarks.results import measured, results
from tools.figures_performance import table
from vqinsight.measure.quantities import QUANTITIES

_SCORES = ("spatial", "temporal", "quality")


def human_ratings() -> str:
    """Each system on FETV's clips, the same on copies of one size and length, and distinct scores elsewhere."""
    found = results("human_ratings")
    head = ("system", "pairs, quality", "static", "temporal", "generated only", "SRCC, quality", "SRCC, temporal")
    rows = [
        [name, *_figures(each), _copied(found, name), _distinct(found, name), f"{100 * each.get('missing', 0):.0f} %"]
        for name, each in found["ratings"].items()
        if name not in QUANTITIES
    ]
    return table([*head, "copies: pairs, quality", "distinct of 25", "missing"], rows)


def _figures(each: Mapping[str, Any]) -> list[str]:
    pairs = [each["pairs"][rating] for rating in ("quality", "static", "temporal")]
    cells = [measured(pair) for pair in (*pairs, each["generated_pairs"]["quality"])]
    return [*cells, *(_srcc(each, score) for score in ("quality", "temporal"))]


def _srcc(each: Mapping[str, Any], score: str) -> str:
    found = each["srcc"].get(score)
    return measured(found) if found and found["value"] is not None else ""


def _copied(found: Mapping[str, Any], name: str) -> str:
    return measured(found["copies"][name]["pairs"]["quality"]) if name in found.get("copies", {}) else ""


def _distinct(found: Mapping[str, Any], name: str) -> str:
    there = found.get("elsewhere", {}).get(name)
    return str(there["distinct"]) if there else ""


def rated_measurements() -> str:
    """Single measurements: pairs in order, on the clips and on their copies, and severities of undamaged footage."""
    found = results("human_ratings")
    accused = found.get("accusations", {}).get("by_measurement", {})
    rows = []
    for key in QUANTITIES:
        each = found["ratings"][key]
        claimed = [f"{100 * accused[key][step]:.0f} %" if key in accused else "" for step in ("above_none", "visible")]
        rows.append([key, measured(each["pairs"]["quality"]), _srcc(each, "quality"), _copied(found, key), *claimed])
    head = ("measurement", "pairs, quality", "SRCC, quality", "copies: pairs, quality")
    return table([*head, "real clips above none", "visible or worse"], rows)


def rated_ladders() -> str:
    """Mean SRCC within a content: each family of defects by its own score and by quality."""
    found = results("human_ratings").get("ladders", {})
    if not found:
        return "Not measured."
    systems = {name: each for name, each in found.items() if any(each.values())}
    rows = []
    for row in (*KINDS, *(kind for kinds in KINDS.values() for kind in kinds), "new kinds"):
        rows.append([row, *(_ladder(each.get(row, {}), _own(row)) for each in systems.values())])
    return table(["defect", *systems], rows)


def _own(row: str) -> str:
    """The score that a defect should lower."""
    return row if row in KINDS else next((family for family, kinds in KINDS.items() if row in kinds), "quality")


def _ladder(row: Mapping[str, Any], own: str) -> str:
    return " / ".join(f"{row[score]['srcc']:.2f}" for score in dict.fromkeys((own, "quality")) if score in row)
