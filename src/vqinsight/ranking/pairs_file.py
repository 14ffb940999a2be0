"""Files of pairs: one JSON line per prompt, with the pair or the reason why there is none; and exports.

A row has ``id``, ``prompt``, ``win``, ``lose`` and the other fields of a ``Selection``. Training needs only ``prompt``,
``win`` and ``lose``, so a file of your own may hold just these. Paths are relative to the file's folder.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vqinsight.assessor.assessor import Assessor
from vqinsight.common.journal import Journal
from vqinsight.datasets.rows import read_json_lines
from vqinsight.errors import UsageError
from vqinsight.ranking.candidate_folders import Candidates
from vqinsight.ranking.select import Mode, Selection, choose
from vqinsight.video.read import probe


@dataclass(frozen=True)
class Pair:
    """Two clips made from one prompt, the better one first."""

    id: str
    prompt: str
    win: str
    lose: str


@dataclass(frozen=True)
class Pairs:
    """The content of a pairs file.

    Attributes:
        pairs: the usable pairs, in the file's order.
        left_out: rows without a usable pair, by reason.
        missing: clips that rows name and that do not exist.
    """

    pairs: tuple[Pair, ...]
    left_out: Mapping[str, int]
    missing: tuple[str, ...] = ()

    def summary(self) -> str:
        """One line: the number of pairs, and the rows left out by reason."""
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(self.left_out.items()))
        return f"{len(self.pairs)} pairs" + (f"; left out: {why}" if why else "")


def judge_all(
    assessor: Assessor,
    groups: Sequence[Candidates],
    file: Path,
    *,
    mode: Mode = "all",
    check: int = 0,
    samples: int = 1,
    temperature: float = 1.0,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Pairs:
    """Choose a pair for every prompt and write each at once; prompts already in the file are not judged again.

    Args:
        file: for the rows, ``.jsonl``.
        check: with a tournament, number of prompts that are also judged by all pairs (see ``agreement``).
        samples, temperature: answers per question; 1 takes the most likely answer.

    Raises:
        UsageError: the file belongs to other settings or other clips.
    """
    settings = {
        "assessor": assessor.loaded.digest,
        "prompts": assessor.prompt_set.name,
        "mode": mode,
        "check": check if mode == "tournament" else 0,
        "samples": samples,
        "temperature": temperature if samples > 1 else 0.0,
        "seed": seed,
    }
    journal = Journal(file, settings)
    for group in groups:
        row = journal.rows.get(group.id)
        here = [os.path.relpath(path, file.parent) for path in group.paths]
        if row is not None and (row["prompt"], row["candidates"]) != (group.prompt, here):
            raise UsageError(f"{file} holds a pair of other clips for {group.id}. Choose another place.")
    for done, group in enumerate(groups, start=1):
        if group.id not in journal.rows:
            effective_temperature = temperature if samples > 1 else 0.0
            choice = choose(
                assessor,
                group,
                mode=mode,
                check=done <= check,
                samples=samples,
                temperature=effective_temperature,
                seed=seed,
            )
            journal.add(row_of(choice, file.parent))
        if on_progress is not None:
            on_progress(done, len(groups))
    return read_pairs(file)


def read_pairs(file: Path, *, per_prompt: int = 1) -> Pairs:
    """Read a pairs file; unusable rows are counted by reason.

    Args:
        per_prompt: 1 is best over worst (Eq. 8); more adds the second best over the second worst, and so on inwards,
            where a row has every candidate's score or wins over all others and they differ.

    Raises:
        UsageError: the file cannot be read.
    """
    pairs: list[Pair] = []
    left_out: Counter[str] = Counter()
    missing: dict[str, None] = {}
    for number, row in enumerate(read_json_lines(file)):
        values = row.values
        if row.problem:
            left_out[row.problem] += 1
        elif values.get("reason"):
            left_out[str(values["reason"])] += 1
        elif not all(isinstance(values.get(key), str) and values[key] for key in ("prompt", "win", "lose")):
            left_out["without prompt, win and lose"] += 1
        else:
            id_, chosen = str(values.get("id", number)), [(values["win"], values["lose"])]
            if per_prompt > 1:  # files of users need no other fields
                chosen += _inner(values)[: per_prompt - 1]
            for place, (win, lose) in enumerate(chosen):
                clips = [os.path.normpath(file.parent / path) for path in (win, lose)]
                gone = [clip for clip in clips if not Path(clip).exists()]
                if gone:
                    missing.update(dict.fromkeys(gone))
                    left_out["with a clip that is not on the disk"] += 1
                else:
                    pairs.append(Pair(f"{id_}/{place + 1}" if place else id_, values["prompt"], *clips))
    return Pairs(tuple(pairs), dict(left_out), tuple(missing))


def _inner(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The second best over the second worst, the third best over the third worst …, while they differ."""
    paths, judged = row.get("candidates") or (), row.get("scores") or row.get("wins") or ()
    if len(paths) != len(judged):
        return []  # not written by judge_all: values cannot be assigned to clips
    known = {path: value for path, value in zip(paths, judged, strict=True) if value is not None}
    if not row.get("scores") and row.get("judged") != len(known) * (len(known) - 1) // 2:
        return []  # a tournament: each clip meets few others
    order = sorted((path for path in known if path not in (row["win"], row["lose"])), key=lambda path: -known[path])
    nested = zip(order[: len(order) // 2], reversed(order), strict=False)
    return [(win, lose) for win, lose in nested if known[win] > known[lose]]


def agreement(file: Path) -> str | None:
    """Agreement of a tournament with all pairs, over the prompts judged both ways; ``None`` without any."""
    rows = [row.values for row in read_json_lines(file) if row.values.get("full")]
    if not rows:
        return None
    same = {key: sum(row[key] is not None and row[key] == row["full"][key] for row in rows) for key in ("win", "lose")}
    ordered = sum(row["full"]["ordered"] is True for row in rows)
    return (
        f"Tournament against all pairs, {len(rows)} prompts: the same winner in {same['win']}, the same loser in "
        f"{same['lose']}; its winner was chosen more often than its loser in {ordered}."
    )


def write_table(file: Path, pairs: Sequence[Pair]) -> None:
    """Write pairs as a table of the comparison task (``datasets/table.py``), the better clip first."""
    rows = [
        {
            "id": pair.id,
            "path_a": os.path.relpath(pair.win, file.parent),
            "path_b": os.path.relpath(pair.lose, file.parent),
            "label": "A",
            "prompt": pair.prompt,
        }
        for pair in pairs
    ]
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_videodpo(folder: Path, pairs: Sequence[Pair]) -> None:
    """Write ``metadata.json`` and ``pair.json`` for the public VideoDPO training code.

    The first lists clips (duration in seconds, path relative to this folder, caption), the second pairs of indices in
    that list, the better clip first. That code drops clips shorter than its ``clip_length``, which shifts the indices:
    set it no higher than the shortest ``clip_duration``.

    Raises:
        UsageError: the folder already holds such files.
    """
    for name in ("metadata.json", "pair.json"):
        if (folder / name).exists():
            raise UsageError(f"{folder / name} is there already. Choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    clips, chosen = [], []
    for number, pair in enumerate(pairs):
        for path in (pair.win, pair.lose):
            basic = {
                "clip_duration": round(probe(path).duration, 6),  # rounded, as 0.9999… is below a limit of 1
                "clip_path": os.path.relpath(path, folder),
                "globalidx": number,
            }
            clips.append({"basic": basic, "misc": {"frame_caption": [pair.prompt]}})
        chosen.append({"video1": 2 * number, "video2": 2 * number + 1, "label": 0, "frame_caption": pair.prompt})
    for name, content in (("metadata.json", clips), ("pair.json", chosen)):
        (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def row_of(choice: Selection, folder: Path) -> dict[str, Any]:
    """The row of a selection in a file of ``folder``, to which its paths are relative."""

    def moved(path: str | None) -> str | None:
        return None if path is None else os.path.relpath(path, folder)

    row = asdict(choice)
    full = row["full"]
    return row | {
        "candidates": [moved(path) for path in row["candidates"]],
        "win": moved(row["win"]),
        "lose": moved(row["lose"]),
        **{key: {moved(path): why for path, why in row[key].items()} for key in ("unscored", "unreadable")},
        "full": full and full | {"win": moved(full["win"]), "lose": moved(full["lose"])},
    }
