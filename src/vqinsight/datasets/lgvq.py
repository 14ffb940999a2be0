"""LGVQ: generated videos scored for spatial quality, temporal quality and alignment (Zhang et al., 2024)."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from vqinsight.datasets.download import BadRow, Download, Tray, check_choice
from vqinsight.datasets.places import ClipFiles, PathIndex, existing_folder, label_file, look_for, parts_of
from vqinsight.datasets.rows import number, readable
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Example, Question, Score

SPLITS = ("train", "test", "all")
SCORES, PROMPTS = "MOS.txt", "prompt_cls.json"
SCALE = (0.0, 100.0)
_PATH_KEYS = ("path", "video_path", "filename")


@dataclass(frozen=True)
class _Label:
    """One line of ``MOS.txt``; values as written."""

    where: str
    path: str
    values: dict[str, str]


def recognise(folder: Path) -> bool:
    """Whether the folder looks like this download."""
    return look_for(folder, SCORES) is not None and look_for(folder, PROMPTS) is not None


def load(folder: str | Path, split: str, *, seed: int = 0, test_share: float = 0.2) -> Download:
    """Read LGVQ as downloaded: ``MOS.txt``, ``prompt_cls.json`` and ``videos/``.

    The two files list the clips in different orders and write their paths differently, so they are joined on the
    normalised path. There is no official split: ours is by prompt, so that the clips of one prompt stay together; it
    depends on the seed and the prompts of ``prompt_cls.json``, not on the existing clips.

    Args:
        folder: of the unpacked download.
        split: ``train``, ``test`` or ``all``.
        seed: of the split.
        test_share: share of the prompts in ``test``, rounded down to whole prompts.

    Raises:
        UsageError: an unknown split, or a missing or malformed file.
    """
    check_choice("LGVQ split", split, SPLITS)
    if not 0 < test_share < 1:
        raise UsageError(f"The test share must lie between 0 and 1, got {test_share:g}.")
    root = existing_folder(folder)
    tray = Tray("lgvq", split)
    labels = _read_scores(label_file(root, "LGVQ", SCORES), tray)
    entries = _read_prompts(label_file(root, "LGVQ", PROMPTS))
    joined = _join(labels, entries, tray)
    texts = sorted({prompt for entry in entries if (prompt := _prompt(entry))})
    test = set(sorted(texts, key=lambda text: _draw(seed, text))[: int(test_share * len(texts) + 1e-9)])
    files = ClipFiles(root)
    differ = 0
    for label, entry in joined:
        try:
            prompt = _prompt(entry)
            if prompt is None:
                raise BadRow(f"{PROMPTS} has no prompt for it")
            if split != "all" and (prompt in test) != (split == "test"):
                continue
            values = {key: number(text, SCALE, key) for key, text in label.values.items()}
            clips = tray.clips([(label.path, files.find(label.path))], prompt)
        except BadRow as error:
            tray.leave_out(label.where, str(error))
            continue
        differ += _differs(values, entry)
        if clips:
            name = "/".join(parts_of(label.path))
            answer = Score(values)
            example = Example(name, Question("generated", clips), answer, SCALE, prompt, _generator(label.path))
            tray.add(example, label.where)
    notes = [f"split by prompt: {len(test)} of {len(texts)} in test, seed {seed}"] if split != "all" else []
    if differ:
        notes.append(f"{differ} scores differ between {SCORES} and {PROMPTS}; those of {SCORES} are taken")
    return tray.done(*notes)


def _read_scores(path: Path, tray: Tray) -> list[_Label]:
    with readable(path, "text in UTF-8"):
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    labels = []
    for line, text in enumerate(lines, start=1):
        where = f"{path.name}, line {line}"
        fields = [field.strip() for field in text.strip().rstrip(";").rsplit(";", 3)]
        if len(fields) == 4 and parts_of(fields[0]):
            scores = dict(zip(("spatial", "temporal", "alignment"), fields[1:], strict=True))
            labels.append(_Label(where, fields[0].strip("\ufeff\"' "), scores))
        elif text.strip("\ufeff \t"):
            tray.leave_out(where, f"{text.strip()[:60]!r} is not 'path;spatial;temporal;alignment'")
    if not labels:
        raise UsageError(f"{path} has no line 'path;spatial;temporal;alignment'. Is it LGVQ's {SCORES}?")
    return labels


def _read_prompts(path: Path) -> list[dict[str, Any]]:
    with readable(path, "JSON"):
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    rows = content.get("data") if isinstance(content, dict) else content
    entries = [row for row in rows if isinstance(row, dict) and _path(row)] if isinstance(rows, list) else []
    if not entries:
        raise UsageError(f"{path} has no list 'data' of objects with a path and a prompt. Is it LGVQ's {PROMPTS}?")
    return entries


def _join(labels: list[_Label], entries: list[dict[str, Any]], tray: Tray) -> list[tuple[_Label, dict[str, Any]]]:
    """Each label with its entry, by path. An entry that matches several paths is not used."""
    by_path = {_path(entry): entry for entry in entries}
    index = PathIndex(by_path, bare=True)
    found: list[tuple[_Label, str]] = []
    for label in labels:
        try:
            path = index.find(label.path)
        except BadRow as error:
            tray.leave_out(label.where, f"in {PROMPTS}, {error}")
            continue
        if path is None:
            tray.leave_out(label.where, f"{PROMPTS} does not know {label.path}")
        else:
            found.append((label, path))
    users = Counter(path for path, _ in {(path, parts_of(label.path)) for label, path in found})
    joined = []
    for label, path in found:
        if users[path] > 1:
            tray.leave_out(label.where, f"{PROMPTS} has {path} for {users[path]} different clips")
        else:
            joined.append((label, by_path[path]))
    return joined


def _path(entry: dict[str, Any]) -> str:
    return next((str(entry[key]) for key in _PATH_KEYS if entry.get(key) and parts_of(str(entry[key]))), "")


def _prompt(entry: dict[str, Any]) -> str | None:
    return " ".join(str(entry.get("prompt") or "").split()) or None


def _draw(seed: int, prompt: str) -> str:
    return hashlib.sha256(f"{seed} {prompt}".encode("utf-8", "surrogatepass")).hexdigest()


def _differs(values: dict[str, float], entry: dict[str, Any]) -> bool:
    """Whether the prompt file repeats a score with another value."""
    for key in ("spatial", "temporal"):
        other = entry.get(f"{key}_quality")
        if isinstance(other, int | float) and not math.isclose(other, values[key], abs_tol=0.01):
            return True
    return False


def _generator(path: str) -> str | None:
    """The folder of a clip, named after its generator; ``None`` for a clip directly in ``videos``."""
    folder = PurePosixPath(*parts_of(path)).parent.name
    return folder if folder and folder.lower() not in ("videos", "video", "lgvq") else None
