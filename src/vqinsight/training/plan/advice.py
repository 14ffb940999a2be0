"""The plan of a run: memory against a card, time, and the setting to change where it does not fit."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vqinsight.errors import UsageError
from vqinsight.settings.align import AlignSettings
from vqinsight.settings.inference import InferenceSettings
from vqinsight.settings.reader import read_toml
from vqinsight.settings.shipped import config_path
from vqinsight.settings.train import DataSettings, TrainSettings
from vqinsight.training.plan.duration import CARDS, Card, Phase, Rates, phases, rates
from vqinsight.training.plan.known import find_shapes
from vqinsight.training.plan.memory import DRIVER, Item, holdings, peak
from vqinsight.training.plan.shapes import Shapes
from vqinsight.training.plan.workload import Sharding, Workload, workload

FSDP2 = 'accelerate launch --config_file "$(vqinsight configs distributed/fsdp2.yaml)"'
NOT_COVERED = (
    "Of stage 3 this is the assessor's update. Making clips, judging them and the generator's DPO are not covered: "
    "generators' shapes are not known here."
)


@dataclass(frozen=True)
class Hardware:
    """What a run is planned for.

    Attributes:
        gpus: cards, one process each.
        gigabytes: of each, in 10^9 bytes.
        card: whose rates are taken.
        rates: sustained.
    """

    gpus: int
    gigabytes: float
    card: Card
    rates: Rates


@dataclass(frozen=True)
class Plan:
    """What a run takes.

    Attributes:
        model: whose shapes are taken.
        shapes, work, hardware: what is planned.
        items: what a card holds.
        phases: of an update.
        changes: settings that together make it fit, the fewest that were found; empty where it fits, and ``None``
            where nothing tried does.
        note: what is not covered.
    """

    model: str
    shapes: Shapes
    work: Workload
    hardware: Hardware
    items: tuple[Item, ...]
    phases: tuple[Phase, ...]
    changes: tuple[str, ...] | None = ()
    note: str = ""

    @property
    def peak(self) -> float:
        """Most bytes of a card, with what the driver takes."""
        return peak(self.items) + DRIVER

    @property
    def fits(self) -> bool:
        """Whether a card holds it."""
        return self.peak <= self.hardware.gigabytes * 1e9

    @property
    def seconds(self) -> float:
        """Of an update."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def days(self) -> float | None:
        """Of the run; ``None`` where the number of its updates is not known."""
        return None if self.work.updates is None else self.work.updates * self.seconds / 86_400


@dataclass(frozen=True)
class _Case:
    """Settings with which a run is planned, and the changes that led there."""

    settings: TrainSettings
    look: InferenceSettings
    sharding: Sharding | None
    changes: tuple[str, ...] = ()


def hardware(
    gpus: int, gigabytes: float, card: str | None = None, tflops: float | None = None, tokens: float | None = None
) -> Hardware:
    """Cards and their rates; without a name the rates are those of the smallest known card with that memory.

    Raises:
        UsageError: an unknown card.
    """
    if card is not None and card not in CARDS:
        raise UsageError(f"--card {card}: not known. Choose from {', '.join(CARDS)}, or give --tflops.")
    enough = [each for each in CARDS.values() if each.gigabytes >= gigabytes]
    chosen = CARDS[card] if card else (enough or list(CARDS.values())[-1:])[0]
    return Hardware(gpus, gigabytes, chosen, rates(chosen, tflops, tokens))


def plan_file(
    config: str,
    given: Hardware,
    changes: Sequence[str] = (),
    *,
    model: str | None = None,
    sharding: Sharding | None = None,
) -> Plan:
    """Plan a training, or of an alignment the assessor's update.

    Args:
        config: a TOML file, or the name of one that ships.
        changes: ``key=value`` each, as for ``vqinsight train``.
        model: whose shapes are taken instead of those of ``model.name``.
        sharding: instead of what the settings say.

    Raises:
        UsageError: wrong settings, or nothing to plan.
    """
    path = config_path(config)
    if _is_alignment(path.read_text(encoding="utf-8-sig"), str(path)):
        align = read_toml(AlignSettings, path, changes)
        update = align.assessor_update
        if align.rounds < 2 or not align.update_assessor or update is None:
            raise UsageError(f"{config}: no assessor is trained by these settings. {NOT_COVERED}")
        settings = read_toml(TrainSettings, config_path(update.config), update.set)
        pairs = DataSettings(dataset="table", task="compare", weight=update.weight)  # as training.stage3_united adds
        settings = settings.model_copy(update={"data": (*settings.data, pairs)})
        found = plan_training(settings, given, model=model or align.assessor.name, sharding=sharding)
        return replace(found, note=NOT_COVERED)
    return plan_training(read_toml(TrainSettings, path, changes), given, model=model, sharding=sharding)


def plan_training(
    settings: TrainSettings, given: Hardware, *, model: str | None = None, sharding: Sharding | None = None
) -> Plan:
    """Plan a training, and look for what to change where it does not fit."""
    name, shapes, look = find_shapes(model or settings.model.name)
    start = _Case(settings, look, sharding)
    found = _planned(start, name, shapes, given)
    return found if found.fits else replace(found, changes=_advice(start, name, shapes, given))


def _planned(case: _Case, name: str, shapes: Shapes, given: Hardware) -> Plan:
    work = workload(case.settings, shapes, case.look, given.gpus, case.sharding)
    return Plan(name, shapes, work, given, holdings(shapes, work), phases(shapes, work, given.rates), case.changes)


def _advice(start: _Case, name: str, shapes: Shapes, given: Hardware) -> tuple[str, ...] | None:
    """The first single change that makes it fit, else the first pair, and so on; ``None`` where all together do not.

    Changes that cost only time stand before those that change what is learned.
    """
    kinds = (_checkpointing, _fewer_answers, _fsdp2, _adapter, _shorter_answers, _fewer_frames)
    for number in range(1, len(kinds) + 1):
        for chosen in itertools.combinations(kinds, number):
            cases = [start]
            for change in chosen:
                cases = [changed for case in cases for changed in change(case, given)]
            for case in cases:
                try:
                    if _planned(case, name, shapes, given).fits:
                        return case.changes
                except UsageError:  # batches that cannot be cut so
                    continue
    return None


def _checkpointing(case: _Case, given: Hardware) -> Iterator[_Case]:  # noqa: ARG001 - one signature for all
    trainer = case.settings.trainer
    if not trainer.get("activation_checkpointing"):
        yield _with(
            case, "trainer.activation_checkpointing=true", trainer={**trainer, "activation_checkpointing": True}
        )


def _fewer_answers(case: _Case, given: Hardware) -> Iterator[_Case]:  # noqa: ARG001
    fewer = case.settings.answers_per_forward // 2
    while fewer >= 1:
        yield _with(case, f"answers_per_forward={fewer}", answers_per_forward=fewer)
        fewer //= 2


def _fsdp2(case: _Case, given: Hardware) -> Iterator[_Case]:
    if given.gpus > 1 and case.sharding in (None, "none") and not case.settings.trainer.get("deepspeed"):
        yield replace(case, sharding="fsdp2", changes=(*case.changes, f"FSDP2: {FSDP2}"))


def _adapter(case: _Case, given: Hardware) -> Iterator[_Case]:  # noqa: ARG001
    model = case.settings.model
    if not model.lora_rank:
        yield _with(case, "model.lora_rank=16", model=model.model_copy(update={"lora_rank": 16}))


def _shorter_answers(case: _Case, given: Hardware) -> Iterator[_Case]:  # noqa: ARG001
    grpo = case.settings.grpo
    if case.settings.stage != "sft" and grpo.max_new_tokens > 512:
        yield _with(case, "grpo.max_new_tokens=512", grpo=grpo.model_copy(update={"max_new_tokens": 512}))


def _fewer_frames(case: _Case, given: Hardware) -> Iterator[_Case]:  # noqa: ARG001
    if (case.look.frames or case.look.max_frames) > 8:
        look = case.look.model_copy(update={"max_frames": 8, "frames": None})
        yield replace(case, look=look, changes=(*case.changes, "max_frames = 8 in the model's vqinsight.json"))


def _with(case: _Case, change: str, **values: object) -> _Case:
    """A case with a setting changed, named as after ``--set``."""
    return replace(case, settings=case.settings.model_copy(update=values), changes=(*case.changes, f"--set {change}"))


def _is_alignment(text: str, source: str) -> bool:
    try:
        return tomllib.loads(text).get("stage") == "united"
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source}: cannot be read as TOML ({error}).") from error
