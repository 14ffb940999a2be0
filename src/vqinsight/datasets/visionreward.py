"""VisionRewardDB-Video: pairs of generated clips, and yes/no judgements of single ones (Xu et al., 2024)."""

from __future__ import annotations

import random
from pathlib import Path

from vqinsight.datasets.download import BadRow, Download, Tray, check_choice
from vqinsight.datasets.places import ClipFiles, existing_folder, label_file, look_for
from vqinsight.datasets.rows import Row, parquet_columns, read_parquet, readable
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Choice, Clip, Example, Preference, Question, Verdict

SPLITS = ("regression", "test", "train")
FOLDERS = {"regression": ("regression",), "test": ("test", "monetbench"), "train": ("train",)}
PAIR_COLUMNS = ("internal_id", "prompt", "standard_answer", "video1_path", "video2_path")
TRAIN_COLUMNS = ("internal_id", "prompt", "video_path", "meta_result", "meta_mask")
ANSWERS: dict[str, Choice] = {"video1": "A", "video2": "B", "tie": "tie"}
QUESTIONS = ("meta_qa_en.txt", "VisionReward_video_qa.txt")


def recognise(folder: Path) -> bool:
    """Whether the folder looks like this download."""
    return any("internal_id" in parquet_columns(path) for split in SPLITS for path in _files(folder, split)[:1])


def load(
    folder: str | Path,
    split: str,
    *,
    questions: str | Path | None = None,
    per_clip: int | None = None,
    seed: int = 0,
) -> Download:
    """Read VisionRewardDB-Video as downloaded: its Parquet files, and the clips of its archives, unpacked.

    * ``regression``: pairs for training. ``test``: pairs for tests (MonetBench; older downloads call it monetbench).
    * ``train``: for each clip, the yes/no questions that its ``meta_mask`` marks, answered by ``meta_result``. Their
      texts are in a file of the download, one question per line in the order of ``meta_result``; ``[[prompt]]`` stands
      for the clip's prompt.

    Args:
        folder: of the unpacked download.
        split: as above.
        questions: the file of questions, where it is not in ``folder``.
        per_clip: most questions per clip, drawn by ``seed``; all by default.
        seed: of that draw.

    Raises:
        UsageError: an unknown split, or a missing file or column.
    """
    check_choice("VisionReward split", split, SPLITS)
    if per_clip is not None and per_clip < 1:
        raise UsageError(f"A clip needs at least one question, got per_clip={per_clip}.")
    root = existing_folder(folder)
    parquets = _files(root, split)
    if not parquets:
        raise UsageError(f"{root} has no {split}/*.parquet. Download that folder of VisionRewardDB-Video.")
    texts = _questions(root, questions) if split == "train" else []
    files = ClipFiles(root)
    tray = Tray("visionreward", split)
    dice = random.Random(seed)
    for path in parquets:
        for row in read_parquet(path, TRAIN_COLUMNS if split == "train" else PAIR_COLUMNS):
            try:
                found = _verdicts(row, texts, files, tray) if split == "train" else _pair(row, files, tray)
            except BadRow as error:
                tray.leave_out(row.where, str(error))
                continue
            if per_clip is not None and len(found) > per_clip:
                found = [found[place] for place in sorted(dice.sample(range(len(found)), per_clip))]
            for example in found:
                tray.add(example, row.where)
    return tray.done()


def _pair(row: Row, files: ClipFiles, tray: Tray) -> list[Example]:
    name, prompt, answer = row.text("internal_id"), row.text("prompt"), row.text("standard_answer").lower()
    if answer not in ANSWERS:
        raise BadRow(f"standard_answer {answer!r} is none of {', '.join(ANSWERS)}")
    labels = [row.text(column) for column in ("video1_path", "video2_path")]
    clips = tray.clips([(label, files.find(label)) for label in labels], prompt)
    label = Preference(ANSWERS[answer])
    return [Example(name, Question("compare", clips), label, None, prompt)] if clips else []


def _verdicts(row: Row, texts: list[str], files: ClipFiles, tray: Tray) -> list[Example]:
    name, prompt, path = row.text("internal_id"), row.text("prompt"), row.text("video_path")
    results, mask = row.values["meta_result"] or [], row.values["meta_mask"] or []
    if not len(results) == len(mask) == len(texts):
        raise BadRow(f"{len(results)} answers and {len(mask)} marks for {len(texts)} questions")
    asked = [place for place, mark in enumerate(mask) if mark == 1]
    odd = [place + 1 for place in asked if results[place] not in (0, 1)]
    if odd:
        raise BadRow(f"meta_result is neither 0 nor 1 at {', '.join(map(str, odd))}")
    clips = tray.clips([(path, files.find(path))], prompt)
    return [_verdict(name, place, clips, texts[place], results[place] == 1) for place in asked] if clips else []


def _verdict(name: str, place: int, clips: tuple[Clip, ...], text: str, yes: bool) -> Example:
    prompt = clips[0].prompt or ""
    question = Question("yesno", clips, text.replace("[[prompt]]", prompt))
    return Example(f"{name}/{place + 1:02d}", question, Verdict(yes), None, prompt)


def _questions(root: Path, named: str | Path | None) -> list[str]:
    path = Path(named) if named is not None else look_for(root, *QUESTIONS)
    if path is None:
        path = label_file(root, "VisionRewardDB-Video with its questions", *QUESTIONS)
    with readable(path, "text in UTF-8"):
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]


def _files(folder: Path, split: str) -> list[Path]:
    for name in FOLDERS[split]:
        place = look_for(folder, f"{name}/*.parquet")
        if place is not None:
            return sorted(place.parent.glob("*.parquet"))
    return []
