"""The effect of united fine-tuning, measured by the oracle: python -m benchmarks.method.united nano/stage3

G, offline DPO (G'), DPO twice with the same assessor, united (G''), with ``--comparing`` united with D' comparing where
D scores, with ``--set rounds=3`` a third round of each; the same DPO with the oracle's preferences as the upper bound,
and with random pairs as the control. Then the assessor before and after (D, D') on pairs of this generator's clips, and
the quality of the pairs that either selects for training. New clips of held-out prompts, sampled like the candidates or
with ``--guidance``, the same seeds for every generator; 95 % bootstrap intervals over prompts, differences paired by
prompt. No training but the bound's uses the oracle. An interrupted run resumes.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.method.learning import share
from benchmarks.results import keep
from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.load import load_model
from vqinsight.evaluation.metrics.bootstrap import Bootstrap, mean, paired
from vqinsight.generator.candidates import make_candidates
from vqinsight.generator.latents import read_clip
from vqinsight.generator.load import open_generator
from vqinsight.ranking.by_score import best_and_worst_score
from vqinsight.ranking.candidate_folders import MADE, Candidates, read_candidates
from vqinsight.ranking.judge import judge_pairs
from vqinsight.ranking.pairs_file import Pair, read_pairs
from vqinsight.settings.align import AlignSettings, GeneratorSettings, PromptSettings
from vqinsight.settings.reader import read_toml
from vqinsight.synthetic.oracle import measure
from vqinsight.training.artifacts import Artifacts
from vqinsight.training.prompts import read_prompts
from vqinsight.training.stage3_united import PAIRS, make, new_over_old

DIMENSIONS = ("overall", "spatial", "temporal", "alignment")
MARGIN = 5.0  # least difference in oracle points between two clips with a meaningful order
PROMPTS_SEED, CLIPS_SEED = 7, 70_000
COMPARED = "united, D' compares"
ROUNDS = ("one round", "two rounds", "three rounds")
ORDER = (
    *("G", *(f"by lot, {rounds}" for rounds in ROUNDS)),
    *("offline DPO (G')", "without united", "united (G'')", COMPARED),
    *("without united, three rounds", "united, three rounds"),
    *(f"oracle, {rounds}" for rounds in ROUNDS),
)
BASES = ("G", "by lot, two rounds", "offline DPO (G')", "without united", "without united, three rounds")
PRINTED = ("generators", "differences", "assessor_difference", "chosen")
CAPTIONS = 178  # held out; the simple synthetic set has no more


def oracle(groups: Sequence[Candidates]) -> list[list[dict[str, float]]]:
    """The oracle's scores of every prompt's clips, on all cores."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(_oracle, groups, chunksize=4))


def _oracle(group: Candidates) -> list[dict[str, float]]:
    torch.set_num_threads(1)
    return [measure(read_clip(path), group.prompt).scores for path in group.paths]


def oracle_pairs(groups: Sequence[Candidates], file: Path) -> Path:
    """Best over worst of each prompt by the oracle, as a pairs file."""
    return file if file.is_file() else write_pairs(groups, [[m["overall"] for m in of] for of in oracle(groups)], file)


def lot_pairs(groups: Sequence[Candidates], file: Path, seed: int) -> Path:
    """Random pairs of each prompt's clips, as a pairs file."""
    rng = np.random.default_rng((seed, len(groups)))
    return file if file.is_file() else write_pairs(groups, [rng.random(len(of.paths)).tolist() for of in groups], file)


def write_pairs(groups: Sequence[Candidates], scores: Sequence[Sequence[float]], file: Path) -> Path:
    """A row for each prompt, as ``judge_all`` writes it by scores."""
    lines = []
    for group, given in zip(groups, scores, strict=True):
        ends = best_and_worst_score(given)
        if ends is not None:
            paths = [str(Path(path).resolve()) for path in group.paths]
            win, lose = (paths[place] for place in ends)
            row = {"id": group.id, "prompt": group.prompt, "candidates": paths, "scores": given}
            lines.append(json.dumps(row | {"win": win, "lose": lose}) + "\n")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(lines), encoding="utf-8")
    return file


def variants(settings: AlignSettings, *, comparing: bool) -> dict[str, str]:
    """The folder of each generator; later ones reuse the artefacts of earlier ones."""
    out = settings.out
    united = settings.model_copy(update={"out": out / "united"})
    found = {"G": settings.generator.name, "united (G'')": str(make(united, "round2/generator"))}
    found["offline DPO (G')"] = str(make(united, "round1/generator"))
    made = out / "united"
    reuse = {
        "round1/generator": made / "round1" / "generator",
        "round2/candidates": made / "round2" / "candidates",
        "round2/pairs": made / "round2" / "improved",  # the same assessor and clips
    }
    without = settings.model_copy(update={"out": out / "without", "update_assessor": False, "reuse": reuse})
    found["without united"] = str(make(without, "round2/generator"))
    if settings.rounds >= len(ROUNDS):
        found["without united, three rounds"] = str(make(without, "round3/generator"))
        found["united, three rounds"] = str(make(united, "round3/generator"))
    for name, choose in (("oracle", oracle_pairs), ("by lot", partial(lot_pairs, seed=settings.seed))):
        place = name.replace(" ", "_")
        given = settings.model_copy(update={"out": out / place, "update_assessor": False, "reuse": {}})
        for round_, rounds in enumerate(ROUNDS[: settings.rounds], start=1):
            fresh = read_candidates(make(united if round_ == 1 else given, f"round{round_}/candidates"))
            pairs = choose(fresh, out / f"{place}_pairs_{round_}.jsonl")
            given = given.model_copy(update={"reuse": {**given.reuse, f"round{round_}/pairs": pairs}})
            found[f"{name}, {rounds}"] = str(make(given, f"round{round_}/generator"))
    if comparing:
        reuse = {f"round2/{step}": made / "round2" / step for step in ("candidates", "assessor")}
        reuse["round1/generator"] = made / "round1" / "generator"
        asked = settings.assessor.model_copy(update={"mode": "all", "samples": 1})
        compared = settings.model_copy(update={"out": out / "compared", "assessor": asked, "reuse": reuse})
        found[COMPARED] = str(make(compared, "round2/generator"))
    return found


def held_out_prompts(count: int) -> list[str]:
    """Every held-out caption once, then the same ones asking for a clean and smooth clip."""
    wanted = PromptSettings(dataset="synthetic", split="held_out", count=min(count, CAPTIONS), seed=PROMPTS_SEED)
    captions = read_prompts(wanted)
    return [*captions, *(f"{caption}, clean and smooth" for caption in captions)][:count]


def examine(name: str, prompts: Sequence[str], clips: int, folder: Path, settings: GeneratorSettings) -> dict[str, Any]:
    """New clips of one generator, sampled by ``settings``: (prompts,) means of each dimension, diversity."""
    groups = make_candidates(open_generator(name), prompts, clips, folder, seed=CLIPS_SEED, **settings.sampling())
    scores = oracle(groups)
    rows = [json.loads(line) for line in (folder / MADE).read_text(encoding="utf-8").splitlines()]
    return {
        "means": {
            key: np.array([np.mean([each[key] for each in of]) if of else np.nan for of in scores])
            for key in DIMENSIONS
        },
        "diversity": [row["diversity"] for row in rows if row["diversity"] is not None],
        "bad": sum(len(row["bad"]) for row in rows),
        "groups": groups,
        "scores": scores,
    }


def accuracy(model: str, found: dict[str, Any]) -> dict[str, Any]:
    """How often an assessor names the better of a prompt's first two clips in both orders; a tie is wrong."""
    assessor = Assessor(load_model(model))
    right, decided, missing = [], 0, 0
    for group, scores in zip(found["groups"], found["scores"], strict=True):
        if len(scores) < 2 or abs(scores[0]["overall"] - scores[1]["overall"]) < MARGIN:
            continue
        clips = [assessor.encode(assessor.clips.load(path)) for path in group.paths[:2]]
        (judged,) = judge_pairs(assessor, clips, [(0, 1)], group.prompt)
        label = "A" if scores[0]["overall"] > scores[1]["overall"] else "B"
        choice = judged.verdict.choice if judged.verdict else None
        right.append(float(choice == label))
        decided += choice in ("A", "B")
        missing += choice is None
    measured = asdict(share(right)) if len(right) > 1 else {"value": None, "interval": None}
    return {"pairs": len(right), "decided": decided, "missing": missing, "right": right, "accuracy": measured}


def sheet(sides: Sequence[Sequence[Candidates]], file: Path, prompts: int = 8) -> None:
    """A picture of the first clip of the first prompts: one row per prompt, every other frame, side by side."""
    rows = [
        np.concatenate([frame for of in row for frame in read_clip(of.paths[0])[::2]], 1)
        for row in zip(*(side[:prompts] for side in sides), strict=True)
    ]
    picture = Image.fromarray(np.concatenate(rows))
    picture.resize((2 * picture.width, 2 * picture.height), Image.Resampling.NEAREST).save(file)


def chosen(pairs: Sequence[Pair]) -> dict[str, Any]:
    """For the training pairs, best over worst: how often the oracle agrees, and the mean difference."""
    scores = oracle([Candidates(pair.id, pair.prompt, (pair.win, pair.lose)) for pair in pairs])
    apart = {key: [win[key] - lose[key] for win, lose in scores] for key in DIMENSIONS}
    right = [float(of > 0) for of in apart["overall"]]
    gaps = {key: asdict(share(of)) for key, of in apart.items()}
    return {"pairs": len(pairs), "right": asdict(share(right)), "apart": gaps}


def main() -> None:
    """Run what is missing, measure, print, and with ``--json`` store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--clips", type=int, default=2, help="a prompt and generator")
    parser.add_argument("--guidance", type=float, help="of the fresh clips, where not the candidates' own")
    parser.add_argument("--comparing", action="store_true", help="also: D' compares where D scored")
    parser.add_argument("--sheet", type=Path, help="a picture of clips of G, at the left, and of G''")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = read_toml(AlignSettings, given.config, given.set)
    generators = variants(settings, comparing=given.comparing)
    prompts, fresh = held_out_prompts(given.prompts), settings.generator
    if given.guidance is not None:
        fresh = fresh.model_copy(update={"guidance": given.guidance})
    examined = settings.out / f"examined_{given.prompts}_guidance_{fresh.guidance}"
    found = {
        name: examine(place, prompts, given.clips, examined / re.sub(r"\W+", "_", name), fresh)
        for name, place in generators.items()
    }
    if given.sheet:
        sheet([found[name]["groups"] for name in ("G", "united (G'')")], given.sheet)
    order = [name for name in ORDER if name in found]
    rows = {name: row(found[name]) for name in order}
    united = settings.model_copy(update={"out": settings.out / "united"})
    assessors = {"D": settings.assessor.name, "D'": str(make(united, "round2/assessor"))}
    right = {
        name: {source: accuracy(model, found[source]) for source in ("G", "offline DPO (G')")}
        for name, model in assessors.items()
    }
    taught = {"C, by D": "round1/pairs", "round 2, by D": "round2/improved", "round 2, by D'": "round2/pairs"}
    pairs = {name: read_pairs(united.out / step / PAIRS).pairs for name, step in taught.items()}
    pairs["Ĉ, by D"] = tuple(new_over_old(pairs["round 2, by D"], pairs["C, by D"]))
    stored = {
        "seed": settings.seed,
        "prompts": len(prompts),
        "clips": given.clips,
        "settings": settings.model_dump(mode="json"),
        "guidance": fresh.guidance,
        "generators": rows,
        "differences": {
            f"{name} - {base}": differences(found[name], found[base])
            for base in order
            if base in BASES
            for name in order[order.index(base) + 1 :]
        },
        "assessors": right,
        "assessor_difference": {
            source: difference(right["D'"][source]["right"], right["D"][source]["right"])
            for source in ("G", "offline DPO (G')")
        },
        "chosen": {name: chosen(of) for name, of in pairs.items()},
        "steps": Artifacts(united.out, united.reuse).summaries(),
    }
    keep(stored, given.json)
    print(json.dumps({key: stored[key] for key in PRINTED}, indent=2))


def row(found: dict[str, Any]) -> dict[str, Any]:
    """One generator's figures with intervals; prompts without a usable clip are left out and counted."""
    kept = np.isfinite(found["means"]["overall"])
    figures: dict[str, Any] = {key: asdict(share(found["means"][key][kept].tolist())) for key in DIMENSIONS}
    spread = found["diversity"]
    return figures | {
        "diversity": float(np.mean(spread)) if spread else None,
        "bad_clips": found["bad"],
        "prompts_without_a_clip": int((~kept).sum()),
    }


def differences(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """First minus second in every dimension, over the prompts with clips of both."""
    return {key: difference(first["means"][key].tolist(), second["means"][key].tolist()) for key in DIMENSIONS}


def difference(first: Sequence[float], second: Sequence[float]) -> dict[str, Any] | None:
    """Mean difference with its paired interval; ``None`` below two items."""
    one, two = np.array(first, float), np.array(second, float)
    both = np.isfinite(one) & np.isfinite(two)
    if both.sum() < 2:
        return None
    _, _, measured = paired(mean(one[both]), mean(two[both]), int(both.sum()), Bootstrap())
    return asdict(measured)


if __name__ == "__main__":
    main()
