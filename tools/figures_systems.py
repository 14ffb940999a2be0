"""Table of foreign systems: our adapter beside the system's own inference."""

from __future__ import annotations

from benchmarks.results import results
from tools.figures_performance import table


def systems() -> str:
    """Largest difference of a score on the same files, and the commit of the system's code."""
    rows = []
    for name, found in sorted(results("systems")["systems"].items()):
        if "failed" in found:
            rows.append([f"`{name}`", "", "", "not run to the end"])
            continue
        clips = f"{len(found['clips'])}, {found['distinct']} distinct"
        rows.append([f"`{name}`", (found["commit"] or "")[:7], clips, f"{found['largest_difference']:.1g}"])
    return table(["system", "commit", "clips", "largest difference"], rows)
