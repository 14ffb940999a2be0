"""Put the stored results into the documents: python -m tools.fill_figures [--check].

The text between ``<!-- name -->`` and ``<!-- /name -->`` is generated from ``results/``; the rest is unchanged. With
``--check`` nothing is written, and the exit code is 1 where a page differs from ``results/``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.method.ablation import table_row
from benchmarks.method.united import DIMENSIONS
from benchmarks.nano.perception import BARS
from benchmarks.results import ROOT, measured, points, results, srcc
from tools.figures_calibration import calibration
from tools.figures_performance import (
    arena,
    damage,
    damaged,
    engines,
    faults,
    judging,
    layouts,
    log_probs,
    merged,
    plan,
    precision,
    reading,
    reading_machine,
    reward_loop,
    serving,
    step,
    table,
    vllm,
    web,
)
from tools.figures_ratings import human_ratings, rated_ladders, rated_measurements
from tools.figures_systems import systems
from vqinsight.evaluation.fill_tables import Cell
from vqinsight.evaluation.paper_tables import Column
from vqinsight.report.paper_tables import shown

SHAPES = ("colour", "direction", "count", "shape")
SEEN = (*list(BARS)[3:], "text facts")
# Generators that the page compares; the stored results hold more.
UNITED = (
    "G", "by lot, three rounds", "offline DPO (G')", "without united", "united (G'')",
    "without united, three rounds", "united, three rounds", "oracle, three rounds",
)  # fmt: skip
GUIDED = ("united, three rounds", "oracle, three rounds")
GENERATED = ("generated, no guidance", "generated")
CHOSEN = {"round 2, by D": "D", "round 2, by D'": "D'"}
# Display names of names in stored results.
PLAIN = {"by lot": "random pairs", "embedded world ": ""}


def plain(text: str) -> str:
    """The display name of a stored name."""
    for stored, said in PLAIN.items():
        text = text.replace(stored, said)
    return text


def perception() -> str:
    """Perception of nano on held-out clips: its short answers, and its reasoning."""
    found = [results(name)["rows"] for name in ("perception", "perception_reasoning")]
    least = ["least of " + ", ".join(SHAPES), *(f"{min(each[name]['share'] for name in SHAPES):.1%}" for each in found)]
    rows = ([name, *(f"{each[name]['share']:.1%}" for each in found)] for name in SEEN)
    return table(("attribute", "short answer", "reasoning"), [least, *rows])


def ablation() -> str:
    """Ablation: means over seeds, deviations where there are several."""
    columns = {"plcc": "PLCC", "pairs right, both orders": "pairs right"}
    runs = results("ablation")["runs"].items()
    rows = (table_row(name, list(seeds.values()), columns)[: 1 + len(columns)] for name, seeds in runs)
    return table(["", *columns.values()], rows)


def synthetic_tables() -> str:
    """Tables 1 and 2 on the synthetic set, tau of the first with its interval."""
    preferences, scores = (_stored_cells(each) for each in results("synthetic_tables")["tables"])
    columns = [f"{dimension} SRCC" for dimension in DIMENSIONS[1:]]
    rows = []
    for name, row in preferences.items():
        correlations = (scores.get(name, {}).get(column, "").split(" ")[0] for column in columns)
        rows.append([name, row["tau"], *correlations])
    return table(["system", "pairs, tau", *columns], rows)


def _stored_cells(stored: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What a stored table shows, by row and column."""
    columns = [Column(**{key: value for key, value in made.items() if key != "name"}) for made in stored["columns"]]
    names = [plain(f"{column.group} {column.name}") for column in columns]
    return {
        row["name"]: {
            name: shown(Cell(**cell) if cell else None, column)
            for name, column, cell in zip(names, columns, row["cells"], strict=True)
        }
        for row in stored["rows"]
    }


def measurements() -> str:
    """How measurements of pixels follow defects of known strength."""
    rows = []
    for defect, row in results("measurements")["severity"].items():
        by = row["measurement"].replace("_", " ")
        name = defect if by == defect else f"{defect} ({by})"
        rows.append([name, f"{row['srcc_mean']:.2f}", f"{row['srcc_least']:.2f}"])
    return table(["defect (measurement of another name)", "SRCC, mean over contents", "least"], merged(rows))


def oracle() -> str:
    """Agreement of the oracle with the exact truth."""
    found = results("oracle")["rows"]
    said = (
        f"{name} {' / '.join(srcc(each['srcc'][name]['value']) for each in found.values())}"
        for name in next(iter(found.values()))["srcc"]
    )
    return f"SRCC with the exact truth, {' / '.join(found)}: {', '.join(said)}."


def generator() -> str:
    """Quality of the embedded generator on held-out prompts, by the oracle."""
    found = results("generator")
    said = (f"{name} {row['mean']:.1f} / {row['best']:.1f}" for name, row in found["rows"].items())
    return f"Mean / best of {found['candidates']}, 0–100: {', '.join(said)}."


def united() -> str:
    """Comparison of generators, with the gain over the first one, paired by prompt."""
    found = results("united")
    rows = []
    for name in UNITED:
        gain = found["differences"].get(f"{name} - G")
        gained = points(gain["overall"], sign="+") if gain else ""
        rows.append([plain(name), f"{found['generators'][name]['overall']['value']:.1f}", gained])
    return table(["oracle, 0–100", "overall", "gain over G"], rows)


def united_guided() -> str:
    """The same with guidance: where G begins, and the gains."""
    found = results("united_guided")
    gains = (f"{name} {points(found['differences'][f'{name} - G']['overall'], sign='+')}" for name in GUIDED)
    return f"G begins at {found['generators']['G']['overall']['value']:.1f}; gains: {'; '.join(gains)}."


def chosen() -> str:
    """Quality of the pairs that D and D' select for training in the second round."""
    found = results("united")["chosen"]
    said = (f"{measured(found[name]['right'])} of those chosen by {judge}" for name, judge in CHOSEN.items())
    return f"Of round 2's training pairs the oracle prefers the same winner in {', and '.join(said)}."


def repair() -> str:
    """Repairing and its two controls."""
    said = (
        f"*{name}* takes {row['taken']} of {row['clips']} clips, {points(row['change'], sign='+')}, "
        f"{row['worse']} worse"
        for name, row in results("repair")["rows"].items()
    )
    return f"Change of the oracle's score over all clips: {'; '.join(said)}."


def within_prompt() -> str:
    """Agreement within a prompt: correlation with its interval."""
    said = []
    kinds = results("within_prompt")["within"]
    for kind, of in ((name, kinds[name]) for name in GENERATED):
        low, high = (of["overall"]["interval"][end] for end in ("low", "high"))
        said.append(f"{kind} {of['overall']['correlation']:.2f} ({low:.2f} to {high:.2f})")
    return f"Correlation of overall scores: {'; '.join(said)}."


# Generated parts of pages by name, and the results that they print.
PIECES: dict[str, tuple[Callable[[], str], tuple[str, ...]]] = {
    "perception": (perception, ("perception", "perception_reasoning")),
    "ablation": (ablation, ("ablation",)),
    "plan": (plan, ("plan",)),
    "step": (step, ("step",)),
    "judging": (judging, ("judging",)),
    "precision": (precision, ("precision", "precision_deepspeed")),
    "reading": (reading, ("reading",)),
    "reading_machine": (reading_machine, ("reading",)),
    "log_probs": (log_probs, ("log_probs",)),
    "layouts": (layouts, ("layouts",)),
    "arena": (arena, ("arena",)),
    "systems": (systems, ("systems", "systems_native", "vbench_miniature")),
    "serving": (serving, ("serving",)),
    "web": (web, ("web",)),
    "reward_loop": (reward_loop, ("reward_loop",)),
    "faults": (faults, ("faults",)),
    "damage": (damage, ("faults",)),
    "damaged": (damaged, ("damaged",)),
    "engines": (engines, ("engines",)),
    "vllm": (vllm, ("engines",)),
    "synthetic_tables": (synthetic_tables, ("synthetic_tables",)),
    "human_ratings": (human_ratings, ("human_ratings",)),
    "rated_measurements": (rated_measurements, ("human_ratings",)),
    "rated_ladders": (rated_ladders, ("human_ratings",)),
    "calibration": (calibration, ("calibration",)),
    "measurements": (measurements, ("measurements",)),
    "oracle": (oracle, ("oracle",)),
    "generator": (generator, ("generator",)),
    "united": (united, ("united",)),
    "united_guided": (united_guided, ("united_guided",)),
    "chosen": (chosen, ("united",)),
    "within_prompt": (within_prompt, ("within_prompt",)),
    "repair": (repair, ("repair",)),
}


def filled(text: str) -> str:
    """A page with every marked part generated again."""
    for name, (make, _) in PIECES.items():
        marked = re.compile(rf"<!-- {name} -->\n.*?<!-- /{name} -->", re.DOTALL)
        if found := marked.search(text):
            text = f"{text[: found.start()]}<!-- {name} -->\n{make()}\n<!-- /{name} -->{text[found.end() :]}"
    return text


def pages() -> list[Path]:
    """Every document that may show figures."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def stale(*, write: bool) -> list[Path]:
    """Pages whose figures differ from ``results/``; with ``write`` they are rewritten."""
    found = []
    for page in pages():
        before = page.read_text(encoding="utf-8")
        if (after := filled(before)) != before:
            found.append(page)
            if write:
                page.write_text(after, encoding="utf-8")
    return found


def main() -> None:
    """Rewrite the pages, or say which of them differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where a page differs")
    check = parser.parse_args().check
    found = stale(write=not check)
    for page in found:
        print(f"{page.relative_to(ROOT)} {'differs from results/' if check else 'rewritten'}")
    sys.exit(bool(check and found))


if __name__ == "__main__":
    main()
