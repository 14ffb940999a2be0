"""How many clips this machine judges, and what limits it: short measurements with a loaded model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vqinsight.assessor.backbone import language_backbone, language_head
from vqinsight.common.device import cpu_threads
from vqinsight.errors import UsageError
from vqinsight.inference.api import VQInsight
from vqinsight.inference.batches import BATCH, default_task
from vqinsight.tasks.types import Clip, Question
from vqinsight.video.preprocess import ProcessedClip, sample_frames
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.write import encode

CLIPS = 64  # most clips scored
MADE = 8  # different clips made where none are given
RANKED = 6  # most clips ranked
SCORE_SECONDS, RANK_SECONDS = 15.0, 8.0  # after which scoring stops, and about which a ranking may take
_PRODUCT_SECONDS = 0.3
# Width, height, frames, frames a second, suffix, encoder options.
KINDS: dict[str, tuple[int, int, int, int, str, dict[str, str]]] = {
    "h264, 960x540": (960, 540, 120, 24, "mp4", {"preset": "veryfast", "g": "48"}),
    "h264, one keyframe": (960, 540, 120, 24, "mp4", {"preset": "veryfast", "g": "1000"}),
    "gif, 480x270": (480, 270, 60, 12, "gif", {}),
    "h264, 3840x2160": (3840, 2160, 12, 24, "mp4", {"preset": "ultrafast"}),
}


def measure(judge: VQInsight, clips: Sequence[str], folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Rates of scoring, ranking and reading, and the limit that matrix products set; ready for JSON.

    Args:
        clips: files to judge, at most ``CLIPS`` of them; for none, short clips are made.
        folder: an empty folder for the clips that are made.
        say: receives what is being measured.

    Raises:
        UsageError: not one of the clips can be judged.
    """
    say("Making clips")
    made = [film(folder / f"clip{seed}.mp4", 320, 180, 48, 24, {"preset": "veryfast"}, seed) for seed in range(MADE)]
    files = list(clips)[:CLIPS] or list(islice(cycle(map(str, made)), CLIPS))
    say("Scoring")
    score, good = _score(judge, files)
    say("Taking a batch apart")
    phases = _phases(judge, good[:BATCH])
    spent = {name: phase["seconds"] for name, phase in phases.items()}
    say("Ranking")
    ranked = _rank(judge, list(dict.fromkeys(good)), score["seconds"] / score["clips"])
    say("Reading")
    return {
        "model": judge.provenance(1, 0, 0.0).model,
        "device": str(judge.assessor.loaded.model.device),
        "dtype": str(judge.assessor.loaded.model.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "clips": "given" if clips else "made, 2 s of 320x180",
        "score": score,
        "phases": phases,
        "most_of_the_time": max(spent, key=lambda name: spent[name]),
        "limit_clips_per_hour": 3600 / sum(phase["limit_seconds"] for phase in phases.values()),
        "rank": ranked,
        "reading": {kind: _reading(judge, kind, folder) for kind in KINDS},
    }


def film(path: Path, width: int, height: int, frames: int, fps: int, options: dict[str, str], seed: int = 0) -> Path:
    """A file of waves that move over a still grain; the suffix says gif or H.264."""
    encode(path, _waves(width, height, frames, seed), fps, options, "gif" if path.suffix == ".gif" else "mp4")
    return path


def _waves(width: int, height: int, frames: int, seed: int) -> Iterator[np.ndarray]:
    grain = np.random.default_rng(seed).integers(0, 24, (height, width, 3), dtype=np.uint8)
    y, x = np.arange(height)[:, None], np.arange(width + frames * 4)
    wave = (100 + 50 * np.sin((x + seed * 31) / 37) + 50 * np.cos((x / 3 + y) / 23)).astype(np.uint8)[..., None]
    for number in range(frames):
        yield wave[:, number * 4 : number * 4 + width] + grain


def _score(judge: VQInsight, files: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Clips scored, their seconds and rate; and the files that could be read."""
    for _ in judge.score_all((file, None) for file in files[:1]):  # the first answer compiles and allocates
        pass
    seconds: list[float] = []
    good, reasons = [], []
    for record in judge.score_all(((file, None) for file in files), on_seconds=seconds.append):
        if record.status == "ok":
            good.append(record.path)
        else:
            reasons.append(record.error)
        if sum(seconds) > SCORE_SECONDS:
            break
    if not good:
        raise UsageError(f"None of the {len(reasons)} clips could be judged. The first: {reasons[0]}")
    spent = sum(seconds)
    judged = {"clips_per_hour": 3600 * len(good) / spent}  # a clip that fails takes time, and is not judged
    return {"clips": len(seconds), "failed": len(reasons), "seconds": spent, **judged}, good


def _rank(judge: VQInsight, files: Sequence[str], answer_seconds: float) -> dict[str, Any] | None:
    """Seconds of a ranking in both orders; ``None`` where there are not two clips."""
    count = min(RANKED, len(files))
    while count > 2 and count * (count - 1) * answer_seconds > RANK_SECONDS:
        count -= 1
    if count < 2:
        return None
    begun = time.perf_counter()
    judge.rank(files[:count])
    return {"clips": count, "answers": count * (count - 1), "seconds": time.perf_counter() - begun}


def _phases(judge: VQInsight, files: Sequence[str]) -> dict[str, dict[str, float]]:
    """Seconds a clip of each phase, one after another, and the least that each can take.

    The least is the floating-point operations of the weights (2 for each weight and token) at the rate of a matrix
    product of as many rows; for reading and preparing (views, small instruments) it is what they take.
    """
    assessor = judge.assessor
    body = language_backbone(assessor.loaded.model)
    clock = _Clock(assessor.loaded.model.device)
    clips = [assessor.clips.try_load(file) for file in files]
    read = clock.lap()
    loaded = [clip for clip in clips if isinstance(clip, ProcessedClip)]
    encoded = [assessor.encode(clip) for clip in loaded]
    seen = clock.lap()
    questions = [Question(default_task(clip, None), (Clip(clip.path, None),)) for clip in loaded]
    asked = [
        (assessor.prompt_set.messages(question), [clip]) for question, clip in zip(questions, encoded, strict=True)
    ]
    clock.lap()
    answers = assessor.complete_ids(asked)
    said = clock.lap()
    count = len(loaded)
    prompt = sum(len(assessor.build(*each).ids) for each in asked) / count
    tokens = sum(len(answer) for (answer,) in answers) / count
    patches = sum(view.patches.shape[0] for clip in loaded for view in clip.views) / count
    text = sum(p.numel() for name, p in body.language_model.named_parameters() if "embed_tokens" not in name)
    head, tower = language_head(assessor.loaded.model).weight.numel(), _weights(body.visual)
    with cpu_threads(assessor.loaded.threads):
        many, few = (_product_rate(assessor.loaded.model, rows) for rows in (int(prompt), count))
    return {
        "reading and preparing": {"seconds": read / count, "limit_seconds": read / count},
        "tower": {
            "seconds": seen / count,
            "limit_seconds": 2 * tower * patches / many,
            "patches": patches,
            "operations_per_second": many,
        },
        "prompt and answer": {
            "seconds": said / count,
            "limit_seconds": 2 * text * prompt / many + 2 * (text + head) * tokens / few,
            "prompt_tokens": prompt,
            "answer_tokens": tokens,
            "operations_per_second": few,
        },
    }


def _weights(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _product_rate(model: torch.nn.Module, rows: int) -> float:
    """Floating-point operations a second of a matrix product of that many rows with the model's widest layer."""
    weight = max(
        (layer.weight for layer in language_backbone(model).language_model.modules() if _is_linear(layer)),
        key=torch.Tensor.numel,
    ).detach()
    given = torch.randn(rows, weight.shape[1], dtype=weight.dtype, device=weight.device)
    given @ weight.T
    clock, repeats, spent = _Clock(weight.device), 0, 0.0
    while spent < _PRODUCT_SECONDS:
        for _ in range(8):
            given @ weight.T
        repeats, spent = repeats + 8, spent + clock.lap()
    return 2 * rows * weight.numel() * repeats / spent


def _is_linear(layer: torch.nn.Module) -> bool:
    return isinstance(layer, torch.nn.Linear)


class _Clock:
    """Seconds between laps, with the work of a card done."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._since = self._now()

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap."""
        before, self._since = self._since, self._now()
        return self._since - before


def _reading(judge: VQInsight, kind: str, folder: Path) -> dict[str, float]:
    """Seconds in which a file of that kind is checked and its frames are read, as for a score."""
    width, height, frames, fps, suffix, options = KINDS[kind]
    path = film(folder / f"read.{suffix}", width, height, frames, fps, options)
    spent = []
    count = 0
    for _ in range(2):
        begun = time.perf_counter()
        info = probe(path)
        wanted = sample_frames(judge.assessor.loaded.settings, info.frames, info.times).indices
        count = sum(1 for _ in iter_frames(info, wanted))
        spent.append(time.perf_counter() - begun)
    return {"clip_seconds": frames / fps, "frames_read": count, "seconds": min(spent), "per_hour": 3600 / min(spent)}
