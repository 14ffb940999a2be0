"""Accuracy of attribute heads at three depths: python -m benchmarks.nano.heads bases/nano [--clips 640] [--json FILE]

For clips like those in training and held-out ones: accuracy of the heads on the vision tower, of those on the means of
its views, and of those in the middle of the language model. The folder is one of pre-training, which has the heads.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, get_args

import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from benchmarks.results import keep
from vqinsight.errors import UsageError
from vqinsight.nano.assessor.architecture import HEADS
from vqinsight.nano.assessor.batches import Collator, Lessons
from vqinsight.nano.assessor.pretrain import PretrainingModel, pupil_of
from vqinsight.nano.assessor.tower import CLASSES
from vqinsight.synthetic.generate import Split

START = 950_000_000  # lessons that no seed below 95 trains on
AT_ONCE = 8  # lessons
KINDS = ("tower", "plain", "reading")


def options(about: str | None, *, clips: int) -> argparse.Namespace:
    """Command-line arguments of a benchmark of heads: folder, number of clips, and file for the figures."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=clips)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def read_pretraining_model(folder: Path) -> tuple[Any, PretrainingModel]:
    """Tokenizer and model with its heads."""
    if not (folder / HEADS).is_file():
        raise UsageError(f"{folder}: there is no {HEADS}. Give bases/nano, or the folder final of a run of make nano.")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    return tokenizer, pupil_of(model, tokenizer, folder).eval()


@torch.no_grad()
def shares(model: PretrainingModel, tokenizer: Any, split: Split, clips: int) -> dict[str, dict[str, float]]:
    """By attribute: the accuracy of every kind of heads."""
    lessons = Lessons(tokenizer, clips // 2, clips // 2, START, split)
    collator = Collator(tokenizer.pad_token_id)
    counts = {name: torch.zeros(len(CLASSES), 2) for name in KINDS}
    for begin in range(0, len(lessons), AT_ONCE):
        found = model(**collator([lessons[i] for i in range(begin, min(begin + AT_ONCE, len(lessons)))]))
        for name, count in counts.items():
            count += found[name]
    return {
        attribute: {name: (count[row, 0] / count[row, 1]).item() for name, count in counts.items()}
        for row, attribute in enumerate(CLASSES)
    }


def main() -> None:
    """Print the table; ``--json FILE`` also stores it."""
    given = options(__doc__, clips=640)
    tokenizer, model = read_pretraining_model(given.folder)
    found = {split: shares(model, tokenizer, split, given.clips) for split in get_args(Split)}
    table = Table("", *(f"{name}, {split}" for split in found for name in KINDS))
    for attribute in CLASSES:
        table.add_row(attribute, *(f"{share:.1%}" for rows in found.values() for share in rows[attribute].values()))
    Console(width=120).print(table)
    keep({"seed": START, "rows": found}, given.json)


if __name__ == "__main__":
    main()
