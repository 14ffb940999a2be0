"""``vqinsight plan`` for every configuration at 3B and 7B: python -m benchmarks.performance.plan [--json FILE].

One card holds whole weights; eight are started as the configurations say, with FSDP2. Computed, not measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.results import store
from vqinsight.report.plan import plan_values
from vqinsight.settings.shipped import shipped_names
from vqinsight.training.plan import hardware, plan_file
from vqinsight.training.plan.duration import spelled
from vqinsight.training.plan.workload import Sharding

PLACES: dict[str, tuple[int, float, Sharding]] = {
    "1 × 24 GB": (1, 24, "none"),
    "1 × 80 GB": (1, 80, "none"),
    "8 × 80 GB": (8, 80, "fsdp2"),
}


def planned() -> dict[str, dict[str, Any]]:
    """The plans of every configuration, by the place it runs at."""
    names = [name for name in shipped_names() if name.startswith(("3b/", "7b/"))]
    return {
        name: {
            place: plan_values(plan_file(name, hardware(gpus, memory), sharding=sharding))
            for place, (gpus, memory, sharding) in PLACES.items()
        }
        for name in names
    }


def cell(plan: dict[str, Any], *, memory: bool = True) -> str:
    """Memory and days of a plan; where it does not fit, what to change, with its memory unless ``memory`` is off."""
    peak = f"{plan['peak_bytes'] / 1e9:.0f} GB"
    if plan["fits"]:
        return peak + (f", {spelled(plan['days'])}" if plan["days"] else "")
    changes = plan["changes"]
    change = "too large" if changes is None else ", ".join(f"`{_short(each)}`" for each in changes)
    return f"{peak}: {change}" if memory else change


def _short(change: str) -> str:
    return change.removeprefix("--set ").removeprefix("model.")


def main() -> None:
    """Print the plans, and store them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    store({"configurations": planned()}, parser.parse_args().json)


if __name__ == "__main__":
    main()
