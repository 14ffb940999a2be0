"""What a card holds, item by item, as sums over shapes.

What learns has float32 master weights and is computed in bfloat16 under autocast; what is frozen is bfloat16. With
FSDP2 and ZeRO the masters are divided among the cards. In float32 (``half`` off) every number has 4 bytes.

For a 7B without sharding the states take 170 GB of each card; with weights, gradients, buckets and Adam's moments in
bfloat16 the same sums give 94. FSDP2 over eight cards: 17 GB of shards, and in a rollout 17 GB of the whole policy,
then of the whole reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from vqinsight.settings.train import LOGITS_CHUNK_BYTES
from vqinsight.training.plan.shapes import Shapes
from vqinsight.training.plan.workload import Workload

When = Literal["always", "rollout", "sampling", "reference", "update"]

LOGITS_HELD = 2  # float32 buffers of a chunk: log-probabilities and probabilities
SAMPLING_HELD = 4  # float32 rows of the vocabulary for each sampled answer: logits, scores, noise and their sum
LIVE = 1_000_000_000  # parameters that ZeRO-3 keeps gathered: DeepSpeed's stage3_max_live_parameters
DRIVER = 2e9  # bytes of CUDA's context, NCCL's buffers and what the allocator cannot use


@dataclass(frozen=True)
class Item:
    """Something that a card holds.

    Attributes:
        name: what it is.
        bytes: of one card.
        when: always; in a rollout, in its sampling, or in its passes without gradients; or in the passes of an update.
    """

    name: str
    bytes: float
    when: When


def peak(items: tuple[Item, ...]) -> float:
    """Most bytes at once: in a rollout the passes follow the sampling, and the update follows the rollout."""

    def held(when: When) -> float:
        return sum(item.bytes for item in items if item.when == when)

    return held("always") + max(held("rollout") + max(held("sampling"), held("reference")), held("update"))


@dataclass(frozen=True)
class Counts:
    """Parameters by their part in training.

    Attributes:
        learning, frozen: that get gradients, and others; with an adapter beside a trained tower its original stays.
        cast: of those that learn, the matrices that autocast keeps a bfloat16 copy of.
    """

    learning: int
    frozen: int
    cast: int


def counts(shapes: Shapes, work: Workload) -> Counts:
    """Parameters that learn and that do not."""
    text, tower = shapes.text, shapes.vision
    seen = tower.depth * tower.block_matrices + tower.merger * (1 + tower.deepstack) if work.train_vision else 0
    if work.rank:
        learning = work.adapter + (tower.parameters if work.train_vision else 0)
        return Counts(learning, shapes.parameters, work.adapter + seen)
    matrices = text.layers * text.layer_matrices + text.table
    if work.train_vision:
        return Counts(shapes.parameters, 0, matrices + seen)
    return Counts(text.parameters, tower.parameters, matrices)


def holdings(shapes: Shapes, work: Workload) -> tuple[Item, ...]:
    """Everything that a card holds; what takes nothing is left out."""
    found = (*_states(shapes, work), *_rollout(shapes, work), *_update(shapes, work))
    return tuple(item for item in found if item.bytes > 0)


def _states(shapes: Shapes, work: Workload) -> list[Item]:
    """Weights, gradients, optimizer, reference: what stays from update to update."""
    count, kept = counts(shapes, work), 2 if work.half else 4
    every, cards = count.learning + count.frozen, work.gpus
    masters = 4 * count.learning
    reference = kept * shapes.parameters if work.reference else 0
    if work.sharding in ("zero2", "zero3"):
        # DeepSpeed computes with a bfloat16 copy, divided only by ZeRO-3, and divides masters, gradients and moments.
        copy = kept * every / (cards if work.sharding == "zero3" else 1)
        # Gradients are reduced in bfloat16 and become float32 for the step.
        items = [("weights", copy + masters / cards), ("gradients", (kept + 4) * count.learning / cards)]
        # Two buckets, because reduction and backward pass overlap, and one to gather the new weights.
        items.append(("gradient buckets", 3 * kept * min(work.bucket, count.learning)))
        return _always([*items, ("optimizer", 2 * masters / cards), ("reference", reference)])
    shared = cards if work.sharding == "fsdp2" else 1
    weights = (masters + kept * count.frozen) / shared
    # DistributedDataParallel copies every gradient into a bucket, from which it is averaged.
    buckets = masters if work.sharding == "none" and cards > 1 else 0
    items = [("weights", weights), ("gradients", masters / shared), ("gradient buckets", buckets)]
    # AdamW keeps two moments for each parameter.
    return _always([*items, ("optimizer", 2 * masters / shared), ("reference", reference / shared)])


def _always(items: list[tuple[str, float]]) -> list[Item]:
    return [Item(name, size, "always") for name, size in items]


def _rollout(shapes: Shapes, work: Workload) -> list[Item]:
    """Encoding and sampling, then the passes of reference and old policy, which keep nothing for a backward pass."""
    kept, text = 2 if work.half else 4, shapes.text
    whole = kept * shapes.parameters
    items: list[Item] = []
    policy = Item("whole policy", whole + kept * work.adapter, "sampling")
    if work.sharding in ("fsdp2", "zero3"):  # grpo.unshard: answers differ in length, so no process may wait for others
        items.append(policy)
    # One whole model at a time; without a reference of its own the policy without its adapter is the reference.
    if work.sharding == "fsdp2" and work.reference:
        items.append(Item("whole reference", whole, "reference"))
    elif work.sharding in ("fsdp2", "zero3") and (work.old_pass or work.reference_pass):
        items.append(replace(policy, when="reference"))
    if work.sharding == "none" and work.half:
        items.append(Item("bfloat16 copy of the weights", 2 * counts(shapes, work).cast, "rollout"))
    tower = _tower_pass(shapes, work)
    if not work.sampled:
        return [*items, Item("activations", tower, "sampling")]
    # Keys and values of every layer.
    cache = 2 * text.layers * text.key_heads * text.head_width * kept * work.cached
    items.append(Item("key/value cache", cache, "sampling"))
    # A layer without gradients: stream and norm, and three of the feed-forward part's width.
    layer = 2 * (_stream(work) + kept) * text.width + 3 * kept * text.inner
    # The prompts are prefilled together, in order and shuffled.
    items.append(Item("activations", max(2 * work.rows * work.prompt * layer, tower), "sampling"))
    items.append(Item("logits", SAMPLING_HELD * 4 * text.vocabulary * work.decoded * 1.5, "sampling"))
    if work.reference_pass or work.old_pass:
        items.append(Item("activations", work.rows * work.packed * layer, "reference"))
        items.append(Item("attention mask", _masks(work, layers=1), "reference"))
        items.append(Item("logits", _logits(shapes, work), "reference"))
    return items


def _update(shapes: Shapes, work: Workload) -> list[Item]:
    """One forward and backward pass."""
    text, count, kept = shapes.text, counts(shapes, work), 2 if work.half else 4
    head = 0 if work.rank else text.table
    items: list[tuple[str, float]] = []
    if work.sharding == "none" and work.half:
        # Autocast keeps the casts of weights that learn until the forward pass is over.
        items.append(("bfloat16 copy of the weights", 2 * count.cast))
    if work.sharding == "fsdp2":
        # The layer that computes, the next on its way, embedding and head; and the gradients of a layer and the head.
        gathered = 2 * text.layer + text.table * (1 if text.tied else 2) + (0 if work.rank else text.layer + head)
        items.append(("gathered layers", kept * gathered))
    if work.sharding == "zero3":
        items.append(("gathered layers", kept * min(LIVE, shapes.parameters)))
    items.append(("activations", activation_bytes(shapes, work)))
    items.append(("attention mask", _masks(work, layers=1 if work.checkpointing else text.layers)))
    items.append(("logits", _logits(shapes, work)))
    # A chunk's gradient of the head, in float32, before it is added to the others.
    items.append(("head's gradient in flight", 4 * head))
    return [Item(name, size, "update") for name, size in items]


def activation_bytes(shapes: Shapes, work: Workload) -> float:
    """What the backward pass needs of the forward pass, without masks and logits.

    Checkpointing keeps the input of every layer and the insides of one.
    """
    text, tokens = shapes.text, work.rows * work.packed
    inside = layer_bytes(shapes, work)
    stream = _stream(work)
    layers = text.layers * stream * text.width + inside if work.checkpointing else text.layers * inside
    ends = 4 * text.width + stream * text.width * (not work.rank)  # the final norm
    rotations = 2 * stream * text.head_width
    answers = (2 if work.half else 4) * text.width * work.rows * work.answers * work.new_tokens  # the head's inputs
    found = tokens * (layers + ends + rotations) + answers
    if work.train_vision:
        found += work.rows * max(kind.patches for kind in work.kinds) * tower_bytes(shapes, work)
    return float(found)


def layer_bytes(shapes: Shapes, work: Workload) -> float:
    """Bytes a token that one decoder layer saves for its backward pass.

    A norm saves its input in float32, and its normalised input if it learns. A linear map saves its input: of those
    that share one, autocast and adapters make a copy each. Attention saves queries, keys and values, repeated for all
    heads, its output, and a logarithm a head. The feed-forward part saves gate, activated gate, their partner and the
    product. Norms of queries and keys (Qwen3) save as the others do.
    """
    text, kept, stream = shapes.text, 2 if work.half else 4, _stream(work)
    queries, keys = text.heads * text.head_width, text.key_heads * text.head_width
    learns = not work.rank
    norms = 2 * (4 * text.width + stream * text.width * learns + 4)
    shared = stream == kept and not (work.rank and work.half)
    inputs = (2 if shared else 5) * kept * text.width
    attention = 4 * kept * queries + 4 * text.heads
    if text.query_norm:
        attention += (queries + keys) * (4 + kept * learns) + 4 * (text.heads + text.key_heads)
    if work.rank:
        inputs += len(text.linears) * kept * work.rank
    return norms + inputs + attention + 4 * kept * text.inner


def tower_bytes(shapes: Shapes, work: Workload) -> float:
    """Bytes a patch that the vision tower saves: its pixels, all blocks or with checkpointing their inputs and one, and
    in each merger a norm and the linear maps.
    """
    tower, kept, block = shapes.vision, 2 if work.half else 4, block_bytes(shapes, work)
    blocks = tower.depth * _stream(work) * tower.width + block if work.checkpointing else tower.depth * block
    pixels = 4 * 3 * tower.temporal_patch * tower.patch**2
    return pixels + blocks + (1 + tower.deepstack) * (4 + 3 * kept) * tower.width


def block_bytes(shapes: Shapes, work: Workload) -> float:
    """Bytes a patch that one vision block saves, as ``layer_bytes``.

    Attention saves the common map's outputs, which hold the values, turned queries and keys, and its output twice: a
    piece a window, and all together. A norm without its own normalised input is torch's.
    """
    tower, kept = shapes.vision, 2 if work.half else 4
    norms = 2 * (4 + (_stream(work) if tower.gated else 0) + kept) * tower.width
    return norms + 7 * kept * tower.width + (4 if tower.gated else 2) * kept * tower.inner


def _stream(work: Workload) -> int:
    """Bytes of a number between layers: that of the embedding's weights, which autocast leaves alone."""
    return 2 if work.half and (work.rank or work.sharding != "none") else 4


def _tower_pass(shapes: Shapes, work: Workload) -> float:
    """One block of the tower over the patches of a pass's clips; shuffled frames are encoded as well."""
    patches = work.rows * max(kind.patches * (1 + kind.shuffled) for kind in work.kinds)
    return patches * block_bytes(shapes, work)


def _masks(work: Workload, *, layers: int) -> int:
    """The dense block mask: a byte for each two tokens of a row, and as a number for each layer that is kept.

    Flex attention's block mask and attention segment by segment need less; what is planned holds for all.
    """
    return work.rows * work.packed**2 * (1 + layers * (2 if work.half else 4))


def _logits(shapes: Shapes, work: Workload) -> int:
    """A chunk of answer tokens over the whole vocabulary."""
    whole = 4 * shapes.text.vocabulary * work.rows * work.answers * work.new_tokens
    return LOGITS_HELD * min(LOGITS_CHUNK_BYTES, whole)
