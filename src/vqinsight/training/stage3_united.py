"""Stage 3, united fine-tuning: the generator G and the assessor D teach each other in turns.

Round 1: G makes N clips a prompt, D judges all pairs, the most and the least chosen become (win, lose): the pairs C
(Eq. 8); Eq. 9 turns G into G'. Round 2: G' makes new clips; the best of them is paired with the *old* loser, which
gives Ĉ; Ĉ and the data of stage 2 turn D into D'; D' judges the new clips, and Eq. 9 turns G' into G''. Further rounds
repeat the second.

Each method below is one artefact and names those that it is made from, so the last one calls for all before it, and
what is finished or taken from elsewhere calls for nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.load import load_model
from vqinsight.datasets.rows import read_json_lines
from vqinsight.errors import TrainingError, UsageError
from vqinsight.generator.candidates import make_candidates
from vqinsight.generator.dpo_trainer import FINISHED, train_dpo
from vqinsight.generator.load import open_generator
from vqinsight.ranking.candidate_folders import MADE, read_candidates
from vqinsight.ranking.pairs_file import Pair, Pairs, agreement, judge_all, read_pairs, write_table
from vqinsight.settings.align import AlignSettings
from vqinsight.settings.reader import read_toml
from vqinsight.settings.shipped import config_path
from vqinsight.settings.train import DataSettings, TrainSettings
from vqinsight.training.artifacts import Artifacts
from vqinsight.training.prompts import read_prompts
from vqinsight.training.run import processes
from vqinsight.training.stage2_temporal import run_stage2

logger = logging.getLogger(__name__)

PAIRS = "pairs.jsonl"
IMPROVED = "improved.jsonl"  # Ĉ, as a table of the comparison task


class United:
    """The alternation; every method returns the place of its artefact and makes it only where it is missing."""

    def __init__(self, settings: AlignSettings) -> None:
        self.settings = settings
        self.steps = Artifacts(settings.out, settings.reuse)

    @cached_property
    def prompts(self) -> list[str]:
        """What clips are made from, in every round."""
        return read_prompts(self.settings.prompts)

    def generator(self, round_: int) -> Path | str:
        """G, G', G'' …: the one of round n learned from the pairs of round n by Eq. 9."""
        settings = self.settings
        if round_ == 0:
            return settings.generator.name
        dpo = settings.dpo_of(round_)

        def learn(place: Path) -> dict[str, Any]:
            before, file = self.generator(round_ - 1), _file(self.pairs(round_), PAIRS)
            pairs = read_pairs(file, per_prompt=dpo.pairs_per_prompt)
            final = train_dpo(open_generator(str(before)), pairs, dpo, place, seed=settings.seed + round_)
            done: dict[str, Any] = json.loads((final / FINISHED).read_text(encoding="utf-8"))
            return done

        taken = self.steps.taken(f"round{round_ - 1}/generator", f"round{round_}/pairs")
        inputs = {"dpo": dpo.model_dump(mode="json"), "seed": settings.seed, "taken": taken}
        return _final(self.steps.run(f"round{round_}/generator", inputs, learn, alone=False))

    def candidates(self, round_: int) -> Path:
        """N clips a prompt, made by the generator of the round before."""
        settings = self.settings

        def make(place: Path) -> dict[str, Any]:
            generator = open_generator(str(self.generator(round_ - 1))).to(processes().device)
            seed, sampling = settings.seed + 1000 * round_, settings.generator.sampling()
            made = make_candidates(generator, self.prompts, settings.candidates, place, seed=seed, **sampling)
            rows = [row.values for row in read_json_lines(place / MADE)]
            spread = [row["diversity"] for row in rows if row["diversity"] is not None]
            bad = [reason for row in rows for reason in row["bad"].values()]
            return {
                "prompts": len(made),
                "clips": sum(len(group.paths) for group in made),
                "bad": {reason: bad.count(reason) for reason in sorted(set(bad))},
                "diversity": sum(spread) / len(spread) if spread else None,
            }

        inputs = {
            "generator": settings.generator.model_dump(mode="json", exclude={"at_once"}),
            "prompts": settings.prompts.model_dump(mode="json"),
            "candidates": settings.candidates,
            "seed": settings.seed,
            "taken": self.steps.taken(f"round{round_ - 1}/generator"),
        }
        return self.steps.run(f"round{round_}/candidates", inputs, make)

    def assessor(self, round_: int) -> Path | str:
        """D, D' …: from the second round on it learned from Ĉ and the data of stage 2, by stage 2's own code."""
        settings = self.settings
        if round_ == 1 or not settings.update_assessor:
            return settings.assessor.name
        assessor_update = settings.assessor_update
        if assessor_update is None:  # the settings' own check lets none pass
            raise UsageError("an assessor that learns between rounds needs [teach]")

        def learn(place: Path) -> dict[str, Any]:
            table, weight = self.improved(round_) / IMPROVED, assessor_update.weight
            changes = [*assessor_update.set, f"out={place}", f"model.name={self.assessor(round_ - 1)}"]
            stage2 = read_toml(TrainSettings, config_path(assessor_update.config), changes)
            if stage2.stage != "temporal":
                raise UsageError(
                    f"{assessor_update.config} is of stage {stage2.stage!r}; the assessor goes on with 'temporal'."
                )
            new = DataSettings(dataset="table", dir=table, task="compare", weight=weight)
            stage2 = stage2.model_copy(update={"data": (*stage2.data, new)})
            run_stage2(stage2, resume=(place / "settings.json").is_file())
            return {"pairs": len(table.read_text(encoding="utf-8").splitlines())}

        taken = self.steps.taken(f"round{round_ - 1}/assessor", f"round{round_}/improved")
        inputs = {"teach": assessor_update.model_dump(mode="json"), "assessor": settings.assessor.name, "taken": taken}
        return _final(self.steps.run(f"round{round_}/assessor", inputs, learn, alone=False))

    def improved(self, round_: int) -> Path:
        """Ĉ: the best new clip of each prompt, as the assessor of the round before sees it, over the old loser."""

        def pair(place: Path) -> dict[str, Any]:
            judged = self._judge(round_, place, self.assessor(round_ - 1))
            old = read_pairs(_file(self.pairs(round_ - 1), PAIRS))
            pairs = new_over_old(judged.pairs, old.pairs)
            if not pairs:
                raise TrainingError(
                    f"{place}: no prompt has both a best new clip and an old loser ({judged.summary()})."
                )
            write_table(place / IMPROVED, pairs)
            return {"pairs": len(pairs), "left_out": dict(judged.left_out)}

        taken = self.steps.taken(f"round{round_ - 1}/pairs")
        return self.steps.run(f"round{round_}/improved", self._judging(round_, round_ - 1) | taken, pair)

    def pairs(self, round_: int) -> Path:
        """C: the most and the least chosen clip of each prompt (Eq. 8), judged by the round's assessor."""

        def judge(place: Path) -> dict[str, Any]:
            judged = self._judge(round_, place, self.assessor(round_))
            said = agreement(place / PAIRS)
            if said:
                logger.info("%s", said)
            return {"pairs": len(judged.pairs), "left_out": dict(judged.left_out), "agreement": said}

        return self.steps.run(f"round{round_}/pairs", self._judging(round_, round_), judge)

    def _judge(self, round_: int, place: Path, name: Path | str) -> Pairs:
        settings = self.settings.assessor
        groups = read_candidates(self.candidates(round_))
        assessor = Assessor(load_model(str(name), dtype=settings.dtype, on_message=logger.info))
        asking = settings.model_dump(include={"mode", "check", "samples", "temperature"})
        return judge_all(assessor, groups, place / PAIRS, seed=self.settings.seed, **asking)

    def _judging(self, clips: int, assessor: int) -> dict[str, Any]:
        """What verdicts on the clips of one round by the assessor of another depend on."""
        return {
            "assessor": self.settings.assessor.model_dump(mode="json"),
            "learned": assessor > 1 and self.settings.update_assessor,
            "seed": self.settings.seed,
            "taken": self.steps.taken(f"round{clips}/candidates", f"round{assessor}/assessor"),
        }


def new_over_old(new: Sequence[Pair], old: Iterable[Pair]) -> list[Pair]:
    """Pairs of the new winner over the old loser, for prompts that have both."""
    losers = {pair.prompt: pair.lose for pair in old}
    return [Pair(pair.id, pair.prompt, pair.win, losers[pair.prompt]) for pair in new if pair.prompt in losers]


def align(settings: AlignSettings, *, resume: bool = False) -> Path:
    """Run stage 3, or go on with it; returns the folder of the last generator.

    Raises:
        UsageError: ``out`` holds a run and ``resume`` is off.
    """
    if settings.out.exists() and any(settings.out.iterdir()) and not resume:
        raise UsageError(f"{settings.out} holds a run already. Go on with --resume, or choose another out.")
    united = United(settings)
    final = united.generator(settings.rounds)
    if processes().is_main_process:
        summary = json.dumps(united.steps.summaries(), indent=2)
        (settings.out / "summary.json").write_text(summary + "\n", encoding="utf-8")
    return Path(final)


def _file(place: Path, name: str) -> Path:
    """A step's file; what was taken from elsewhere may be the file itself."""
    return place if place.is_file() else place / name


def _final(place: Path) -> Path:
    """A trained model: in ``final`` of the step's folder; what was taken from elsewhere may be the model itself."""
    return place / "final" if (place / "final").is_dir() else place
