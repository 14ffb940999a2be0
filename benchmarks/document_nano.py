"""What the documents say of the embedded assessor, made of ``results/``."""

from __future__ import annotations

from stored import measured, results, share

from vqinsight.world.photos import HELD_OUT as HELD_OUT_PHOTOS
from vqinsight.world.textures import HELD_OUT

WANTED = {
    "colour": "95 %",
    "direction": "95 %",
    "shape": "90 %",
    "spatial defect": "85 %",
    "temporal defect": "85 %",
    "spatial strength, within one": "90 %",
    "temporal strength, within one": "90 %",
}
ATTRIBUTES = ("colour", "direction", "count", "shape", *list(WANTED)[3:], "text facts")
KINDS = (
    *("blur", "noise", "compression", "banding", "exposure", "no spatial defect"),
    *("jitter", "flicker", "freeze", "shuffle", "ghosting", "morphing", "no temporal defect"),
)
PAPER = {"spatial srcc": ".823", "temporal srcc": ".911", "alignment srcc": ".825"}


def perception() -> str:
    """What the model sees: terse line beside reasoning."""
    terse, said = results("perception_nano"), results("perception_nano_sentences")
    lines = ["| attribute | terse line | reasoning | wanted |", "|---|---|---|---|"]
    for name in ATTRIBUTES:
        cells = (share(each["rows"][name]) for each in (terse, said))
        lines.append(f"| {name} | {' | '.join(cells)} | {WANTED.get(name, '')} |")
    return "\n".join(lines)


def kinds() -> str:
    """The same, one defect at a time."""
    found = []
    for title, name in (("terse line", "perception_nano"), ("reasoning", "perception_nano_sentences")):
        rows = results(name)["rows"]
        found.append(f"By kind ({title}): " + ", ".join(f"{kind} {rows[kind]['share']:.0%}" for kind in KINDS) + ".")
    return "\n\n".join(found)


def learning(stored: str) -> str:
    """Before and after each stage, or before and after more of one."""
    models = results(stored)["models"]
    lines = ["| | " + " | ".join(models) + " | paper, LGVQ |", "|---" * (len(models) + 2) + "|"]
    for row in next(iter(models.values()))["rows"]:
        cells = (measured(each["rows"][row]) for each in models.values())
        lines.append(f"| {row} | {' | '.join(cells)} | {PAPER.get(row, '')} |")
    return "\n".join(lines)


def transfer() -> str:
    """Real clips with defects of rising strength."""
    lines = [
        "| defect | mean SRCC inside a content | a constant score as 0 | the same, mean of 8 answers | groups |",
        "|---|---|---|---|---|",
    ]
    sampled = results("transfer_nano_samples")["rows"]
    for name, row in results("transfer_nano")["rows"].items():
        strict = " | ".join(f"{each['srcc_constant_as_0']:.3f}" for each in (row, sampled[name]))
        lines.append(f"| {name} | {measured(row['srcc'])} | {strict} | {row['groups'] + row['constant']} |")
    return "\n".join(lines)


def base() -> str:
    """What ships beside the base that waits for reinforcement: what either sees, and how it orders real clips."""
    shipped, waiting = results("perception_nano")["rows"], results("perception_base")["rows"]
    lines = ["| held-out clips, terse line | ships | base | wanted |", "|---|---|---|---|"]
    for name in (*ATTRIBUTES, *KINDS):
        lines.append(f"| {name} | {share(shipped[name])} | {share(waiting[name])} | {WANTED.get(name, '')} |")
    places = {
        f"{family} defect on {kind}" for family in ("spatial", "temporal") for kind in (*HELD_OUT_PHOTOS, *HELD_OUT)
    }
    lines += [f"| {name} | | {share(waiting[name])} | |" for name in sorted(places & set(waiting))]
    lines += ["", "| real clips, mean of 8 answers, a constant as 0 | ships | base |", "|---|---|---|"]
    shipped, waiting = results("transfer_nano_samples")["rows"], results("transfer_base")["rows"]
    for name, row in waiting.items():
        lines.append(f"| {name} | {shipped[name]['srcc_constant_as_0']:.3f} | {row['srcc_constant_as_0']:.3f} |")
    return "\n".join(lines)
