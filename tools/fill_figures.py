"""Put the stored results into the documents: python -m tools.fill_figures [--check].

The text between ``<!-- name -->`` and ``<!-- /name -->`` is generated from ``results/``; the rest is unchanged. With
``--check`` nothing is written, and the exit code is 1 where a page differs from ``results/``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
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
from vqinsight.evaluation.fill_tables import Cell
from vqinsight.evaluation.paper_tables import Column
from vqinsight.report.paper_tables import shown

SEEN = ("colour", "direction", "count", "shape", *list(BARS)[3:], "text facts")
LEARNED = ("srcc", "mae")
# Generators that the pages compare; the stored results hold more rounds of the controls.
GUIDED = ("G", "by lot, three rounds", "without united, three rounds", "united, three rounds", "oracle, three rounds")
UNITED = (
    "G", "by lot, three rounds", "offline DPO (G')", "without united", "united (G'')",
    "without united, three rounds", "united, three rounds", "oracle, three rounds",
)  # fmt: skip
# Display names of names in stored results.
PLAIN = {"by lot": "random pairs", "embedded world ": ""}


def plain(text: str) -> str:
    """The display name of a stored name."""
    for stored, said in PLAIN.items():
        text = text.replace(stored, said)
    return text


def perception() -> str:
    """Perception of nano on held-out clips: short answers before and after GRPO, and its reasoning."""
    files = ("perception_base", "perception", "perception_reasoning")
    found = [results(name)["rows"] for name in files]
    head = ("attribute", "short answer, base", "short answer", "reasoning")
    rows = ([name, *(f"{each[name]['share']:.1%}" for each in found)] for name in SEEN)
    return table(head, rows)


def learning() -> str:
    """Held-out synthetic clips before stage 1 and after stage 2: order and error of the scores, and pairs."""
    models = {name: each for name, each in results("learning")["models"].items() if name != "stage1"}
    names = [f"{dimension} {figure}" for dimension in DIMENSIONS[1:] for figure in LEARNED]
    names += ["pairs right, both orders", "missing answers"]
    rows = ([name, *(measured(each["rows"][name]) for each in models.values())] for name in names)
    return table(["", *models], rows)


def transfer() -> str:
    """Real clips with defects of rising strength; a constant score counts as 0."""
    files = {
        "likeliest answer": "transfer",
        "mean of 8 answers": "transfer_samples",
        "generated clips, likeliest answer": "transfer_generated",
    }
    found = {title: results(file)["rows"] for title, file in files.items()}
    means = ([title, _ordered(rows["spatial"]), _ordered(rows["temporal"])] for title, rows in found.items())
    kinds = (
        f"{name} {_ordered(row)}"
        for name, row in found["likeliest answer"].items()
        if not name.startswith(("spatial", "temporal"))
    )
    return f"{table(('SRCC', 'spatial', 'temporal'), means)}\n\nBy kind, likeliest answer: {', '.join(kinds)}."


def _ordered(row: dict[str, Any]) -> str:
    return f"{row['srcc_constant_as_0']:.2f}"


def ablation() -> str:
    """Ablation: means over seeds, deviations where there are several."""
    columns = {"plcc": "PLCC", "mae": "error", "pairs right, both orders": "pairs right"}
    runs = results("ablation")["runs"].items()
    rows = (table_row(name, list(seeds.values()), columns) for name, seeds in runs)
    return table(["", *columns.values(), "paper: PLCC", "paper: pairs"], rows)


def synthetic_tables() -> str:
    """Tables 1 and 2 on the synthetic set, the first with the effect of the order of presentation."""
    stored = results("synthetic_tables")
    preferences, scores = (_stored_cells(each) for each in stored["tables"])
    rows = []
    for name, row in stored["models"].items():
        bias = measured(row["order_bias"]) if row["order_bias"] else ""
        rows.append([name, preferences[name]["tau"], bias, str(row["ties"])])
    pairs = table(["pairs", "tau", "order bias", "ties"], rows)
    columns = [f"{dimension} SRCC" for dimension in DIMENSIONS[1:]]
    return f"{pairs}\n\n" + table(
        ["scores", *columns], ([name, *(row[column] for column in columns)] for name, row in scores.items())
    )


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
    rows = [
        [name, row["measurement"].replace("_", " "), f"{row['srcc_mean']:.2f}", f"{row['srcc_least']:.2f}"]
        for name, row in results("measurements")["severity"].items()
    ]
    return table(["defect", "measurement", "SRCC, mean over contents", "least"], rows)


def oracle() -> str:
    """Agreement of the oracle with the exact truth."""
    found = results("oracle")["rows"]
    first = next(iter(found.values()))
    rows = [
        [f"{name} (n = {first['srcc'][name]['n']})", *(srcc(each["srcc"][name]["value"]) for each in found.values())]
        for name in first["srcc"]
    ]
    return table(["SRCC", *found], [*rows, ["facts seen right", *(f"{each['facts']:.1%}" for each in found.values())]])


def generator() -> str:
    """Quality of the embedded generator on held-out prompts, by the oracle."""
    found = results("generator")
    of = f"of {found['candidates']}"
    rows = [[name, *(f"{row[key]:.1f}" for key in ("mean", "best"))] for name, row in found["rows"].items()]
    return table(["0–100", "mean", f"best {of}"], rows)


def united(file: str, compared: Sequence[str] = UNITED) -> str:
    """Comparison of generators, with the gain over the first one, paired by prompt."""
    found = results(file)
    first = next(iter(found["generators"]))
    rows = []
    for name in compared:
        row = found["generators"][name]
        gain = found["differences"].get(f"{name} - {first}")
        gained = points(gain["overall"], sign="+") if gain else ""
        rows.append([plain(name), f"{row['overall']['value']:.1f}", gained])
    return table(["oracle, 0–100", "overall", f"gain over {first}"], rows)


def chosen() -> str:
    """Quality of the pairs that D and D' select for training."""
    rows = ([name, measured(row["right"])] for name, row in results("united")["chosen"].items())
    return table(["chosen by", "right"], rows)


def repair() -> str:
    """Repairing and its two controls."""
    rows = (
        [name, f"{row['taken']} of {row['clips']}", points(row["change"], sign="+"), str(row["worse"])]
        for name, row in results("repair")["rows"].items()
    )
    return table(["", "taken", "oracle change, all clips", "worse"], rows)


def within_prompt() -> str:
    """Agreement within a prompt: correlation with its interval, and the spread of the truth."""
    rows = []
    for kind, of in results("within_prompt")["within"].items():
        row = of["overall"]
        low, high = (row["interval"][end] for end in ("low", "high"))
        rows.append([kind, f"{row['correlation']:.2f} ({low:.2f} to {high:.2f})", f"{row['spread']:.0f}"])
    return table(["clips of one prompt", "correlation, overall", "spread of the truth"], rows)


# Generated parts of pages by name, and the results that they print.
PIECES: dict[str, tuple[Callable[[], str], tuple[str, ...]]] = {
    "perception": (perception, ("perception", "perception_base", "perception_reasoning")),
    "learning": (learning, ("learning",)),
    "transfer": (transfer, ("transfer", "transfer_samples", "transfer_generated")),
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
    "united": (partial(united, "united"), ("united",)),
    "united_guided": (partial(united, "united_guided", GUIDED), ("united_guided",)),
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
