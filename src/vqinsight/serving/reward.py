"""The reward as a callable: videos and prompts in, numbers or the reason of their absence out."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.inference.api import VQInsight, load
from vqinsight.serving.answering import Drawing, complete, encode, questions_job, replies
from vqinsight.serving.rewards import Batch, Seen, check_rewards
from vqinsight.tasks.types import Missing, TaskName
from vqinsight.video.arrays import frames_array, preprocess_array
from vqinsight.video.preprocess import ProcessedClip


def reward(
    videos: Iterable[Any],
    prompts: Sequence[str | None] | str | None = None,
    *,
    dimensions: Sequence[str] | None = None,
    groups: Sequence[Hashable] | None = None,
    model: str | VQInsight = "nano",
    task: TaskName | None = None,
    fps: float | None = None,
    samples: int = 1,
    temperature: float = 1.0,
    seed: int = 0,
) -> list[dict[str, float | Missing] | Missing]:
    """Rewards of videos, deterministic by default.

    Args:
        videos: each a path, the bytes of a file, or uint8 frames (T, H, W, 3) or (T, 3, H, W) as an array or tensor;
            one frame is an image.
        prompts: the text of each video, or one text for all.
        dimensions: names of rewards: dimensions of the model, ``overall`` (0 to 100), and ``win_rate`` (0 to 1): Eq. 8
            inside a group, asked in both orders; a tie counts one half, a pair without an answer does not count. By
            default the dimensions of each video's task and ``overall``.
        groups: key of each video's group for ``win_rate``; by default videos of one prompt are a group.
        model: as for ``vqinsight.load``, or a loaded model. The last one loaded by name is kept.
        task: what to score, as for ``score_all``.
        fps: frames per second of frames in memory; 24 is assumed.
        samples, temperature, seed: as for ``score_all``; one sample is the most likely answer.

    Returns:
        For each video its rewards by name, higher is better, or ``Missing`` with the reason for one that is not there:
        the answer lacks that dimension (``overall`` needs all), the group has one video, or fewer than half of its
        pairs an answer. ``Missing`` alone where no reward is there: the video cannot be read, or there is no usable
        answer.

    Raises:
        UsageError: an unknown reward, lists of different lengths, a group of several prompts, frames that are not
            uint8, a prompt longer than the model takes.
        ModelError: the model cannot be loaded, or runs out of memory.
    """
    if isinstance(videos, str | bytes | Path):
        raise UsageError("The first argument is a list of videos. Put a single one into brackets.")
    given = list(videos)
    texts = (prompts,) * len(given) if prompts is None or isinstance(prompts, str) else tuple(prompts)
    keys = texts if groups is None else tuple(groups)
    if not len(given) == len(texts) == len(keys):
        raise UsageError(f"{len(given)} videos, {len(texts)} prompts and {len(keys)} groups: give one for each video.")
    judge = _loaded(model) if isinstance(model, str) else model
    assessor = judge.assessor
    check_rewards(dimensions or (), assessor.prompt_set)
    batch = Batch(tuple(dimensions or ()), tuple(_read(judge, given, fps)), texts, keys, task)
    asked = batch.asked()
    drawing = Drawing(samples, temperature if samples > 1 else 0.0, seed)
    job = questions_job(assessor, batch.seen, asked, drawing)
    said = replies(assessor, batch.seen, asked, complete(assessor, [(job, encode(assessor, job))])[0])
    found = batch.numbers(assessor.prompt_set, said, judge.provenance(samples, seed, temperature))
    return [_plain(numbers) for numbers in found]


@lru_cache(maxsize=1)
def _loaded(model: str) -> VQInsight:
    return load(model)


def _read(judge: VQInsight, videos: list[Any], fps: float | None) -> list[Seen]:
    """The videos as the model is shown them, in order; files are decoded in the background."""
    loader = judge.assessor.clips
    with tempfile.TemporaryDirectory(prefix="vqinsight-") as folder:
        paths: dict[int, str] = {}
        for number, video in enumerate(videos):
            if isinstance(video, str | Path):
                paths[number] = str(video)
            elif isinstance(video, bytes | bytearray | memoryview):
                place = Path(folder, str(number))
                place.write_bytes(video)
                paths[number] = str(place)
        seen: dict[int, Seen] = {}
        for number, found in zip(paths, loader.prefetch(paths.values()), strict=True):
            held = not isinstance(videos[number], str | Path)
            seen[number] = renamed(found, f"video {number + 1}", folder) if held else found
        for number, video in enumerate(videos):
            if number not in paths:
                frames = frames_array(video)
                name = f"video {number + 1}"
                how = (loader.settings, loader.spec, loader.views)
                seen[number] = preprocess_array(name, frames, *how, fps=fps, observe=loader.observe)
    return [seen[number] for number in range(len(videos))]


def renamed(found: Seen, name: str, folder: str) -> Seen:
    """A clip that was read from a temporary file, under the name that the user knows."""
    if isinstance(found, ProcessedClip):
        return replace(found, path=name)
    return UnreadableVideo(name, found.reason.replace(folder, ""), found.remedy)


def _plain(numbers: dict[str, float | Missing]) -> dict[str, float | Missing] | Missing:
    reasons = [value.reason for value in numbers.values() if isinstance(value, Missing)]
    return numbers if len(reasons) < len(numbers) else Missing("; ".join(dict.fromkeys(reasons)))
