"""The effect of repairing and of its critique: python -m benchmarks.method.repair --generator nano --model nano

Generated clips of held-out prompts are repaired in three ways: by ``vqinsight repair``; blindly (the same prompt from
noise, the same acceptance test); and with the critique's first proposal always accepted. The change is measured by the
oracle; an unchanged clip counts 0; repairs that the oracle rates worse are counted. 95 % bootstrap intervals over
clips.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.method.learning import share
from benchmarks.results import keep
from vqinsight.generator.candidates import make_candidates
from vqinsight.generator.latents import read_clip
from vqinsight.generator.load import open_generator
from vqinsight.generator.repair import repair
from vqinsight.inference.api import load
from vqinsight.settings.align import PromptSettings
from vqinsight.synthetic.oracle import measure
from vqinsight.training.prompts import read_prompts

PROMPTS_SEED, CLIPS_SEED, REPAIR_SEED = 9, 90_000, 91_000
WAYS = ("critique and acceptance", "blind, with acceptance", "critique, always accepted")


def overall(path: Path | str, prompt: str) -> float:
    """The oracle's mean of the three dimensions."""
    return measure(read_clip(str(path)), prompt).scores["overall"]


def changes(generator: Any, assessor: Any, clip: str, prompt: str, attempts: int) -> dict[str, float | None]:
    """The oracle's change in each way; ``None`` where the clip is kept."""
    with TemporaryDirectory() as name:
        folder, before = Path(name), overall(clip, prompt)
        told, blind = (
            repair(
                generator,
                assessor,
                clip,
                prompt,
                folder / ("blind" if unasked else "told"),
                attempts=attempts,
                seed=REPAIR_SEED,
                blind=unasked,
            )
            for unasked in (False, True)
        )
        first = told.attempts[0].file if told.attempts else None
        return {
            way: None if file is None else overall(file, prompt) - before
            for way, file in zip(WAYS, (told.accepted, blind.accepted, first), strict=True)
        }


def summary(found: Sequence[float | None]) -> dict[str, Any]:
    """Share of accepted repairs, mean change over all clips with interval, and number of worse ones."""
    return {
        "clips": len(found),
        "taken": sum(each is not None for each in found),
        "change": asdict(share([each or 0.0 for each in found])),
        "worse": sum(each is not None and each < 0 for each in found),
    }


def main() -> None:
    """Print the figures; ``--json FILE`` also stores them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", default="nano")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--attempts", type=int, default=4)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    assessor, generator = load(given.model).assessor, open_generator(given.generator)
    prompts = read_prompts(PromptSettings(dataset="synthetic", split="held_out", count=given.clips, seed=PROMPTS_SEED))
    with TemporaryDirectory() as folder:
        made = make_candidates(generator, prompts, 1, Path(folder), seed=CLIPS_SEED)
        rows = [
            changes(generator, assessor, group.paths[0], group.prompt, given.attempts) for group in made if group.paths
        ]
    stored = {
        "seed": REPAIR_SEED,
        "assessor": assessor.loaded.digest,
        "generator": generator.provenance(),
        "attempts": given.attempts,
        "unusable_clips": len(made) - len(rows),
        "rows": {way: summary([row[way] for row in rows]) for way in WAYS},
    }
    print(json.dumps(stored["rows"], indent=2))
    keep(stored, given.json)


if __name__ == "__main__":
    main()
