"""Put the stored results into the documents: python -m tools.fill_figures.

Between ``<!-- name -->`` and ``<!-- /name -->`` stands what this makes of ``results/``; the rest is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.method.ablation import table_row
from benchmarks.method.united import DIMENSIONS
from benchmarks.results import ROOT, measured, number, points, results, srcc
from tools.nano_figures import kinds, learning, perception, scopes, transfer
from vqinsight.evaluation.fill_tables import Cell
from vqinsight.evaluation.paper_tables import Column
from vqinsight.report.paper_tables import shown

HUMAN_JUDGES = {"model": "nano", "technical": "technical score", "always_a": "always A"}
HUMAN_TABLES = {"konvid": "KoNViD-1k", "fetv": "FETV", "aigve": "AIGVE-Bench", "pairs": "pairs"}
HUMAN_FIGURES = {"diff": "diff", "tau_deutsch": "tau, best threshold", "order_bias": "order bias"}


def ablation() -> str:
    """What each part of the method is worth: means over seeds, deviations where there are several."""
    runs = results("ablation_nano")["runs"]
    columns = {"plcc": "PLCC", "srcc": "SRCC", "mae": "error", "pairs right, both orders": "pairs right"}
    columns |= {"missing answers": "missing", "tokens a score": "tokens"}
    lines = [f"| | seeds | {' | '.join(columns.values())} | paper: PLCC | paper: pairs |"]
    lines.append("|---" * (len(columns) + 4) + "|")
    for name, seeds in runs.items():
        _, *cells = table_row(name, list(seeds.values()), columns)
        lines.append(f"| {name} | {len(seeds)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def step() -> str:
    """The cost of one update."""
    found = results("step")
    lines = ["| | stock flow | ours |", "|---|---|---|"]
    names = {"cpu_s": "CPU seconds", "vision_clips": "clips through the vision tower", "language_tokens": "tokens"}
    for key, title in names.items():
        lines.append(f"| {title} | {number(found['stock'][key])} | {number(found['ours'][key])} |")
    return "\n".join(lines) + (
        f"\n\n{found['ratio']:.1f} times fewer CPU seconds; the log-probabilities differ by "
        f"{found['largest_log_probability_difference']:.0e} at most."
    )


def synthetic_tables() -> str:
    """Tables 1 and 2 on the synthetic set, and what the order of showing did."""
    stored = results("synthetic_tables")
    lines = []
    for table in stored["tables"]:
        columns = [Column(**{key: value for key, value in each.items() if key != "name"}) for each in table["columns"]]
        lines += [f"{table['title']}:", "", f"| | {' | '.join(f'{c.group} {c.name}' for c in columns)} |"]
        lines.append("|---" * (len(columns) + 1) + "|")
        for row in table["rows"]:
            cells = (shown(Cell(**cell) if cell else None, c) for cell, c in zip(row["cells"], columns, strict=True))
            lines.append(f"| {row['name']} | {' | '.join(cells)} |")
        lines.append("")
    lines += [
        "| | order bias | consistent under a swap | ties | questions without an answer |",
        "|---|---|---|---|---|",
    ]
    for name, row in stored["models"].items():
        orders = (measured(row[key]) if row[key] else "" for key in ("order_bias", "consistent"))
        lost = f"{row['counts']['missing']} of {row['counts']['asked']}"
        lines.append(f"| {name} | {' | '.join(orders)} | {row['ties']} of {row['pairs']} | {lost} |")
    return "\n".join(lines)


def labels() -> str:
    """Label files that load whole."""
    lines = ["| file | rows | clips named | left out |", "|---|---|---|---|"]
    for name, row in results("labels")["files"].items():
        lines.append(f"| {name} | {row['rows']:,} | {row['clips named']:,} | {row['left out']:,} |")
    return "\n".join(lines)


def human_ratings() -> str:
    """Rated clips: each judge on each table."""
    found = results("human_ratings")["tables"]
    lines = ["| clips | figure | " + " | ".join(HUMAN_JUDGES.values()) + " |", "|---" * (len(HUMAN_JUDGES) + 2) + "|"]
    for table, title in HUMAN_TABLES.items():
        judged = [found[table].get(judge) for judge in HUMAN_JUDGES]
        for figure in ("spatial", "temporal", "quality", "diff", "tau_deutsch", "order_bias"):
            cells = [_rated(each, figure) if each else "" for each in judged]
            if any(cells):
                lines.append(f"| {title} | {HUMAN_FIGURES.get(figure, f'SRCC, {figure}')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _rated(judged: dict[str, Any], figure: str) -> str:
    """A figure with the number of clips or pairs it is from."""
    if figure == "order_bias":
        orders = (judged["pairs"] or {}).get("orders")
        return f"{measured(orders['order_bias'])}, n {orders['n']}" if orders else ""
    if figure in ("diff", "tau_deutsch"):
        scores = (judged["pairs"] or {}).get("scores")
        return f"{measured(scores[figure])}, n {scores['n']}" if scores else ""
    for task in judged["scores"]:
        if figure in task["dimensions"]:
            row = task["dimensions"][figure]
            lost = f", {row['missing']} missing" if row["missing"] else ""
            return f"{measured(row['srcc'])}, n {row['n']}{lost}"
    return ""


def oracle() -> str:
    """The oracle beside the exact truth."""
    rows = results("oracle")["rows"]
    lines = ["| SRCC | " + " | ".join(rows) + " |", "|---" * (len(rows) + 1) + "|"]
    first = next(iter(rows.values()))
    for group in ("srcc", "kinds"):
        for name in first[group]:
            cells = (srcc(each[group][name]["value"]) for each in rows.values())
            lines.append(f"| {name} (n = {first[group][name]['n']}) | {' | '.join(cells)} |")
    lines.append("| facts seen right | " + " | ".join(f"{each['facts']:.1%}" for each in rows.values()) + " |")
    return "\n".join(lines)


def generator() -> str:
    """What the embedded generator makes of held-out prompts, by the oracle."""
    found = results("generator_nano")
    of = f"of {found['candidates']}"
    lines = [f"| 0–100 | mean | spread | best {of} | worst {of} |", "|---|---|---|---|---|"]
    for name, row in found["rows"].items():
        lines.append(f"| {name} | " + " | ".join(f"{row[key]:.1f}" for key in ("mean", "sd", "best", "worst")) + " |")
    for words, row in found["words"].items():
        lines.append(f"| asked for “{words}”: overall | {row['overall']:.1f} | | | |")
    return "\n".join(lines) + f"\n\n{found['cpu_seconds_a_clip']:.2f} CPU seconds a clip."


def united(file: str) -> str:
    """Generators side by side, and the differences that matter."""
    found = results(file)
    lines = [f"| oracle, 0–100 | {' | '.join(DIMENSIONS)} | diversity |", "|---|---|---|---|---|---|"]
    for name, row in found["generators"].items():
        cells = (points(row[key]) for key in DIMENSIONS)
        spread = "–" if row["diversity"] is None else f"{row['diversity']:.1f}"
        lines.append(f"| {name} | {' | '.join(cells)} | {spread} |")
    less = found["differences"]
    bases = [base for base in found["generators"] if any(key.endswith(f" - {base}") for key in less)]
    lines += ["", "| overall, paired by prompt: less | " + " | ".join(bases) + " |", "|---" * (len(bases) + 1) + "|"]
    for name in list(found["generators"])[1:]:
        known = (less.get(f"{name} - {base}") for base in bases)
        lines.append(
            f"| {name} | " + " | ".join(points(row["overall"], sign="+") if row else "" for row in known) + " |"
        )
    return "\n".join(lines)


def dpo() -> str:
    """Eq. 9 for shorter and longer, with and without a pull on the winners, by where the pairs come from."""
    lines = ["| pairs | updates | `sft` | " + " | ".join(DIMENSIONS) + " |", "|---" * 7 + "|"]
    for row in results("dpo_nano")["rows"]:
        cells = " | ".join(points(row["gain"][kind], sign="+") for kind in DIMENSIONS)
        lines.append(f"| {row['pairs']} | {row['steps']} | {row['sft']:g} | {cells} |")
    return "\n".join(lines)


def chosen() -> str:
    """How good the pairs are that D and D' chose to train on."""
    lines = ["| chosen by | pairs | right | " + " | ".join(DIMENSIONS) + " |", "|---" * (len(DIMENSIONS) + 3) + "|"]
    for name, row in results("united_nano")["chosen"].items():
        cells = " | ".join(points(row["apart"][key], sign="+") for key in DIMENSIONS)
        lines.append(f"| {name} | {row['pairs']} | {measured(row['right'])} | {cells} |")
    return "\n".join(lines)


def assessors(file: str) -> str:
    """D and D' on this generator's pairs."""
    found = results(file)
    sources = list(next(iter(found["assessors"].values())))
    lines = ["| pairs right in both orders | " + " | ".join(sources) + " |", "|---" * (len(sources) + 1) + "|"]
    for name, rows in found["assessors"].items():
        cells = (f"{measured(row['accuracy'])}, n = {row['pairs']}" for row in rows.values())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    differences = (found["assessor_difference"][source] for source in sources)
    cells = (measured(each) if each else "undefined" for each in differences)
    return "\n".join([*lines, f"| difference | {' | '.join(cells)} |"])


def repair() -> str:
    """Repairing and its two controls."""
    lines = ["| | taken | oracle change, all clips | worse |", "|---|---|---|---|"]
    for name, row in results("repair_nano")["rows"].items():
        change = points(row["change"], sign="+")
        lines.append(f"| {name} | {row['taken']} of {row['clips']} | {change} | {row['worse']} |")
    return "\n".join(lines)


def within() -> str:
    """What the assessor tells apart within a prompt: correlation with its interval, and the spread of the truth."""
    found = results("within_prompt_nano")["within"]
    dimensions = list(next(iter(found.values())))
    lines = ["| clips of one prompt | " + " | ".join(dimensions) + " |", "|---" * (len(dimensions) + 1) + "|"]
    for kind, of in found.items():
        cells = []
        for row in of.values():
            low, high = (row["interval"][end] for end in ("low", "high"))
            cells.append(f"{row['correlation']:.2f} ({low:.2f} to {high:.2f}), ± {row['spread']:.0f}")
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


PIECES: dict[str, tuple[Callable[[], str], str]] = {
    "perception": (perception, "perception_nano"),
    "kinds": (kinds, "perception_nano"),
    "learning": (learning, "learning_nano"),
    "transfer": (transfer, "transfer_nano"),
    "scopes": (scopes, "transfer_base"),
    "ablation": (ablation, "ablation_nano"),
    "step": (step, "step"),
    "synthetic_tables": (synthetic_tables, "synthetic_tables"),
    "labels": (labels, "labels"),
    "human_ratings": (human_ratings, "human_ratings"),
    "oracle": (oracle, "oracle"),
    "generator": (generator, "generator_nano"),
    "united": (partial(united, "united_nano"), "united_nano"),
    "chosen": (chosen, "united_nano"),
    "assessors": (partial(assessors, "united_nano"), "united_nano"),
    "united_guided": (partial(united, "united_guided"), "united_guided"),
    "united_former": (partial(united, "united_former_generator"), "united_former_generator"),
    "assessors_former": (partial(assessors, "united_former_generator"), "united_former_generator"),
    "dpo": (dpo, "dpo_nano"),
    "within": (within, "within_prompt_nano"),
    "repair": (repair, "repair_nano"),
}


def main() -> None:
    """Rewrite every marked piece for which there is a result."""
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = before = file.read_text(encoding="utf-8")
        for name, (make, source) in PIECES.items():
            marked = re.compile(rf"<!-- {name} -->\n.*?<!-- /{name} -->", re.DOTALL)
            found = marked.search(text)
            if found is not None and results(source) is not None:
                text = text[: found.start()] + f"<!-- {name} -->\n{make()}\n<!-- /{name} -->" + text[found.end() :]
        if text != before:
            file.write_text(text, encoding="utf-8")
            print(f"{file.relative_to(ROOT)} rewritten")


if __name__ == "__main__":
    main()
