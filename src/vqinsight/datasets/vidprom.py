"""VidProM: prompts of users of text-to-video generators (Wang and Yang, 2024). Prompts only."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from vqinsight.datasets.download import BadRow, Prompts, check_choice
from vqinsight.datasets.places import existing_folder, label_file, look_for
from vqinsight.datasets.rows import read_csv
from vqinsight.errors import UsageError

SPLITS = ("all",)
FILE = "VidProM_unique.csv"


def recognise(folder: Path) -> bool:
    """Whether the folder looks like this download."""
    return look_for(folder, FILE) is not None


def load(folder: str | Path, split: str = "all", *, count: int | None = None, seed: int = 0) -> Prompts:
    """Read the prompts of ``VidProM_unique.csv``.

    Prompts that differ only in case and whitespace are duplicates; the first is kept.

    Args:
        folder: of the file.
        split: ``all``; there is no other.
        count: number of prompts, drawn uniformly by ``seed``, in the order of the file; all by default. Memory holds
            the drawn prompts and eight bytes for each one read.
        seed: of the draw.

    Raises:
        UsageError: no such file or column, or a count below 1.
    """
    check_choice("VidProM split", split, SPLITS)
    if count is not None and count < 1:
        raise UsageError(f"At least one prompt must be asked for, got count={count}.")
    path = label_file(existing_folder(folder), "VidProM", FILE)
    dice = random.Random(seed)
    seen: set[bytes] = set()
    drawn: list[tuple[int, str]] = []
    left_out: list[str] = []
    repeated = 0
    for row in read_csv(path, ["prompt"]):
        try:
            prompt = " ".join(row.text("prompt").split())
        except BadRow as error:
            left_out.append(f"{row.where}: {error}")
            continue
        key = hashlib.blake2b(prompt.casefold().encode("utf-8", "surrogatepass"), digest_size=8).digest()
        if key in seen:
            repeated += 1
            continue
        place = len(seen)
        seen.add(key)
        if count is None or place < count:
            drawn.append((place, prompt))
        elif (slot := dice.randrange(place + 1)) < count:  # reservoir sampling
            drawn[slot] = (place, prompt)
    notes = [f"{len(seen)} different prompts in {path.name}"]
    notes += [f"{repeated} differ from another only in capitals or blanks, or not at all"] if repeated else []
    notes += [f"{len(drawn)} drawn with seed {seed}"] if count is not None else []
    return Prompts("vidprom", tuple(prompt for _, prompt in sorted(drawn)), tuple(left_out), tuple(notes))
