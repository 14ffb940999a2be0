"""What the documents say of the embedded assessor, made of ``results/``."""

from __future__ import annotations

from benchmarks.nano.perception import BARS
from benchmarks.results import measured, results, share
from vqinsight.synthetic.photos import HELD_OUT as HELD_OUT_PHOTOS
from vqinsight.synthetic.textures import HELD_OUT

WANTED = {name: f"{100 * bar:.0f} %" for name, bar in BARS.items()}
ATTRIBUTES = ("colour", "direction", "count", "shape", *list(WANTED)[3:], "text facts")
KINDS = (
    *("blur", "noise", "compression", "banding", "exposure", "no spatial defect"),
    *("jitter", "flicker", "freeze", "shuffle", "ghosting", "morphing", "no temporal defect"),
)
PAPER = {"spatial srcc": ".823", "temporal srcc": ".911", "alignment srcc": ".825"}


def perception() -> str:
    """What the model sees: terse line, before and after reinforcement, beside reasoning."""
    seen = [results(f"perception_nano{kind}")["rows"] for kind in ("_base", "", "_sentences")]
    lines = ["| attribute | terse line, base | terse line | reasoning | wanted |", "|---|---|---|---|---|"]
    for name in ATTRIBUTES:
        cells = (share(rows[name]) for rows in seen)
        lines.append(f"| {name} | {' | '.join(cells)} | {WANTED.get(name, '')} |")
    return "\n".join(lines)


def kinds() -> str:
    """The same, one defect at a time."""
    found = []
    for title, name in (("terse line", "perception_nano"), ("reasoning", "perception_nano_sentences")):
        rows = results(name)["rows"]
        found.append(f"By kind ({title}): " + ", ".join(f"{kind} {rows[kind]['share']:.0%}" for kind in KINDS) + ".")
    return "\n\n".join(found)


def learning() -> str:
    """Before and after each stage."""
    models = results("learning_nano")["models"]
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


def scopes() -> str:
    """The last weights without scopes, the base with them, and what ships: what each sees, how it orders real clips."""
    versions = ("former", "base", "nano")
    seen = [results(f"perception_{version}")["rows"] for version in versions]
    lines = ["| held-out clips, terse line | without scopes | with, before reinforcement | ships | wanted |"]
    lines.append("|---|---|---|---|---|")
    for name in (*ATTRIBUTES, *KINDS):
        cells = " | ".join(share(rows[name]) for rows in seen)
        lines.append(f"| {name} | {cells} | {WANTED.get(name, '')} |")
    places = {
        f"{family} defect on {kind}" for family in ("spatial", "temporal") for kind in (*HELD_OUT_PHOTOS, *HELD_OUT)
    }
    for name in sorted(places & set(seen[-1])):
        cells = " | ".join(share(rows[name]) if name in rows else "" for rows in seen)
        lines.append(f"| {name} | {cells} | |")
    lines += [
        "",
        "| real clips, mean of 8 answers, a constant as 0 | without | with, before | ships |",
        "|---|---|---|---|",
    ]
    ordered = [results(f"transfer_{version}")["rows"] for version in ("former", "base", "nano_samples")]
    for name in ordered[0]:
        lines.append(f"| {name} | " + " | ".join(f"{rows[name]['srcc_constant_as_0']:.3f}" for rows in ordered) + " |")
    return "\n".join(lines)
