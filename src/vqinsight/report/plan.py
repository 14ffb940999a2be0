"""The plan of a training run on the terminal, and as values for other programs."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from vqinsight.training.plan import Plan
from vqinsight.training.plan.duration import spelled
from vqinsight.training.plan.memory import DRIVER

WHEN = {
    "always": "",
    "rollout": "in a rollout",
    "sampling": "while sampling",
    "reference": "in a rollout's passes",
    "update": "in a training pass",
}
SHARDINGS = {"none": "whole weights on each card", "fsdp2": "FSDP2", "zero2": "ZeRO-2", "zero3": "ZeRO-3"}


def show_plan(console: Console, plan: Plan) -> None:
    """Print what is planned, what a card holds, whether it fits, and how long it takes."""
    work, given = plan.work, plan.hardware
    what = f"LoRA of rank {work.rank}" if work.rank else "all weights of the language model"
    console.print(f"{plan.model}: {plan.shapes.parameters / 1e9:.2f} billion parameters", style="bold")
    console.print(
        f"{given.gpus} x {given.gigabytes:g} GB, {SHARDINGS[work.sharding]}; "
        f"{what}{' and the vision tower' if work.train_vision else ''}; "
        f"activations {'recomputed' if work.checkpointing else 'kept'}"
    )
    answers = f"{work.rows} x {work.answers} answers of up to {work.new_tokens} tokens"
    console.print(f"A pass of a card: {answers} after prompts of up to {work.prompt:,} tokens")
    table = Table(box=SIMPLE_HEAD)
    table.add_column("a card holds")
    table.add_column("GB", justify="right")
    table.add_column("when")
    for item in plan.items:
        table.add_row(item.name, f"{item.bytes / 1e9:.1f}", WHEN[item.when])
    table.add_row("driver and allocator", f"{DRIVER / 1e9:.1f}", "")
    table.add_row("at most", f"{plan.peak / 1e9:.1f}", "", style="bold")
    console.print(table)
    console.print(verdict(plan), style="bold")
    parts = ", ".join(f"{phase.name} {phase.seconds:.1f} s" for phase in plan.phases)
    console.print(f"An update takes about {plan.seconds:.0f} s: {parts}")
    console.print(_run(plan))
    rate = given.rates
    sampled = f"{rate.tokens:g} sampled tokens/s" if rate.tokens else f"{rate.bandwidth:.0f} GB/s from memory"
    console.print(
        f"At {rate.tflops:.0f} TFLOP/s, {sampled} and {rate.link:g} GB/s between cards ({given.card.name}), and with "
        f"answers of {work.mean_tokens} tokens. Other rates: --card, --tflops, --tokens-per-second.",
        style="dim",
    )
    if plan.note:
        console.print(plan.note)


def verdict(plan: Plan) -> str:
    """Whether it fits, and what to change if not."""
    size = f"{plan.hardware.gigabytes:g} GB"
    if plan.fits:
        return f"It fits into {size}."
    if plan.changes is None:
        return f"It does not fit into {size}, whatever is changed. Take larger cards, more of them, or a smaller model."
    first = "Change one setting" if len(plan.changes) == 1 else "Change together"
    return f"It does not fit into {size}. {first}: {'; '.join(plan.changes)}"


def plan_values(plan: Plan) -> dict[str, Any]:
    """The plan as one object: bytes by item, seconds by phase."""
    return {
        "model": plan.model,
        "parameters": plan.shapes.parameters,
        "gpus": plan.hardware.gpus,
        "memory_gb": plan.hardware.gigabytes,
        "card": plan.hardware.card.name,
        "sharding": plan.work.sharding,
        "items": [{"name": item.name, "bytes": round(item.bytes), "when": item.when} for item in plan.items],
        "peak_bytes": round(plan.peak),
        "fits": plan.fits,
        "changes": list(plan.changes) if plan.changes is not None else None,
        "phases": {phase.name: round(phase.seconds, 3) for phase in plan.phases},
        "seconds_per_update": round(plan.seconds, 2),
        "updates": plan.work.updates,
        "days": None if plan.days is None else round(plan.days, 3),
        "note": plan.note or None,
    }


def _run(plan: Plan) -> str:
    if plan.days is None:
        thousand = spelled(1000 * plan.seconds / 86_400)
        return f"1,000 updates take about {thousand}; how many there are depends on data of unknown size."
    return f"The run of {plan.work.updates:,} updates takes about {spelled(plan.days)}."
