"""Stage 3, united fine-tuning: the generator G and the assessor D are trained in alternation.

Round 1: G makes N clips per prompt, D judges all pairs, and the most and the least chosen clips become (win, lose): the
pairs C (Eq. 8); Eq. 9 trains G to G'. Round 2: G' makes new clips; the best of them is paired with the *old* loser,
which gives Ĉ; Ĉ and the data of stage 2 train D to D'; D' judges the new clips, and Eq. 9 trains G' to G''. Further
rounds repeat the second. ``make`` is that loop; ``plan`` lists the steps that are needed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.load import load_model
from vqinsight.common import lock
from vqinsight.common.files import write_atomic
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


def align(settings: AlignSettings, *, resume: bool = False) -> Path:
    """Run or resume stage 3; returns the folder of the last generator.

    Raises:
        UsageError: ``out`` holds a run and ``resume`` is off.
    """
    begun = settings.out.exists() and any(place.name != lock.FILE for place in settings.out.iterdir())
    if begun and not resume:
        raise UsageError(f"{settings.out} holds a run already. Go on with --resume, or choose another out.")
    return make(settings, f"round{settings.rounds}/generator")


def make(settings: AlignSettings, goal: str) -> Path:
    """Run the step ``goal``, such as ``"round2/generator"``, with every step that it needs; returns its artefact."""
    alternation = Alternation(settings, goal)
    generator: Path | str = settings.generator.name
    assessor: Path | str = settings.assessor.name
    pairs: Path | None = None
    for round_ in range(1, _round(goal) + 1):
        candidates = alternation.make_candidates(round_, generator)
        if pairs is not None and settings.update_assessor:
            new_over_old = alternation.pair_new_over_old(round_, candidates, assessor, pairs)  # Ĉ
            assessor = alternation.update_assessor(round_, assessor, new_over_old)  # D, D' ...
        pairs = alternation.judge_candidates(round_, candidates, assessor)  # C, Eq. 8
        generator = alternation.tune_generator(round_, generator, pairs)  # G', G'' ..., Eq. 9
    alternation.write_summary()
    return _final(alternation.artifacts.place(goal))


def plan(settings: AlignSettings, goal: str, exists: Callable[[str], bool]) -> list[str]:
    """The steps to run for ``goal``, in order, without existing artefacts and the steps only they depend on."""
    needed: list[str] = []

    def require(step: str) -> None:
        if exists(step) or step in needed:
            return
        for before in _made_from(settings, step):
            require(before)
        needed.append(step)

    require(goal)
    return needed


def _made_from(settings: AlignSettings, step: str) -> list[str]:
    round_, name = _round(step), step.partition("/")[2]
    learned = settings.update_assessor and round_ > 1
    last = f"round{round_ - 1}"
    generator = [f"{last}/generator"] if round_ > 1 else []
    last_assessor = [f"{last}/assessor"] if learned and round_ > 2 else []
    candidates = f"round{round_}/candidates"
    return {
        "candidates": generator,
        "improved": [candidates, *last_assessor, f"{last}/pairs"],
        "assessor": [*last_assessor, f"round{round_}/improved"],
        "pairs": [candidates, *([f"round{round_}/assessor"] if learned else [])],
        "generator": [*generator, f"round{round_}/pairs"],
    }[name]


class Alternation:
    """The steps of the loop: each returns the path of its artefact, and runs only if the plan contains it.

    Args:
        settings: of the run.
        goal: the last step to run.
    """

    def __init__(self, settings: AlignSettings, goal: str) -> None:
        self.settings = settings
        self.artifacts = Artifacts(settings.out, settings.reuse)
        self.steps = plan(settings, goal, self.artifacts.exists)

    @cached_property
    def prompts(self) -> list[str]:
        """The prompts, the same in every round."""
        return read_prompts(self.settings.prompts)

    def make_candidates(self, round_: int, generator: Path | str) -> Path:
        """N clips per prompt."""
        settings = self.settings

        def work(place: Path) -> dict[str, Any]:
            opened = open_generator(str(generator)).to(processes().device)
            seed, sampling = settings.seed + 1000 * round_, settings.generator.sampling()
            made = make_candidates(opened, self.prompts, settings.candidates, place, seed=seed, **sampling)
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
            "generator": settings.generator.model_dump(mode="json", exclude={"batch_size"}),
            "prompts": settings.prompts.model_dump(mode="json"),
            "candidates": settings.candidates,
            "seed": settings.seed,
            "reused": self.artifacts.reused(f"round{round_ - 1}/generator"),
        }
        return self._run(f"round{round_}/candidates", inputs, work)

    def pair_new_over_old(self, round_: int, candidates: Path, assessor: Path | str, old: Path) -> Path:
        """Ĉ: the best new clip of each prompt, by the previous round's assessor, over the old loser."""

        def work(place: Path) -> dict[str, Any]:
            judged = self._judge(candidates, assessor, place)
            pairs = new_over_old(judged.pairs, read_pairs(_file(old, PAIRS)).pairs)
            if not pairs:
                raise TrainingError(
                    f"{place}: no prompt has both a best new clip and an old loser ({judged.summary()})."
                )
            write_table(place / IMPROVED, pairs)
            return {"pairs": len(pairs), "left_out": dict(judged.left_out)}

        inputs = self._judging(round_, round_ - 1) | self.artifacts.reused(f"round{round_ - 1}/pairs")
        return self._run(f"round{round_}/improved", inputs, work)

    def update_assessor(self, round_: int, assessor: Path | str, improved: Path) -> Path:
        """D': the assessor is trained further on Ĉ and the data of stage 2, by the code of stage 2."""
        update = self.settings.assessor_update
        if update is None:  # for the type checker: the settings are validated
            raise UsageError("an assessor that learns between rounds needs [assessor_update]")

        def work(place: Path) -> dict[str, Any]:
            table = improved / IMPROVED
            changes = [*update.set, f"out={place}", f"model.name={assessor}"]
            if self.settings.assessor.template is not None:
                changes.append(f"model.template={self.settings.assessor.template}")
            stage2 = read_toml(TrainSettings, config_path(update.config), changes)
            if stage2.stage != "temporal":
                raise UsageError(f"{update.config} is of stage {stage2.stage!r}; the assessor goes on with 'temporal'.")
            new = DataSettings(dataset="table", dir=table, task="compare", weight=update.weight)
            stage2 = stage2.model_copy(update={"data": (*stage2.data, new)})
            run_stage2(stage2, resume=(place / "settings.json").is_file())
            return {"pairs": len(table.read_text(encoding="utf-8").splitlines())}

        inputs = {
            "assessor_update": update.model_dump(mode="json"),
            "assessor": self.settings.assessor.name,
            "reused": self.artifacts.reused(f"round{round_ - 1}/assessor", f"round{round_}/improved"),
        }
        return _final(self._run(f"round{round_}/assessor", inputs, work, alone=False))

    def judge_candidates(self, round_: int, candidates: Path, assessor: Path | str) -> Path:
        """C: the most and the least chosen clip of each prompt (Eq. 8)."""

        def work(place: Path) -> dict[str, Any]:
            judged = self._judge(candidates, assessor, place)
            said = agreement(place / PAIRS)
            if said:
                logger.info("%s", said)
            return {"pairs": len(judged.pairs), "left_out": dict(judged.left_out), "agreement": said}

        return self._run(f"round{round_}/pairs", self._judging(round_, round_), work)

    def tune_generator(self, round_: int, generator: Path | str, pairs: Path) -> Path:
        """G', G'' ...: the generator is trained on the round's pairs by Eq. 9."""
        settings, dpo = self.settings, self.settings.dpo_of(round_)

        def work(place: Path) -> dict[str, Any]:
            read = read_pairs(_file(pairs, PAIRS), per_prompt=dpo.pairs_per_prompt)
            final = train_dpo(open_generator(str(generator)), read, dpo, place, seed=settings.seed + round_)
            done: dict[str, Any] = json.loads((final / FINISHED).read_text(encoding="utf-8"))
            return done

        inputs = {
            "dpo": dpo.model_dump(mode="json"),
            "seed": settings.seed,
            "reused": self.artifacts.reused(f"round{round_ - 1}/generator", f"round{round_}/pairs"),
        }
        return _final(self._run(f"round{round_}/generator", inputs, work, alone=False))

    def write_summary(self) -> None:
        """Write ``summary.json``, the summaries of all finished steps."""
        if processes().is_main_process:
            summary = json.dumps(self.artifacts.summaries(), indent=2)
            write_atomic(self.settings.out / "summary.json", summary + "\n")

    def _run(
        self, name: str, inputs: dict[str, Any], work: Callable[[Path], dict[str, Any]], *, alone: bool = True
    ) -> Path:
        if name in self.steps or self.artifacts.exists(name):
            return self.artifacts.run(name, inputs, work, alone=alone)
        return self.artifacts.place(name)

    def _judge(self, candidates: Path, assessor: Path | str, place: Path) -> Pairs:
        settings = self.settings.assessor
        loaded = Assessor(
            load_model(str(assessor), template=settings.template, dtype=settings.dtype, on_message=logger.info)
        )
        asking = settings.model_dump(include={"mode", "check", "samples", "temperature"})
        return judge_all(loaded, read_candidates(candidates), place / PAIRS, seed=self.settings.seed, **asking)

    def _judging(self, clips: int, assessor: int) -> dict[str, Any]:
        """The inputs of verdicts on the clips of one round by the assessor of another."""
        return {
            "assessor": self.settings.assessor.model_dump(mode="json"),
            "learned": assessor > 1 and self.settings.update_assessor,
            "seed": self.settings.seed,
            "reused": self.artifacts.reused(f"round{clips}/candidates", f"round{assessor}/assessor"),
        }


def new_over_old(new: Sequence[Pair], old: Iterable[Pair]) -> list[Pair]:
    """Pairs of the new winner over the old loser, for prompts that have both."""
    losers = {pair.prompt: pair.lose for pair in old}
    return [Pair(pair.id, pair.prompt, pair.win, losers[pair.prompt]) for pair in new if pair.prompt in losers]


def _round(step: str) -> int:
    """2 of ``"round2/pairs"``."""
    return int(step.partition("/")[0].removeprefix("round"))


def _file(place: Path, name: str) -> Path:
    """A step's file; a reused artefact may be the file itself."""
    return place if place.is_file() else place / name


def _final(place: Path) -> Path:
    """A trained model: ``final`` in the step's folder; a reused artefact may be the model itself."""
    return place / "final" if (place / "final").is_dir() else place
