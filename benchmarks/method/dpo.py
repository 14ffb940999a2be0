"""Length of Eq. 9 and weight of its SFT term: python -m benchmarks.method.dpo nano/stage3

Round 1 of a run of benchmarks/method/united.py, on the same candidates, with other ``dpo.updates`` and ``dpo.sft``, and
with pairs of three origins: the assessor's, the oracle's, and random ones. Training on its own clips alone can improve
a generator, so random pairs are the control for the effect of the judge. New clips of *training* prompts, as held-out
prompts are not for choosing settings; intervals are paired by prompt.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from benchmarks.method.united import differences, examine, lot_pairs, oracle_pairs, row
from benchmarks.results import store
from vqinsight.ranking.candidate_folders import read_candidates
from vqinsight.settings.align import AlignSettings, PromptSettings
from vqinsight.settings.reader import read_toml
from vqinsight.training.prompts import read_prompts
from vqinsight.training.stage3_united import make

TRIED = ["150:0", "300:0", "150:20"]  # updates, and the weight of the SFT term
PROMPTS_SEED = 99


def main() -> None:
    """Train what is missing, measure, and print or store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/dpo"))
    parser.add_argument("--prompts", type=int, default=120)
    parser.add_argument("--clips", type=int, default=2, help="a prompt and generator")
    parser.add_argument("--tried", nargs="+", default=TRIED, metavar="UPDATES:SFT", help=" ".join(TRIED))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="such as dpo.ema=0.98")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = read_toml(AlignSettings, given.config, given.set)
    united = settings.model_copy(update={"out": settings.out / "united"})
    candidates = read_candidates(make(united, "round1/candidates"))
    origins = {
        "assessor": make(united, "round1/pairs"),
        "by lot": lot_pairs(candidates, settings.out / "by_lot_pairs_1.jsonl", settings.seed),
        "oracle": oracle_pairs(candidates, settings.out / "oracle_pairs_1.jsonl"),
    }
    prompts = read_prompts(PromptSettings(dataset="synthetic", split="train", count=given.prompts, seed=PROMPTS_SEED))
    before = examine(settings.generator.name, prompts, given.clips, given.out / "G", settings.generator)
    rows = []
    for origin, pairs in origins.items():
        for tried in given.tried:
            updates, pull = tried.split(":")
            steps, sft = int(updates), float(pull)
            place = given.out / f"{origin.replace(' ', '_')}_{steps}_{sft:g}"
            dpo = settings.dpo.model_copy(update={"updates": steps, "sft": sft})
            once = {"out": place, "rounds": 1, "update_assessor": False, "dpo": dpo, "reuse": {"round1/pairs": pairs}}
            after = examine(
                str(make(settings.model_copy(update=once), "round1/generator")),
                prompts,
                given.clips,
                place / "examined",
                settings.generator,
            )
            rows.append({"pairs": origin, "steps": steps, "sft": sft, "gain": differences(after, before)})
    stored = {
        "seed": settings.seed,
        "prompts": len(prompts),
        "clips": given.clips,
        "beta": settings.dpo.beta,
        "G": row(before),
        "rows": rows,
    }
    store(stored, given.json)


if __name__ == "__main__":
    main()
