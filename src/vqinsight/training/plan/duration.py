"""How long an update takes: operations over a card's rate, and bytes over its bandwidth.

A forward pass multiplies every token with every matrix once: 2 operations a weight. The backward pass does twice
that, or once where weights are frozen and only the tokens' gradients are needed. Recomputed activations are a further
forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vqinsight.training.plan.memory import counts
from vqinsight.training.plan.shapes import Shapes
from vqinsight.training.plan.workload import Kind, Workload

USED = 0.4  # share of a card's peak that training reaches
STREAMED = 0.6  # share of its bandwidth that decoding reaches
LAUNCH = 1e-3  # seconds to start the kernels of one decoder layer: small batches cannot decode faster


@dataclass(frozen=True)
class Card:
    """An accelerator, by its manufacturer's figures.

    Attributes:
        name: as on the command line.
        gigabytes: of memory.
        tflops: dense bfloat16 operations a second, in 10^12.
        bandwidth: of memory, in 10^9 bytes a second.
        link: to other cards in one direction, in 10^9 bytes a second: NVLink, or PCIe where there is none.
    """

    name: str
    gigabytes: float
    tflops: float
    bandwidth: float
    link: float


CARDS = {
    card.name: card
    for card in (
        Card("rtx4090", 24, 165, 1008, 25),
        Card("l40s", 48, 362, 864, 25),
        Card("a100", 80, 312, 2039, 300),
        Card("h100", 80, 989, 3350, 450),
        Card("h200", 141, 989, 4800, 450),
    )
}


@dataclass(frozen=True)
class Rates:
    """What a card does.

    Attributes:
        tflops: sustained operations a second, in 10^12.
        bandwidth, link: sustained bytes a second, in 10^9.
        tokens: sampled tokens a second and card, all answers together; ``None`` derives them from the bandwidth.
    """

    tflops: float
    bandwidth: float
    link: float
    tokens: float | None = None


def rates(card: Card, tflops: float | None = None, tokens: float | None = None) -> Rates:
    """A card's sustained rates, or those given."""
    return Rates(tflops or USED * card.tflops, STREAMED * card.bandwidth, card.link, tokens)


@dataclass(frozen=True)
class Phase:
    """A part of an update, in seconds of one card."""

    name: str
    seconds: float


def phases(shapes: Shapes, work: Workload, rate: Rates) -> tuple[Phase, ...]:
    """The parts of an update; cards work side by side, so one card's seconds are the update's."""
    speed, text = rate.tflops * 1e12, shapes.text
    packed = work.passes * work.rows * _mean(work, lambda kind: _packed(shapes, work, kind))
    head = 2.0 * text.table * work.passes * work.rows * work.answers * work.mean_tokens
    clips = work.passes * work.rows * _mean(work, lambda kind: kind.patches * _patch(shapes, kind))
    found = []
    if work.sampled:
        rounds = work.passes * work.rows * work.answers / work.decoded / work.reuse
        once = _mean(work, lambda kind: (1 + kind.shuffled) * _prefill(shapes, kind))
        again = _mean(work, lambda kind: (1 + kind.shuffled) * kind.patches * _patch(shapes, kind))
        found.append(Phase("clips and prompts", rounds * work.rows * (once + again) / speed))
        found.append(Phase("sampling", rounds * _decode(shapes, work, rate)))
        if others := work.reference_pass + work.old_pass:
            found.append(Phase("reference", others * (packed + head) / speed / work.reuse))
    else:
        found.append(Phase("clips and prompts", clips / speed))
    backward = 1 if work.rank else 2
    recomputed = 1 if work.checkpointing else 0
    # The head's logits are recomputed in any case, chunk by chunk.
    passes = packed * (1 + backward + recomputed) + head * (2 + backward)
    if work.train_vision:
        passes += clips * (3 + recomputed)
    found.append(Phase("forward and backward", passes / speed))
    if work.gpus > 1:
        found.append(Phase("between cards", _traffic(shapes, work) / (rate.link * 1e9)))
    return tuple(found)


def spelled(days: float) -> str:
    """A duration as a reader wants it: ``2.8 days``, ``14 hours``, ``25 minutes``."""
    if days >= 1:
        return f"{days:.1f} days" if days < 10 else f"{days:.0f} days"
    hours = 24 * days
    return f"{hours:.0f} hours" if hours >= 1.5 else f"{60 * hours:.0f} minutes"


def _mean(work: Workload, value: Callable[[Kind], float]) -> float:
    """Over the questions of the run."""
    return float(sum(kind.share * value(kind) for kind in work.kinds))


def _attention(shapes: Shapes, pairs: float) -> float:
    """Operations on pairs of a query and a key: scores and weighted sum, 2 each a number, in every layer."""
    return 4.0 * shapes.text.layers * shapes.text.heads * shapes.text.head_width * pairs


def _prefill(shapes: Shapes, kind: Kind) -> float:
    text = shapes.text
    return 2.0 * text.layers * text.layer_matrices * kind.prompt + _attention(shapes, kind.prompt**2 / 2)


def _packed(shapes: Shapes, work: Workload, kind: Kind) -> float:
    """A forward pass over a prompt and its answers, which see the prompt and themselves, without the head."""
    text, length = shapes.text, work.mean_tokens
    answers = 2.0 * text.layers * text.layer_matrices * work.answers * length
    pairs = work.answers * (length * kind.prompt + length**2 / 2)
    return _prefill(shapes, kind) + answers + _attention(shapes, pairs)


def _patch(shapes: Shapes, kind: Kind) -> float:
    """Operations of the vision tower on one patch: matrices, and attention to its window or its frame."""
    tower = shapes.vision
    matrices = tower.depth * tower.block_matrices + 3 * tower.temporal_patch * tower.patch**2 * tower.width
    merging = (1 + tower.deepstack) * tower.merger / tower.merge**2
    frame = kind.frame
    window = min((tower.window // tower.patch) ** 2, frame) if tower.window else frame
    pairs = tower.full * frame + (tower.depth - tower.full) * window
    return 2.0 * (matrices + merging) + 4.0 * tower.width * pairs


def _decode(shapes: Shapes, work: Workload, rate: Rates) -> float:
    """Seconds to sample a batch of answers, until the longest ends.

    A step reads the weights and the cache; it takes as long as the slowest of memory, arithmetic and kernel starts.
    """
    text = shapes.text
    rows = _mean(work, lambda kind: work.decoded + (work.decoded + 1) // 2 * kind.shuffled)
    if rate.tokens:
        return rows * work.mean_tokens / rate.tokens
    kept = 2 if work.half else 4
    matrices = text.layers * text.layer_matrices + text.table
    length = _mean(work, lambda kind: kind.prompt) + work.most_tokens / 2
    cache = 2.0 * text.layers * text.key_heads * text.head_width * kept * rows * length
    memory = (kept * matrices + cache) / (rate.bandwidth * 1e9)
    arithmetic = (2 * matrices * rows + _attention(shapes, rows * length)) / (rate.tflops * 1e12)
    return work.most_tokens * max(memory, arithmetic, LAUNCH * text.layers)


def _traffic(shapes: Shapes, work: Workload) -> float:
    """Bytes that a card receives in an update."""
    kept, learning = 2 if work.half else 4, counts(shapes, work).learning
    whole = kept * shapes.parameters
    share = (work.gpus - 1) / work.gpus
    if work.sharding == "none":  # every gradient is summed and handed round, once an update
        return 2 * 4 * learning * share
    if work.sharding == "zero2":  # gradients after each pass, and the new weights
        return (work.passes + 1) * kept * learning * share
    # Weights for the forward and the backward pass, gradients after it; and everything once for the rollout.
    gathered = work.passes * (2 * whole + kept * learning)
    rollout = (whole * (1 + (work.reference and work.sharding == "fsdp2"))) / work.reuse
    return (gathered + rollout) * share
