"""What one card does in an update: lengths of sequences, how batches are cut, and how many updates there are."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from vqinsight.errors import UsageError
from vqinsight.settings.inference import InferenceSettings
from vqinsight.settings.shipped import config_path
from vqinsight.settings.train import DataSettings, TrainSettings
from vqinsight.tasks.types import TaskName
from vqinsight.training.plan.shapes import Shapes

Sharding = Literal["none", "fsdp2", "zero2", "zero3"]

TEXT_TOKENS = 320  # system message, question and the longest usual text prompt (about 100 words)
STAMP_TOKENS = 9  # of Qwen3-VL before each temporal patch: "<12.5 seconds>" and two markers
LABEL_TOKENS = 64  # of supervised fine-tuning: a JSON object with three numbers, in its tags
SELF_SIMILARITY, SCOPES = 1, 3  # further visual tokens of an instrument view for each sampled frame
BUCKET = 500_000_000  # elements: DeepSpeed's default of reduce_bucket_size

# Questions of the official downloads by (dataset, split), for the length of a run: docs/guides/data.md has the sources.
SIZES = {
    ("koniq", "training"): 7058,
    ("lsvq", "train"): 28_056,
    ("lgvq", "train"): 2250,
    ("visionreward", "regression"): 1795,
}
_TASKS: dict[str, TaskName] = {
    "koniq": "image",
    "lsvq": "natural",
    "live_vqc": "natural",
    "konvid": "natural",
    "fastvqa": "natural",
    "lgvq": "generated",
    "synthetic": "generated",
}  # others hold pairs, or anything: planned as pairs, the longest
_TEMPORAL: tuple[TaskName, ...] = ("natural", "generated", "yesno")  # also asked about a shuffled clip (Eq. 4)


@dataclass(frozen=True)
class Kind:
    """The questions of one ``[[data]]``.

    Attributes:
        task: what is asked.
        clips: in a question.
        prompt: tokens of a prompt, visual ones included.
        patches: of all clips of a question, the tokens of the vision tower.
        frame: patches of one temporal patch, which full attention is within.
        shuffled: whether half as many answers about a shuffled clip are sampled.
        share: of all questions of the run.
    """

    task: TaskName
    clips: int
    prompt: int
    patches: int
    frame: int
    shuffled: bool
    share: float


@dataclass(frozen=True)
class Workload:
    """The work of one process.

    Attributes:
        gpus, sharding: processes, one a card, and how weights are divided among them.
        half: bfloat16 computation, as on an accelerator; else float32 throughout.
        sampled: whether answers are sampled (GRPO) or given (SFT).
        kinds: of questions; memory is planned for the longest, time for their mean.
        passes: forward and backward passes in an update.
        rows: packed sequences in a pass, one a question.
        answers: answers in each.
        new_tokens: longest answer.
        mean_tokens: expected length of an answer, and ``most_tokens`` of the longest of a batch.
        decoded: answers that are sampled at once, without those about shuffled clips.
        reference: whether there is a frozen reference beside the policy.
        reference_pass: whether log-probabilities of a reference are computed, an adapter's base included.
        old_pass: whether those under the sampling policy are.
        reuse: updates that one rollout serves.
        checkpointing: whether activations are recomputed in the backward pass.
        train_vision: whether the vision tower learns.
        rank, adapter: LoRA's rank and number of parameters; 0 where all weights learn.
        bucket: elements of DeepSpeed's reduction buckets.
        updates: of the run; ``None`` where a dataset's size is not known.
    """

    gpus: int
    sharding: Sharding
    half: bool
    sampled: bool
    kinds: tuple[Kind, ...]
    passes: int
    rows: int
    answers: int
    new_tokens: int
    mean_tokens: int
    most_tokens: int
    decoded: int
    reference: bool
    reference_pass: bool
    old_pass: bool
    reuse: int
    checkpointing: bool
    train_vision: bool
    rank: int
    adapter: int
    bucket: int
    updates: int | None

    @property
    def prompt(self) -> int:
        """Tokens of the longest prompt."""
        return max(kind.prompt for kind in self.kinds)

    @property
    def packed(self) -> int:
        """Tokens of the longest packed sequence: a prompt and its answers."""
        return self.prompt + self.answers * self.new_tokens

    @property
    def cached(self) -> int:
        """Tokens in the key/value cache: each answer with its prompt, and half as many about the shuffled clip."""
        rows = ((self.decoded + (self.decoded + 1) // 2 * kind.shuffled, kind.prompt) for kind in self.kinds)
        return max(count * (prompt + self.new_tokens) for count, prompt in rows)


def workload(
    settings: TrainSettings, shapes: Shapes, look: InferenceSettings, gpus: int, sharding: Sharding | None = None
) -> Workload:
    """The work of one of ``gpus`` processes under these settings.

    Args:
        look: how the model is shown clips.
        sharding: instead of what ``trainer`` says; FSDP2 is otherwise chosen by accelerate's configuration, outside it.

    Raises:
        UsageError: an update cannot be cut into passes, or another stage of DeepSpeed.
    """
    grpo, sampled, at_once = settings.grpo, settings.stage != "sft", settings.answers_per_forward
    group = grpo.group_size if sampled else 1
    total = settings.questions_per_update * group
    if total % (at_once * gpus):
        raise UsageError(
            f"questions_per_update = {settings.questions_per_update} with {group} answers each cannot be cut into "
            f"passes of {at_once * gpus} (answers_per_forward = {at_once} on {gpus} processes)."
        )
    bounds = settings.rewards.l_min, settings.rewards.l_max  # what Eq. 5 draws the lengths to
    given = settings.model
    return Workload(
        gpus=gpus,
        sharding=sharding or sharding_of(settings.trainer),
        half=given.dtype != "float32" or bool(settings.trainer.get("bf16")),
        sampled=sampled,
        kinds=_kinds(settings, shapes, look),
        passes=total // (at_once * gpus),
        rows=math.ceil(at_once / group),
        answers=min(at_once, group),
        new_tokens=grpo.max_new_tokens if sampled else LABEL_TOKENS,
        mean_tokens=min(sum(bounds) // 2, grpo.max_new_tokens) if sampled else LABEL_TOKENS,
        most_tokens=min(bounds[1], grpo.max_new_tokens),
        # A group is graded as a whole, so a process samples at least its share of one.
        decoded=max(at_once, math.ceil(group / gpus)) if sampled else 0,
        reference=sampled and grpo.beta > 0 and not given.lora_rank,
        reference_pass=sampled and grpo.beta > 0,
        old_pass=sampled and grpo.updates_per_rollout > 1,
        reuse=grpo.updates_per_rollout if sampled else 1,
        checkpointing=bool(
            settings.trainer.get("activation_checkpointing") or settings.trainer.get("gradient_checkpointing")
        ),
        train_vision=given.train_vision,
        rank=given.lora_rank,
        adapter=shapes.adapter(given.lora_rank, given.lora_targets) if given.lora_rank else 0,
        bucket=_bucket(settings.trainer, shapes),
        updates=_updates(settings),
    )


def sharding_of(trainer: dict[str, Any]) -> Sharding:
    """How ``[trainer]`` divides the weights.

    Raises:
        UsageError: DeepSpeed with a stage that is not planned.
    """
    if trainer.get("deepspeed"):
        stage = _deepspeed(trainer).get("zero_optimization", {}).get("stage")
        if stage not in (2, 3):
            raise UsageError(f"trainer.deepspeed: stage {stage!r} is not planned. Known: 2 and 3.")
        return "zero2" if stage == 2 else "zero3"
    return "fsdp2" if trainer.get("fsdp") else "none"


def visual_tokens(shapes: Shapes, look: InferenceSettings, *, still: bool) -> tuple[int, int]:
    """Most visual tokens of a clip, and temporal patches of its overview.

    Each temporal patch of the overview has a token for every square of ``token_side`` pixels. Instruments add crops
    of two frames a patch: a token each, with those of the scopes and of self-similarity.
    """
    frames = 1 if still else look.frames or look.max_frames
    steps = math.ceil(frames / shapes.vision.temporal_patch)
    found = steps * max(look.max_pixels // shapes.vision.token_side**2, 1)
    if extra := look.instruments:
        found += frames * (extra.rows * extra.columns + SCOPES * extra.scopes + SELF_SIMILARITY * extra.self_similarity)
    return found, steps


def _kinds(settings: TrainSettings, shapes: Shapes, look: InferenceSettings) -> tuple[Kind, ...]:
    shares = [data.weight or _questions(data) or 1 for data in settings.data]
    stamps = STAMP_TOKENS if shapes.family == "qwen3_vl" else 0
    found = []
    frame = max(look.max_pixels // shapes.vision.token_side**2, 1) * shapes.vision.merge**2
    for data, share in zip(settings.data, shares, strict=True):
        task = _task(data)
        clips = 2 if task == "compare" else 1
        tokens, steps = visual_tokens(shapes, look, still=task == "image")
        shuffled = settings.stage == "temporal" and settings.rewards.temporal > 0 and task in _TEMPORAL
        prompt = clips * (tokens + steps * stamps) + TEXT_TOKENS
        patches = clips * tokens * shapes.vision.merge**2
        found.append(Kind(task, clips, prompt, patches, frame, shuffled, share / sum(shares)))
    return tuple(found)


def _task(data: DataSettings) -> TaskName:
    for task in get_args(TaskName):
        if data.task == task:
            return task
    return _TASKS.get(data.dataset, "compare")


def _questions(data: DataSettings) -> int | None:
    """Questions of one pass through the data, a pair in both orders; ``None`` where their number is not known."""
    size = SIZES.get((data.dataset, data.split or ""))
    if data.task == "yesno" and data.dataset == "visionreward":
        size = None  # thousands of videos with some twenty questions each
    count = data.count if size is None else min(data.count or size, max(size - data.start, 0))
    return None if count is None else count * (2 if _task(data) == "compare" else 1)


def _updates(settings: TrainSettings) -> int | None:
    """As ``training.data.mixture`` counts them."""
    if settings.updates is not None:
        return settings.updates
    counts = [_questions(data) for data in settings.data]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return None
    reuse = settings.grpo.updates_per_rollout if settings.stage != "sft" else 1
    return math.ceil(settings.epochs * sum(known) / settings.questions_per_update) * reuse


def _deepspeed(trainer: dict[str, Any]) -> dict[str, Any]:
    given = trainer["deepspeed"]
    if isinstance(given, dict):
        return given
    path = config_path(given)
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as JSON ({error}).") from error
    return found


def _bucket(trainer: dict[str, Any], shapes: Shapes) -> int:
    """Elements of a reduction bucket; transformers replaces ``auto`` by the square of the width."""
    if not trainer.get("deepspeed"):
        return BUCKET
    size = _deepspeed(trainer).get("zero_optimization", {}).get("reduce_bucket_size", BUCKET)
    return shapes.text.width**2 if size == "auto" else int(size)
