"""Are real defects named? python -m benchmarks.nano.named bases/nano CLIP… [--model nano] [--json FILE]

Real clips, each kind of defect that the model was taught, at five strengths: how often the kind is named by the heads
on the vision tower, by those on the plain means of its views, by those in the middle of the language model, in the
words of the base, and in the words of what reinforcement made of it; and how often nothing is named where there is
nothing. The folder is one that pre-training left.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.nano.heads import KINDS, read_pretraining_model
from benchmarks.nano.transfer import STRENGTHS, footage, shrunk
from benchmarks.results import keep
from vqinsight.assessor.assessor import Assessor
from vqinsight.inference.api import load
from vqinsight.nano.assessor.batches import Collator, LessonItem, nano_prompts
from vqinsight.nano.assessor.lessons import describe_messages
from vqinsight.nano.assessor.pretrain import PretrainingModel
from vqinsight.nano.assessor.tower import CLASSES, UNKNOWN
from vqinsight.synthetic.defects_spatial import SPATIAL
from vqinsight.synthetic.defects_temporal import TEMPORAL
from vqinsight.synthetic.describe import read
from vqinsight.tasks.types import Clip, Question
from vqinsight.video.inputs import expand_inputs
from vqinsight.video.preprocess import ProcessedClip

FAMILIES = {"spatial": tuple(SPATIAL), "temporal": tuple(TEMPORAL)}


@torch.no_grad()
def seen(
    model: PretrainingModel, tokenizer: Any, shown: list[ProcessedClip], family: str, kind: str | None
) -> dict[str, float]:
    """The share of clips whose ``kind``, ``None`` for no defect, each sort of heads names."""
    wanted = [float(CLASSES[name].index(kind)) if name == family else UNKNOWN for name in CLASSES]
    prompts, end = nano_prompts(tokenizer), tokenizer("<|im_end|>", add_special_tokens=False)["input_ids"]
    pages = [
        LessonItem(
            [each.views],
            [wanted],
            [prompts.build(describe_messages(None), [each.views])],
            [(0,)],
            [end],
            [0],
            [[wanted]],
        )
        for each in shown
    ]
    found = model(**Collator(tokenizer.pad_token_id)(pages))
    row = list(CLASSES).index(family)
    return {name: float(found[name][row, 0] / found[name][row, 1]) for name in KINDS}


def said(assessor: Assessor, shown: list[ProcessedClip], family: str, kind: str | None) -> dict[str, float]:
    """The same of the short form, and of the reasoning before scores."""
    encoded = [assessor.encode(each) for each in shown]
    terse = [texts[0] for texts in assessor.complete([(describe_messages(None), (each,)) for each in encoded])]
    question = Question("generated", (Clip(""),))
    reasoning = [replies[0].text for replies in assessor.ask([(question, (each,)) for each in encoded])]
    return {
        name: float(np.mean([(getattr(read(text), family) or ("",))[0] == (kind or "none") for text in texts]))
        for name, texts in (("terse", terse), ("reasoning", reasoning))
    }


def main() -> None:
    """Print the table; ``--json FILE`` also stores it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    tokenizer, model = read_pretraining_model(given.folder)
    judges = {"base": load(str(given.folder)).assessor, given.model: load(given.model).assessor}
    found: dict[str, list[dict[str, float]]] = {}
    for seed, path in enumerate(str(clip) for clip, _ in expand_inputs(given.clips, None).clips):
        frames = shrunk(path)
        for family, kinds in FAMILIES.items():
            for kind in (None, *kinds):
                strengths = STRENGTHS[1:] if kind else STRENGTHS[:1]
                shown = [footage(judges["base"], frames, kind or "", strength, seed, path) for strength in strengths]
                row = seen(model, tokenizer, shown, family, kind)
                for name, judge in judges.items():
                    row |= {f"{name}, {how}": share for how, share in said(judge, shown, family, kind).items()}
                for part in (kind, family) if kind else (f"no {family} defect",):
                    found.setdefault(part, []).append(row)
    rows = {
        part: {name: float(np.mean([one[name] for one in each])) for name in each[0]} for part, each in found.items()
    }
    table = Table("named", *next(iter(rows.values())))
    for part, shares in rows.items():
        table.add_row(part, *(f"{share:.0%}" for share in shares.values()))
    Console(width=140).print(table)
    keep({"seed": 0, "rows": rows}, given.json)


if __name__ == "__main__":
    main()
