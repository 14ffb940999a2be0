"""Table of foreign systems: our adapter beside the system's own inference."""

from __future__ import annotations

from typing import Any

from benchmarks.results import results
from tools.figures_performance import table


def systems() -> str:
    """Commit of a system's code, different scores of the five clips, and the largest difference from ours."""
    foreign = _run("systems")
    native = {name: found["lossless"] | {"commit": found["commit"]} for name, found in _run("systems_native").items()}
    rows = [
        [name, found["commit"][:7], str(found["distinct"]), f"{found['largest_difference']:.0g}"]
        for name, found in sorted({**foreign, **native}.items())
    ]
    vbench = results("vbench_miniature")
    names = ", ".join(name.replace("_", " ") for name in vbench["dimensions"])
    told = f"VBench ({vbench['vbench_commit'][:7]}) ran, too: {names}."
    return table(["system", "commit", "distinct", "difference"], rows) + "\n\n" + told


def _run(name: str) -> dict[str, Any]:
    """The systems that ran to the end."""
    return {key: found for key, found in results(name)["systems"].items() if "failed" not in found}
