"""What stage 3 can be told: defaults are the paper's, with the equation beside each. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from vqinsight.settings.dpo import DpoSettings
from vqinsight.settings.reader import Settings


class GeneratorSettings(Settings):
    """``[generator]``: the one to begin with.

    Attributes:
        name: ``nano``, a folder, or a hub id.
        steps, guidance: of sampling, instead of its own.
        batch_size: clips that are sampled together: the knob for memory.
    """

    name: str = "nano"
    steps: int | None = Field(default=None, ge=1)
    guidance: float | None = Field(default=None, ge=0)
    batch_size: int = Field(default=8, ge=1)

    def sampling(self) -> dict[str, Any]:
        """What ``make_candidates`` takes of them."""
        return self.model_dump(include={"steps", "guidance", "batch_size"})


class AssessorSettings(Settings):
    """``[assessor]``: who judges.

    Attributes:
        name: ``nano``, a folder (stage 2's, say), or a hub id.
        dtype: of the weights; ``auto`` is float32 on a CPU and bfloat16 on an accelerator.
        mode: ``all`` pairs (Eq. 8), a best-and-worst ``tournament`` (3N/2 comparisons), or ``scores``: the highest and
            the lowest.
        check: of a tournament, prompts a round that are judged by all pairs too, to see how far both agree.
        samples, temperature: answers a question and order; one is the most likely.
    """

    name: str = "nano"
    dtype: str = "auto"
    mode: Literal["all", "tournament", "scores"] = "all"
    check: int = Field(default=20, ge=0)
    samples: int = Field(default=1, ge=1)
    temperature: float = Field(default=1.0, gt=0)


class PromptSettings(Settings):
    """``[prompts]``: what clips are made from, the same in every round.

    Attributes:
        file: a text file, one prompt a line.
        dataset: or ``synthetic``, captions that the embedded generator knows, or ``vidprom``, downloaded to ``dir``.
        split: of ``synthetic``: captions that the embedded generator was trained on, or others.
        count: how many; by default all of a file, 100 of the synthetic set.
        seed: which of them.
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
    """``[assessor_update]``: how the assessor goes on learning: stage 2, with the new pairs among its data.

    Attributes:
        config: stage 2's TOML file; ``out`` and ``model.name`` in it do not count.
        set: changes to it, as on the command line: ``"updates=60"``.
        weight: share of the new pairs beside the weights of that file's data.
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
        rounds: how often the generator learns.
        update_assessor: whether the assessor learns between two rounds.
        candidates: N of Eq. 8.
        dpo_later: what differs from ``dpo`` from the second round on.
        reuse: artefacts that exist already, in the place of steps: ``"round1/pairs" = "mine.jsonl"``.
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
        if not isinstance(first, dict) or not isinstance(later, dict):  # not given, or pydantic says what is wrong
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
        """How the generator learns in a round, counted from 1."""
        return self.dpo if round_ == 1 or self.dpo_later is None else self.dpo_later


def _as_set(settings: Any) -> Any:
    """What was set, by name."""
    return settings.model_dump(exclude_unset=True) if isinstance(settings, DpoSettings) else settings
