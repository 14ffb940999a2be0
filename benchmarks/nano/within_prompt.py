"""Agreement of the assessor with the truth within a prompt: python -m benchmarks.nano.within_prompt --model nano

Pairs are chosen within a prompt, so only differences within a prompt can train a generator. Four kinds of clips of the
simple synthetic set, some of each for every training prompt: rendered, with exact quality; the same through the
generator's auto-encoder; and generated, with default guidance and without, measured by the oracle. For each dimension:
the correlation of D's mean over several answers with the truth, both minus their prompt's mean, and the spread of the
truth. 95 % bootstrap intervals over prompts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.method.united import DIMENSIONS
from benchmarks.results import store
from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.load import load_model
from vqinsight.evaluation.metrics.bootstrap import Bootstrap, percentile_interval, resample
from vqinsight.generator.base import Generator
from vqinsight.generator.latents import read_clip
from vqinsight.generator.load import open_generator
from vqinsight.ranking.by_score import answered_scores
from vqinsight.synthetic.oracle import measure
from vqinsight.synthetic.simple import FPS, FRAMES, simple_siblings
from vqinsight.video.write import write_video

SIBLINGS_SEED, CLIPS_SEED = 5_000_000, 60_000
DRAWN, CODED, GENERATED, UNGUIDED = "drawn", "drawn, auto-encoder", "generated", "generated, no guidance"
Scores = list[dict[str, float]]


def make(generator: Generator, seed: int, clips: int) -> tuple[str, dict[str, np.ndarray], Scores]:
    """A training prompt, its clips of each kind as uint8 (clips, F, H, W, 3), and the quality of the drawn ones."""
    siblings = simple_siblings(SIBLINGS_SEED + seed, clips)
    prompt = siblings[0].prompt or ""
    drawn = np.stack([each.frames(np.arange(FRAMES)) for each in siblings])
    seeds = [CLIPS_SEED + seed * clips + place for place in range(clips)]
    latents = {
        CODED: generator.encode_video(torch.from_numpy(drawn)),
        GENERATED: generator.sample([prompt] * clips, seeds),
        UNGUIDED: generator.sample([prompt] * clips, seeds, guidance=1.0),
    }
    shown = {DRAWN: drawn} | {kind: np.asarray(generator.decode(each)) for kind, each in latents.items()}
    return prompt, shown, [_with_overall(each.quality) for each in siblings]


def say(assessor: Assessor, paths: Sequence[Path], prompt: str, samples: int) -> list[dict[str, float] | None]:
    """Each clip's mean in each dimension on 0 to 100, over its complete answers; ``None`` without any."""
    clips = [assessor.encode(assessor.clips.load(str(path))) for path in paths]
    found = answered_scores(assessor, clips, prompt, samples=samples, temperature=1.0)
    most = max((len(each) for of in found for each in of), default=0)
    answers = [[each for each in of if len(each) == most] for of in found]
    return [
        _with_overall({key: float(np.mean([each[key] for each in of])) for key in of[0]}) if of else None
        for of in answers
    ]


def _with_overall(scores: dict[str, float]) -> dict[str, float]:
    return {**scores, "overall": float(np.mean(list(scores.values())))}


def within(said: Sequence[Sequence[dict[str, float] | None]], truth: Sequence[Scores], key: str) -> dict[str, Any]:
    """Correlation of both minus their prompt's mean, and the means and spread of the truth."""
    products = []
    for answers, measured in zip(said, truth, strict=True):
        both = [(one[key], other[key]) for one, other in zip(answers, measured, strict=True) if one is not None]
        x, y = (np.array(both) - np.mean(both, 0)).T if len(both) > 1 else np.zeros((2, 1))
        products.append((x @ y, x @ x, y @ y))
    xy, xx, yy = np.array(products).T

    def correlation(counts: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            value: np.ndarray = (xy @ counts) / np.sqrt((xx @ counts) * (yy @ counts))
        return value

    interval = percentile_interval(resample({key: correlation}, len(xy), Bootstrap())[key], Bootstrap().level)
    value = float(correlation(np.ones((len(xy), 1)))[0])
    clips = sum(len(each) for each in truth)
    return {
        "correlation": value if np.isfinite(value) else None,
        "interval": asdict(interval) if interval else None,
        "truth": float(np.mean([each[key] for measured in truth for each in measured])),
        "said": float(np.mean([each[key] for answers in said for each in answers if each is not None])),
        "spread": float(np.sqrt(yy.sum() / clips)),
    }


def main() -> None:
    """Make the clips, ask, measure, print, and with ``--json`` store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--generator", default="nano")
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--clips", type=int, default=4, help="a prompt and kind")
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("runs/within_prompt"), help="folder for the clips")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    generator, model = open_generator(given.generator), load_model(given.model)
    assessor = Assessor(model)
    said: dict[str, list[list[dict[str, float] | None]]] = {}
    truth: dict[str, list[Scores]] = {}
    for seed in range(given.prompts):
        prompt, shown, drawn = make(generator, seed, given.clips)
        for kind, clips in shown.items():
            paths = [given.out / kind / f"{seed:03d}" / f"{place}.mp4" for place in range(len(clips))]
            for path, frames in zip(paths, clips, strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_video(path, frames, FPS)
            said.setdefault(kind, []).append(say(assessor, paths, prompt, given.samples))
            known = kind in (DRAWN, CODED)
            seen = drawn if known else [measure(read_clip(str(path)), prompt).scores for path in paths]
            truth.setdefault(kind, []).append(seen)
    stored = {
        "prompts": given.prompts,
        "clips": given.clips,
        "samples": given.samples,
        "generator": generator.provenance(),
        "model_hash": model.digest,
        "within": {kind: {key: within(said[kind], truth[kind], key) for key in DIMENSIONS} for kind in said},
    }
    store(stored, given.json)


if __name__ == "__main__":
    main()
