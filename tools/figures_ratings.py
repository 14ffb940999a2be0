"""Tables of rated real clips: systems, single measurements, ladders of defects, and false accusations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.nano.rated_ladders import KINDS
from benchmarks.results import measured, results
from tools.figures_performance import table
from vqinsight.measure.quantities import QUANTITIES

_BEST = 4  # single measurements that the page has
# Rows after the models: what reads pixels, then controls, those that order most first.
_MEASURED = ("technical score", "ridge on measurements")
_CONTROLS = (
    "generator's name", "real footage wins", "file size", "width x height x frames", "always A",
)  # fmt: skip


def human_ratings() -> str:
    """Each system on FETV's clips, the same on copies of one size and length, and distinct scores elsewhere."""
    found = results("human_ratings")
    last = (*_MEASURED, *_CONTROLS)
    others = (*QUANTITIES, *last, "bitrate")  # which orders as little as the file size
    models = [name for name in found["ratings"] if name not in others]
    rows = [
        [name, *_figures(found["ratings"][name]), _copied(found, name), _distinct(found, name)]
        for name in (*models, *(name for name in last if name in found["ratings"]))
    ]
    head = ("system", "pairs, quality", "pairs, temporal", "generated only", "SRCC, quality", "copies", "distinct")
    return table(head, rows)


def _figures(each: Mapping[str, Any]) -> list[str]:
    """Pairs by quality with their interval, by temporal quality, and of generated clips only; the correlation."""
    pairs = (each["pairs"]["temporal"], each["generated_pairs"]["quality"])
    srcc = each["srcc"].get("quality")
    correlation = f"{srcc['value']:.2f}" if srcc and srcc["value"] is not None else ""
    return [measured(each["pairs"]["quality"]), *map(_value, pairs), correlation]


def _value(found: Mapping[str, Any]) -> str:
    return f"{found['value']:.2f}"


def _copied(found: Mapping[str, Any], name: str) -> str:
    return _value(found["copies"][name]["pairs"]["quality"]) if name in found.get("copies", {}) else ""


def _distinct(found: Mapping[str, Any], name: str) -> str:
    there = found.get("elsewhere", {}).get(name)
    return str(there["distinct"]) if there else ""


def rated_measurements() -> str:
    """Single measurements: pairs in order, on the clips and on their copies, and severities of undamaged footage."""
    found = results("human_ratings")
    accused = found.get("accusations", {}).get("by_measurement", {})
    pairs = {key: found["ratings"][key]["pairs"]["quality"] for key in QUANTITIES}
    best = sorted(pairs, key=lambda key: -pairs[key]["value"])
    rows = []
    for key in best[:_BEST]:
        claimed = [f"{100 * accused[key][step]:.0f} %" if key in accused else "" for step in ("above_none", "visible")]
        rows.append([key, measured(pairs[key]), _copied(found, key), *claimed])
    head = ("measurement", "pairs, quality", "copies", "real clips above none", "visible or worse")
    if not accused:
        return table(head[:3], [row[:3] for row in rows])
    claims = found["accusations"]
    model = claims["models"]["nano"]
    return (
        f"{table(head, rows)}\n\nOf {claims['measured']} clips of real, undamaged footage {claims['any_visible']:.0%} "
        f"have a visible defect by some measurement, and nano claims one of {model['claimed']:.0%}."
    )


def rated_ladders() -> str:
    """Mean SRCC within a content: each family of defects by its own score and by quality."""
    found = results("human_ratings").get("ladders", {})
    if not found:
        return "Not measured."
    systems = {name: each for name, each in found.items() if any(each.values())}
    rows = []
    for row in (*KINDS, "new kinds"):
        rows.append([row, *(_ladder(each.get(row, {}), _own(row)) for each in systems.values())])
    return table(["defect", *systems], rows)


def _own(row: str) -> str:
    """The score that a defect should lower."""
    return row if row in KINDS else next((family for family, kinds in KINDS.items() if row in kinds), "quality")


def _ladder(row: Mapping[str, Any], own: str) -> str:
    return " / ".join(f"{row[score]['srcc']:.2f}" for score in dict.fromkeys((own, "quality")) if score in row)
