"""The cost of one GRPO step on a clip, N = 8, with Eq. 4: the stock data flow against ours, phase by phase.

Stock: pixels and prompt are repeated for every answer, in sampling, in the shuffled group, and in the policy's and the
reference's log-probabilities. Ours: the clip is encoded once, the prompt is forwarded once for sampling and once for
each pass of log-probabilities, and the shuffled group uses the same features in another order. Both have the same
cache, noise and chunked log-probabilities.

The limit of a phase is its floating-point operations divided by the rate of a matrix product with as many rows. The
grid goes on where its file ends. Processor time on a CPU, wall-clock time on an accelerator.

``python -m benchmarks.performance.step`` measures a small model of 7B proportions; ``--shape 3b`` and ``--shape 7b``
are random weights of the real sizes, for an accelerator.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
from pathlib import Path
from typing import Any

import torch

from benchmarks.performance.step_flows import PHASES, SHAPES, Clock, N, Step, build
from benchmarks.results import keep
from vqinsight.assessor.attention import BLOCKS, SEGMENTS, set_text_attention
from vqinsight.assessor.backbone import language_backbone, language_head
from vqinsight.nano.assessor.tokenizer import train_tokenizer

FRAMES = {400: 8, 800: 16, 1600: 32}  # of 280 x 280 pixels: 100 tokens for each two frames
PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bfloat16, by the manufacturer


class Work:
    """Floating-point operations of a step: 2 per weight and token forward, 4 more backward, and attention.

    Args:
        clips: how often a clip is encoded outside of passes; 1 for ours.
        shared: whether a prompt serves all its answers.
    """

    def __init__(self, step: Step, clips: int, *, shared: bool) -> None:
        text = language_backbone(step.model).language_model
        config = text.config
        self._head = language_head(step.model).weight.numel()
        self._body = sum(p.numel() for name, p in text.named_parameters() if "embed_tokens" not in name)
        self._tower = sum(p.numel() for p in language_backbone(step.model).visual.parameters())
        self._attention = 4 * config.hidden_size * config.num_hidden_layers  # operations for each pair of tokens
        self._prompt, self._answer = len(step.prompt.ids), step.length
        self._patches = math.prod(step.views[0].grid)
        self._clips, self._shared, self._learns = clips, shared, step.tower

    def phases(self) -> dict[str, tuple[float, int]]:
        """Operations of each phase, and the rows of its matrix products."""
        prompt, answer, sampled = self._prompt, self._answer, N + N // 2
        copies = 1 if self._shared else N
        forwarded = copies * prompt + N * answer
        pairs = copies * prompt * prompt / 2 + N * (answer * prompt + answer * answer / 2)
        seen = 2 * self._tower * self._patches * copies if self._learns or not self._shared else 0
        one = 2 * self._body * forwarded + 2 * self._head * N * answer + self._attention * pairs + seen
        prefills = 2 if self._shared else sampled
        prefill = prefills * (2 * self._body * prompt + self._attention * prompt * prompt / 2)
        tokens = sampled * answer
        sampling = 2 * (self._body + self._head) * tokens + self._attention * tokens * (prompt + answer / 2)
        vision = 2 * self._tower * self._patches * self._clips
        backward = 2 * (one if self._learns else one - seen)
        return {
            "vision": (vision, self._patches),
            "prefill": (prefill, prefills * prompt),
            "sampling": (sampling, sampled),
            "passes": (2 * one, forwarded),
            "backward": (backward, forwarded),
        }


def rate(model: Any, rows: int, clock: Clock) -> float:
    """Operations a second of a matrix product of that many rows with the model's widest layer."""
    weight = language_backbone(model).language_model.layers[0].mlp.up_proj.weight.detach()
    given = torch.randn(rows, weight.shape[1], dtype=weight.dtype, device=weight.device)
    repeats = max(3, int(2e10 / (2 * rows * weight.numel())))
    given @ weight.T
    begun = clock.now()
    for _ in range(repeats):
        given @ weight.T
    return 2 * rows * weight.numel() * repeats / (clock.now() - begun)


def cell(step: Step, device: str, *, stock: bool, before: bool) -> dict[str, Any]:
    """One cell of the grid."""
    warm = Clock(device)
    said, ours_AT = step.ours(warm)
    found: dict[str, Any] = {
        "visual_tokens": sum(kind > 0 for kind in step.prompt.kinds),
        "prompt_tokens": len(step.prompt.ids),
        "answer_tokens": step.length,
        "tower": "trainable" if step.tower else "frozen",
    }
    flows = {"ours": (lambda clock: step.ours(clock), Work(step, 1, shared=True))}
    if stock:
        flows["stock"] = (lambda clock: step.stock(clock, said), Work(step, N + N // 2, shared=False))  # type: ignore[assignment, return-value]
    for name, (run, work) in flows.items():
        clock = Clock(device)
        if device != "cpu":
            torch.cuda.reset_peak_memory_stats()
        logp_AT = run(clock)
        if name == "stock":
            found["largest_log_probability_difference"] = (ours_AT - logp_AT).abs().max().item()  # type: ignore[operator]
        rows = {}
        for phase, (operations, height) in work.phases().items():
            limit = operations / rate(step.model, height, clock)
            seconds = clock.seconds[phase]
            rows[phase] = {"s": seconds, "limit_s": limit, "of_limit": limit / seconds if seconds else None}
        total, operations = sum(clock.seconds.values()), sum(each for each, _ in work.phases().values())
        found[name] = {"s": total, "operations": operations, "phases": rows}
        if device != "cpu":
            card = torch.cuda.get_device_name()
            peak = next((value for key, value in PEAK_FLOPS.items() if key in card), None)
            found[name] |= {
                "peak_memory_gib": torch.cuda.max_memory_allocated() / 2**30,
                "sampled_tokens_per_s": 1.5 * N * step.length / clock.seconds["sampling"],
                "flop_utilisation": operations / total / peak if peak else None,
                "device": card,
            }
    if stock:
        allowed = found["stock"]["operations"] / found["ours"]["operations"]
        found |= {"ratio": found["stock"]["s"] / found["ours"]["s"], "ratio_of_operations": allowed}
    if before:
        seconds = step.transformers_sampling()
        found["sampling_before_s"] = seconds
        found["sampling_speedup"] = seconds / found["ours"]["phases"]["sampling"]["s"]
    return found


def main() -> None:
    """Measure the grid and store it, cell by cell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--visual-tokens", type=int, nargs="+", choices=FRAMES, default=[400, 800, 1600])
    parser.add_argument("--answer-tokens", type=int, nargs="+", default=[96, 256, 512])
    parser.add_argument("--towers", nargs="+", choices=["frozen", "trainable"], default=["frozen", "trainable"])
    parser.add_argument("--words", type=int, help="size of the vocabulary; by default that of a small tokenizer")
    parser.add_argument("--no-stock", action="store_true", help="measure our flow alone")
    parser.add_argument("--no-before", action="store_true", help="leave out sampling as transformers does it")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    tokenizer = train_tokenizer(lessons=20)
    model = build(given.shape, tokenizer, dtype, device, given.words)
    set_text_attention(model, BLOCKS if device == "cuda" else SEGMENTS)
    reference = copy.deepcopy(model)
    stored = json.loads(given.json.read_text()) if given.json and given.json.is_file() else {}
    cells: list[dict[str, Any]] = stored.get("cells", [])
    done = {(each["visual_tokens"], each["answer_tokens"], each["tower"]) for each in cells}
    for tower in given.towers:
        for visual in given.visual_tokens:
            for answer in given.answer_tokens:
                if (visual, answer, tower) in done:
                    continue
                step = Step(model, reference, tokenizer, answer, FRAMES[visual], 280, tower=tower == "trainable")
                cells.append(cell(step, device, stock=not given.no_stock, before=not given.no_before))
                print(json.dumps(cells[-1]), flush=True)
                head = {"shape": given.shape, "answers": N, "threads": torch.get_num_threads(), "phases": PHASES}
                keep({**head, "cells": cells}, given.json)


if __name__ == "__main__":
    main()
