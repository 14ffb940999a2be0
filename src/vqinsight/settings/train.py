"""Settings of a training run: the defaults are the paper's, each with its equation. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from vqinsight.settings.reader import Settings

Scale = Literal["unit", "relative", "raw", "threshold"]  # of Eq. 3 and 6, see ``rewards.scoring``
Combine = Literal["mean", "sum"]  # of the dimensions in Eq. 6
RELEASED_ABOVE = 0.1  # what a reward exceeds in the released code to earn the bonus of Eq. 4


LOGITS_CHUNK_BYTES = 2**27  # of float32 logits that exist at once where log-probabilities are computed


class ModelSettings(Settings):
    """``[model]``: the initial assessor and which of its weights are trained.

    Attributes:
        name: ``nano``, a folder (such as the result of a stage), or a hub id.
        template: prompt set instead of the model's own: a name or a TOML file. The finished model keeps it.
        dtype: of the passes and the frozen weights; ``auto`` is float32 on a CPU and bfloat16 on an accelerator.
            Learned weights are float32 always: bfloat16 does not resolve updates of 1e-6.
        train_vision: whether the vision tower is trained too.
        lora_rank: 0 trains all weights of the language model; above 0 an adapter of this rank.
        lora_alpha: the adapter's scale.
        lora_targets: names of the layers that get one, as a regular expression on their full names, or peft's
            ``all-linear``.
        attention: of packed answers, whose mask no flash attention takes: ``flex``, which trains on accelerators only,
            ``segments``, each answer by itself, or with a dense mask ``sdpa`` or ``eager``; ``auto`` is flex on CUDA,
            else segments.
    """

    name: str = "nano"
    template: str | None = None
    dtype: str = "auto"
    train_vision: bool = False
    lora_rank: int = Field(default=0, ge=0)
    lora_alpha: int = Field(default=32, ge=1)
    lora_targets: str = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"
    attention: Literal["auto", "flex", "segments", "sdpa", "eager"] = "auto"


class DataSettings(Settings):
    """One ``[[data]]``: a dataset and its share of the questions.

    Attributes:
        dataset: a name that ``vqinsight data check`` knows, or ``synthetic``.
        dir: folder of its download; a file for ``table``; nothing for ``synthetic``.
        task: for datasets with several tasks: ``image``, ``natural``, ``generated``, ``compare`` or ``yesno``.
        split: of the dataset; by default its training split.
        weight: its share of the questions; by default its number of questions, where a pair counts as two.
        start, count: for ``synthetic`` the clips' seeds; for others, a slice of the examples.
    """

    dataset: str
    dir: Path | None = None
    task: str | None = None
    split: str | None = None
    weight: float | None = Field(default=None, gt=0)
    start: int = Field(default=0, ge=0)
    count: int | None = Field(default=None, ge=1)


class RewardSettings(Settings):
    """``[rewards]``: weights of the parts and parameters of the equations. A weight of 0 leaves a part out.

    Attributes:
        format, score, comparison, temporal, length: weights.
        scale: of Eq. 3 and 6.
        combine: the dimensions in Eq. 6: their ``mean`` as in the released code, or their ``sum`` as in the paper.
        dimension_weights: lambda_j of Eq. 6 by dimension; 1 by default.
        alpha, mu: of Eq. 4.
        rule: who earns the bonus of Eq. 4. ``share`` compares shares of correct answers; ``answer`` weighs each answer
            by its error; ``likelihood`` compares each answer's probability in order and shuffled, without shuffled
            answers; ``released`` is the released code's.
        tolerance: a score is correct for Eq. 4 within this share of the range; ``answer`` measures errors by it.
        shuffle: of Eq. 4: ``frames`` before anything is computed from them, which takes a second encoding, or the
            visual ``tokens``, which may carry time in themselves.
        gamma, l_min, l_max: of Eq. 5, in tokens.
    """

    format: float = Field(default=1.0, ge=0)
    score: float = Field(default=1.0, ge=0)
    comparison: float = Field(default=1.0, ge=0)
    temporal: float = Field(default=1.0, ge=0)
    length: float = Field(default=1.0, ge=0)
    scale: Scale = "unit"
    combine: Combine = "mean"
    dimension_weights: dict[str, float] = Field(default_factory=dict)
    alpha: float = Field(default=0.3, ge=0)
    mu: float = Field(default=0.8, ge=0)
    rule: Literal["share", "answer", "likelihood", "released"] = "share"
    tolerance: float = Field(default=0.1, gt=0, le=1)
    shuffle: Literal["frames", "tokens"] = "frames"
    gamma: float = Field(default=0.1, ge=0)
    l_min: int = Field(default=320, ge=0)
    l_max: int = Field(default=512, ge=1)


class GrpoSettings(Settings):
    """``[grpo]``: sampling and Eq. 2.

    Attributes:
        group_size: N of Eq. 1, answers per question.
        temperature: of sampling, and of the log-probabilities.
        max_new_tokens: longest answer.
        delta: clipping range of Eq. 2.
        beta: weight of the KL term of Eq. 2; 0 needs no reference.
        anchor: tokens of the KL term: the whole ``answer`` (Eq. 2), or only its ``reasoning``, which leaves the scores
            and choices after it unconstrained.
        updates_per_rollout: how often a batch of answers is used; the clipping only acts above 1.
        rollout_tokens: most tokens that each process samples at once, prompts and answers; lower it to save memory.
    """

    group_size: int = Field(default=8, ge=2)
    temperature: float = Field(default=1.0, gt=0)
    max_new_tokens: int = Field(default=1024, ge=1)
    delta: float = Field(default=0.2, gt=0)
    beta: float = Field(default=0.001, ge=0)
    anchor: Literal["answer", "reasoning"] = "answer"
    updates_per_rollout: int = Field(default=1, ge=1)
    rollout_tokens: int = Field(default=131_072, ge=1)


class TrainSettings(Settings):
    """A whole run.

    Attributes:
        stage: ``warmup`` (1), ``temporal`` (2), or ``sft``, the supervised baseline.
        out: folder for checkpoints, logs, samples and the finished model.
        seed: of data order and sampling.
        questions_per_update: over all processes together.
        answers_per_forward: answers per forward pass on each process; lower it to save memory. A group may
            span passes and processes.
        updates: number of weight updates; by default as many as ``epochs`` need.
        epochs: passes through the data; each asks a pair in both orders.
        learning_rate: at its peak.
        max_failed: share of questions with unreadable clips above which the run stops.
        samples_every: updates between two entries in ``samples.md``.
        save_every: updates between checkpoints.
        log_every: updates between log entries and checks of the rewards.
        workers: processes that decode clips in advance.
        trainer: further arguments of transformers' ``TrainingArguments``: ``deepspeed``, ``fsdp``, ``report_to``,
            ``activation_checkpointing``, ``bf16``, …
    """

    stage: Literal["warmup", "temporal", "sft"]
    out: Path
    seed: int = Field(default=0, ge=0)
    questions_per_update: int = Field(default=16, ge=1)
    answers_per_forward: int = Field(default=8, ge=1)
    updates: int | None = Field(default=None, ge=1)
    epochs: float = Field(default=3.0, gt=0)
    learning_rate: float = Field(default=1e-6, gt=0)
    max_failed: float = Field(default=0.05, ge=0, le=1)
    samples_every: int = Field(default=20, ge=1)
    save_every: int = Field(default=100, ge=1)
    log_every: int = Field(default=5, ge=1)
    workers: int = Field(default=0, ge=0)
    model: ModelSettings = ModelSettings()
    data: tuple[DataSettings, ...] = Field(min_length=1)
    rewards: RewardSettings = RewardSettings()
    grpo: GrpoSettings = GrpoSettings()
    trainer: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> TrainSettings:
        if self.save_every % self.grpo.updates_per_rollout:
            raise ValueError(
                f"save_every = {self.save_every} must be a multiple of grpo.updates_per_rollout = "
                f"{self.grpo.updates_per_rollout}: a rollout cannot be resumed in the middle"
            )
        return self
