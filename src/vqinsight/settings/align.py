"""Settings of stage 3: the defaults are the paper's, each with its equation. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from vqinsight.settings.dpo import DpoSettings
from vqinsight.settings.reader import Settings


class GeneratorSettings(Settings):
    """``[generator]``: the initial generator.

    Attributes:
        name: ``nano``, a folder, or a hub id.
        steps, guidance: of sampling; by default the generator's own.
        batch_size: clips that are sampled together; lower it to save memory.
    """

    name: str = "nano"
    steps: int | None = Field(default=None, ge=1)
    guidance: float | None = Field(default=None, ge=0)
    batch_size: int = Field(default=8, ge=1)

    def sampling(self) -> dict[str, Any]:
        """The arguments for ``make_candidates``."""
        return self.model_dump(include={"steps", "guidance", "batch_size"})


class AssessorSettings(Settings):
    """``[assessor]``: the assessor that judges candidates.

    Attributes:
        name: ``nano``, a folder (such as the result of stage 2), or a hub id.
        template: prompt set instead of the model's own: a name or a TOML file.
        dtype: of the weights; ``auto`` is float32 on a CPU and bfloat16 on an accelerator.
        mode: ``all`` pairs (Eq. 8), a best-and-worst ``tournament`` (3N/2 comparisons), or ``scores``: the highest and
            the lowest.
        check: with a tournament, prompts per round that are also judged by all pairs, to measure the agreement.
        samples, temperature: answers per question and order; 1 takes the most likely answer.
    """

    name: str = "nano"
    template: str | None = None
    dtype: str = "auto"
    mode: Literal["all", "tournament", "scores"] = "all"
    check: int = Field(default=20, ge=0)
    samples: int = Field(default=1, ge=1)
    temperature: float = Field(default=1.0, gt=0)


class PromptSettings(Settings):
    """``[prompts]``: the prompts of the clips, the same in every round.

    Attributes:
        file: a text file, one prompt a line.
        dataset: or ``synthetic``, the embedded generator's captions, or ``vidprom``, downloaded to ``dir``.
        split: of ``synthetic``: captions that the embedded generator is trained on, or held-out ones.
        count: number of prompts; by default all of a file, 100 of the synthetic set.
        seed: selects the prompts.
    """

    file: Path | None = None
    dataset: Literal["synthetic", "vidprom"] | None = None
    dir: Path | None = None
    split: Literal["train", "held_out"] = "train"
    count: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one(self) -> PromptSettings:
        if (self.file is None) == (self.dataset is None):
            raise ValueError("name either file or dataset")
        return self


class AssessorUpdateSettings(Settings):
    """``[assessor_update]``: training of the assessor between rounds: stage 2 with the new pairs among its data.

    Attributes:
        config: stage 2's TOML file; its ``out`` and ``model.name`` are ignored.
        set: changes to it, as on the command line: ``"updates=60"``.
        weight: of the new pairs, relative to the weights of that file's data.
    """

    config: Path
    set: tuple[str, ...] = ()
    weight: float = Field(default=3.0, gt=0)


class AlignSettings(Settings):
    """A whole alternation of generator and assessor.

    ``rounds = 1`` is plain offline DPO; ``rounds = 2`` with ``update_assessor = false`` is the paper's "without united
    fine-tuning" (Tables 5 and 6); ``rounds = 2`` is its united fine-tuning.

    Attributes:
        stage: ``united`` (3).
        out: folder for everything that is made.
        seed: of clips, of pairs' order, t and noise.
        rounds: how often the generator is trained.
        update_assessor: whether the assessor is trained between two rounds.
        candidates: N of Eq. 8.
        dpo_later: changes to ``dpo`` from the second round on.
        reuse: existing artefacts that replace steps: ``"round1/pairs" = "mine.jsonl"``.
    """

    stage: Literal["united"]
    out: Path
    seed: int = Field(default=0, ge=0)
    rounds: int = Field(default=2, ge=1)
    update_assessor: bool = True
    candidates: int = Field(default=10, ge=2)
    generator: GeneratorSettings = GeneratorSettings()
    assessor: AssessorSettings = AssessorSettings()
    prompts: PromptSettings
    dpo: DpoSettings = DpoSettings()
    dpo_later: DpoSettings | None = None
    assessor_update: AssessorUpdateSettings | None = None
    reuse: dict[str, Path] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _later_begins_with_the_first(cls, values: dict[str, Any]) -> dict[str, Any]:
        first, later = _as_set(values.get("dpo", {})), _as_set(values.get("dpo_later"))
        if not isinstance(first, dict) or not isinstance(later, dict):  # not given, or rejected by pydantic
            return values
        return {**values, "dpo_later": {**first, **later}}

    @model_validator(mode="after")
    def _fits(self) -> AlignSettings:
        if self.rounds > 1 and self.update_assessor and self.assessor_update is None:
            raise ValueError(
                "an assessor that learns between rounds needs [assessor_update], or set update_assessor = false"
            )
        return self

    def dpo_of(self, round_: int) -> DpoSettings:
        """The settings of the generator's training in a round, counted from 1."""
        return self.dpo if round_ == 1 or self.dpo_later is None else self.dpo_later


def _as_set(settings: Any) -> Any:
    """The values that are set explicitly, by name."""
    return settings.model_dump(exclude_unset=True) if isinstance(settings, DpoSettings) else settings
