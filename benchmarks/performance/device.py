"""Checks for a machine with a GPU, on random weights of real shapes; ``device.sh`` runs them all.

* ``equality``: log-probabilities of packed answers on the device against the CPU, in float32, with ``sdpa`` and with
  flex attention, and the noise of sampling.
* ``training``: float32 masters under bfloat16 autocast, AdamW at 1e-6: the share of weights that two updates move, peak
  memory beside what ``vqinsight plan`` says of the same settings, and the longest group of 8 answers that fits.

On a CPU the script itself can be tried: ``SHAPES=tiny bash benchmarks/performance/device.sh``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from benchmarks.performance.step_flows import SHAPES, Clock, N, Step, build
from benchmarks.results import store
from vqinsight.assessor.attention import BLOCKS, SEGMENTS, set_text_attention
from vqinsight.assessor.noise import gumbel_noise
from vqinsight.assessor.packing import answer_logprobs, pack
from vqinsight.nano.assessor.tokenizer import train_tokenizer

PLANNED = {"3b": "3b/stage2_natural", "7b": "7b/stage2_natural"}
LENGTHS = (256, 512, 1024, 2048, 4096)


def name_of(device: str) -> str:
    """The card's name, or the device's."""
    return torch.cuda.get_device_name() if device == "cuda" else device


def equality(device: str) -> dict[str, Any]:
    """Largest differences between device and CPU."""
    tokenizer = train_tokenizer(lessons=20)
    found: dict[str, Any] = {"device": name_of(device)}
    answers = [[100 + (7 * row + token) % 300 for token in range(5 + 11 * row)] for row in range(N)]

    def logp(where: str, attention: str) -> torch.Tensor:
        model = build("tiny", tokenizer, torch.float32, "cpu").to(where)
        step = Step(model, None, tokenizer, 8, 8, 280, tower=False)
        set_text_attention(model, attention)
        packed = pack(model, [step.prompt], [answers], step.pad_id).to(model.device)
        patches = torch.cat([view.patches for view in step.views]).to(where)
        with torch.no_grad():
            return answer_logprobs(model, packed, pixel_values_videos=patches)[0].cpu()

    plain = logp("cpu", "sdpa")
    for attention in ("sdpa", SEGMENTS, BLOCKS):
        found[f"log_probability_{attention}"] = (logp(device, attention) - plain).abs().max().item()
    place = torch.device(device)
    noise = gumbel_noise([1, 2], 3, 152_064, place).cpu() - gumbel_noise([1, 2], 3, 152_064, torch.device("cpu"))
    found["noise"] = noise.abs().max().item()
    return found


def training(shape: str, device: str) -> dict[str, Any]:
    """Two updates, their memory, and how long the answers of a group may be."""
    tokenizer = train_tokenizer(lessons=20)
    model = build(shape, tokenizer, torch.float32, device, 151_936)
    model.model.visual.to(torch.bfloat16)
    set_text_attention(model, BLOCKS if device == "cuda" else SEGMENTS)
    model.gradient_checkpointing_enable({"use_reentrant": False})
    model.train()
    learned = [each for name, each in model.named_parameters() if "visual" not in name]
    step = Step(model, None, tokenizer, 8, 16, 280, tower=False)
    model.model.visual.requires_grad_(False)
    optimizer = torch.optim.AdamW(learned, lr=1e-6)
    before = [each.detach().to("cpu", copy=True) for each in learned]
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()

    def update(length: int) -> None:
        said = torch.randint(100, 600, (N, length)).tolist()
        packed = pack(model, [step.prompt], [said], step.pad_id).to(model.device)
        patches = torch.cat([view.patches for view in step.views]).to(device)
        with torch.autocast(device, torch.bfloat16):
            logp_AT, _ = answer_logprobs(model, packed, pixel_values_videos=patches)
        (logp_AT.mean(1) * torch.linspace(-1, 1, N, device=device)).sum().backward()

    touched = [torch.zeros_like(each, dtype=torch.bool) for each in before]
    clock = Clock(device)
    with clock.phase("updates"):
        for _ in range(2):
            update(256 if device == "cuda" else 8)
            for mask, each in zip(touched, learned, strict=True):
                mask |= (each.grad != 0).cpu()
            optimizer.step()
            optimizer.zero_grad()
    pairs = zip(before, touched, learned, strict=True)
    moved = sum(int(((old != new.detach().cpu()) & mask).sum()) for old, mask, new in pairs)
    found: dict[str, Any] = {
        "device": name_of(device),
        "shape": shape,
        "share_moved": moved / sum(int(mask.sum()) for mask in touched),
        "seconds_of_two_updates": clock.seconds["updates"],
    }
    if device != "cuda":
        return found
    found["peak_bytes"] = torch.cuda.max_memory_allocated()
    if shape in PLANNED:
        from vqinsight.training.plan import hardware, plan_file

        sets = ["grpo.beta=0", "grpo.max_new_tokens=256"]
        planned = plan_file(PLANNED[shape], hardware(1, torch.cuda.mem_get_info()[1] / 1e9), sets)
        found["planned_items"] = {f"{item.when}: {item.name}": item.bytes for item in planned.items}
    longest = 0
    for length in LENGTHS:
        try:
            update(length)
        except torch.OutOfMemoryError:
            break
        longest = length
        model.zero_grad()
    return found | {"longest_group": longest}


def main() -> None:
    """Run one of the checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=["equality", "training"])
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    store(equality(device) if given.check == "equality" else training(given.shape, device), given.json)


if __name__ == "__main__":
    main()
