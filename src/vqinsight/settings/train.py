"""Settings of a training run: the defaults are the paper's, each with its equation. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from vqinsight.settings.reader import Settings

Scale = Literal["unit", "relative", "raw", "threshold"]  # of Eq. 3 and 6, see ``rewards.scoring``


class ModelSettings(Settings):
    """``[model]``: the initial assessor and which of its weights are trained.

    Attributes:
        name: ``nano``, a folder (such as the result of a stage), or a hub id.
        template: prompt set instead of the model's own: a name or a TOML file. The finished model keeps it.
        dtype: of the weights; ``auto`` is float32 on a CPU and bfloat16 on an accelerator.
        train_vision: whether the vision tower is trained too.
        lora_rank: 0 trains all weights of the language model; above 0 an adapter of this rank.
        lora_alpha: the adapter's scale.
        lora_targets: names of the layers that get one, as a regular expression on their full names, or peft's
            ``all-linear``.
        attention: transformers' ``sdpa`` or ``eager``; packed answers need a mask that flash attention 2 cannot take.
    """

    name: str = "nano"
    template: str | None = None
    dtype: str = "auto"
    train_vision: bool = False
    lora_rank: int = Field(default=0, ge=0)
    lora_alpha: int = Field(default=32, ge=1)
    lora_targets: str = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"
    attention: Literal["sdpa", "eager"] = "sdpa"


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
        dimension_weights: lambda_j of Eq. 6 by dimension; 1 by default.
        alpha, mu: of Eq. 4.
        correct: the bonus of Eq. 4 goes to answers whose reward by Eq. 3 or 6 is above this. On the unit scale nearly
            all rewards are above 0.1, and a bonus to all answers of a group cancels in Eq. 1.
        gamma, l_min, l_max: of Eq. 5, in tokens.
    """

    format: float = Field(default=1.0, ge=0)
    score: float = Field(default=1.0, ge=0)
    comparison: float = Field(default=1.0, ge=0)
    temporal: float = Field(default=1.0, ge=0)
    length: float = Field(default=1.0, ge=0)
    scale: Scale = "unit"
    dimension_weights: dict[str, float] = Field(default_factory=dict)
    alpha: float = Field(default=0.3, ge=0)
    mu: float = Field(default=0.8, ge=0)
    correct: float = Field(default=0.1, lt=1)
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
    """

    group_size: int = Field(default=8, ge=2)
    temperature: float = Field(default=1.0, gt=0)
    max_new_tokens: int = Field(default=1024, ge=1)
    delta: float = Field(default=0.2, gt=0)
    beta: float = Field(default=0.001, ge=0)
    anchor: Literal["answer", "reasoning"] = "answer"
    updates_per_rollout: int = Field(default=1, ge=1)


class TrainSettings(Settings):
    """A whole run.

    Attributes:
        stage: ``warmup`` (1), ``temporal`` (2), or ``sft``, the supervised baseline.
        out: folder for checkpoints, logs, samples and the finished model.
        seed: of data order and sampling.
        questions_per_update: over all processes together.
        answers_per_forward: answers per forward pass on each process; lower it to save memory. A group may
            span processes.
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
