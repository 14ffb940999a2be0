"""Results as a model would give them, and a stand-in for the model, for tests of everything that shows results."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from vqinsight.errors import ModelError, UnreadableVideo
from vqinsight.results import (
    ClipComparison,
    ClipInput,
    ClipRanking,
    ClipScore,
    ClipVerdict,
    Provenance,
    Reply,
    Standing,
)
from vqinsight.tasks.types import Choice, Dimension
from vqinsight.video.entries import PairGroup
from vqinsight.video.inputs import Source

QUALITY = Dimension("quality", 0.0, 100.0, "overall quality of the video")
GENERATED = (
    Dimension("spatial", 0.0, 100.0, "sharp, clean and well-formed frames"),
    Dimension("temporal", 0.0, 100.0, "smooth and consistent motion"),
    Dimension("alignment", 0.0, 100.0, "agreement with the text prompt"),
)
IMAGE = Dimension("quality", 1.0, 5.0, "overall quality of the image")
WHY = "A red circle moves left over grass. The frames are sharp; there is slight blocking and the motion is smooth."


def provenance(samples: int = 1) -> Provenance:
    heat = 1.0 if samples > 1 else 0.0
    return Provenance("nano", "0123456789ab", "qwen2_5_vl", "brief", samples, heat, 0, "float32", "cpu", "0.1.0")


def jpeg(seed: int, size: tuple[int, int] = (160, 90)) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 255, (3, 5, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def clip_input(warnings: tuple[str, ...] = (), previews: int = 0) -> ClipInput:
    indices = tuple(range(0, 240, 16))[:14]
    times = tuple(i / 30 for i in indices)
    shots = tuple(jpeg(i) for i in range(previews))
    return ClipInput(
        kind="video",
        width=960,
        height=540,
        source_frames=240,
        source_fps=29.97,
        duration=8.01,
        indices=indices,
        times=times,
        rule="2 fps, 4-16 frames",
        size=(112, 112),
        extra=("4 x 4 crops at native resolution",),
        warnings=warnings,
        preview=shots,
    )


def reply(value: dict[str, float] | Choice | bool | None, missing: str | None = None, why: str = WHY) -> Reply:
    return Reply(f"<think>{why}</think><answer>{value}</answer>", why, value, missing)


def score(
    path: str,
    values: Sequence[float] = (62.0,),
    *,
    prompt: str | None = None,
    spread: float | None = None,
    dimensions: tuple[Dimension, ...] | None = None,
    why: str = WHY,
    seen: ClipInput | None = None,
    lacking: dict[str, str] | None = None,
) -> ClipScore:
    """``lacking``: dimensions that have no value, whatever stands for them in ``values``."""
    dims = dimensions or (GENERATED[: len(values)] if len(values) > 1 else (QUALITY,))
    known = {d: v for d, v in zip(dims, values, strict=True) if d.key not in (lacking or {})}
    scores = {d.key: v for d, v in known.items()}
    overall = float(np.mean([100 * (v - d.low) / (d.high - d.low) for d, v in known.items()]))
    count = 5 if spread else 1
    return ClipScore(
        path=path,
        prompt=prompt,
        task="generated" if len(values) > 1 else "natural",
        status="ok",
        error=None,
        scores=scores,
        missing_dimensions=lacking or {},
        overall=overall,
        overall_of=tuple(scores),
        spread=dict.fromkeys(scores, spread) if spread else None,
        dimensions=dims,
        reasoning=why,
        replies=tuple(reply(scores, why=why) for _ in range(count)),
        input=seen or clip_input(),
        provenance=provenance(count),
    )


def unreadable(path: str) -> ClipScore:
    error = f"{path}: the file is empty (0 bytes). Copy or download it again."
    return ClipScore(
        path, None, "natural", "unreadable", error, None, {}, None, (), None, (), None, (), None, provenance()
    )


def missing(path: str) -> ClipScore:
    error = f"{path}: the model gave no usable answer (no <answer>). Try --samples 5, or another model."
    said = reply(None, "no <answer>", "I see nothing.")
    return ClipScore(
        path,
        None,
        "natural",
        "missing",
        error,
        None,
        {"quality": "no <answer>"},
        None,
        (),
        None,
        (QUALITY,),
        said.reasoning,
        (said,),
        clip_input(),
        provenance(),
    )


def comparison(
    a: str, b: str, forward: Choice | None = "A", swapped: Choice | None = "B", *, previews: int = 0
) -> ClipComparison:
    """``swapped`` is the raw answer to (b, a)."""
    if forward is None or swapped is None:
        verdict, consistent = None, None
    else:
        consistent = forward == {"A": "B", "B": "A", "tie": "tie"}[swapped]
        verdict = forward if consistent else "tie"
    sides = [value for value in (forward, swapped) if value in ("A", "B")]
    return ClipComparison(
        a=a,
        b=b,
        prompt=None,
        status="ok" if verdict else "missing",
        error=None if verdict else "an order got no usable answer (no <answer>). Try --samples 5.",
        verdict=verdict,
        consistent=consistent,
        order_bias=sum(v == "A" for v in sides) / len(sides) - 0.5 if sides else None,
        forward=(reply(forward, None if forward else "no <answer>"),),
        swapped=(reply(swapped, None if swapped else "no <answer>"),),
        input_a=clip_input(previews=previews),
        input_b=clip_input(previews=previews),
        provenance=provenance(),
    )


def ranking(paths: Sequence[str], broken: Sequence[str] = (), *, previews: int = 0) -> ClipRanking:
    """The earlier in ``paths`` the better, but every fifth pair falls to the order it is shown in."""
    pairs = [
        comparison(a, b, "A", "A" if place % 5 == 4 else "B") for place, (a, b) in enumerate(combinations(paths, 2))
    ]
    points = {"A": (1.0, 0.0), "B": (0.0, 1.0), "tie": (0.5, 0.5), None: (0.0, 0.0)}
    wins = dict.fromkeys(paths, 0.0)
    for pair in pairs:
        for path, won in zip((pair.a, pair.b), points[pair.verdict], strict=True):
            wins[path] += won
    order = sorted(paths, key=lambda p: -wins[p])
    places = [
        Standing(
            p,
            "ok",
            None,
            sum(w > wins[p] for w in wins.values()) + 1,
            wins[p],
            1.5 - i / 2,
            clip_input(previews=previews),
        )
        for i, p in enumerate(order)
    ]
    unreadable_standing = [
        Standing(p, "unreadable", f"{p}: no such file. Check the path.", None, None, None, None) for p in broken
    ]
    return ClipRanking(None, (*places, *unreadable_standing), tuple(pairs), (), 0.1, len(paths), provenance())


def verdict(path: str, yes: bool | None = True, question: str = "Is the motion reasonable?") -> ClipVerdict:
    if path.startswith("bad"):
        error = f"{path}: no such file. Check the path."
        return ClipVerdict(path, None, question, "unreadable", error, None, None, None, (), None, provenance())
    status, error = ("ok", None) if yes is not None else ("missing", f"{path}: no usable answer (no <answer>).")
    share = None if yes is None else float(yes)
    said = reply(yes, None if yes is not None else "no <answer>")
    return ClipVerdict(path, None, question, status, error, yes, share, WHY, (said,), clip_input(), provenance())


class FakeJudge:
    """Answers like ``vqinsight.VQInsight``, at once: clips named ``bad…`` are unreadable, ``mute…`` get no answer."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause, self.weights = pause, "0123456789ab"
        self.calls: list[dict[str, Any]] = []

    def score_all(self, clips: Iterable[tuple[Source, str | None]], **settings: Any) -> Iterator[ClipScore]:
        self.calls.append(settings)
        spread = 4.0 if settings["samples"] > 1 else None
        for place, (path, prompt) in enumerate(clips):
            time.sleep(self.pause)
            if isinstance(path, UnreadableVideo):
                yield replace(unreadable(path.path), prompt=prompt, error=str(path))
                continue
            name = path.rsplit("/", 1)[-1]
            if name.startswith("bad"):
                yield unreadable(path)
            elif name.startswith("mute"):
                yield missing(path)
            else:
                values = (60.0 + place, 70.5, 80.25) if prompt else (60.0 + place,)
                yield score(path, values, prompt=prompt, spread=spread, seen=clip_input(previews=2))

    def settings(self, samples: int, seed: int, temperature: float) -> dict[str, Any]:
        asked = {"samples": samples, "seed": seed, "temperature": temperature if samples > 1 else 0.0}
        return {"model": "nano", "weights": self.weights, "template": "brief", **asked, "look": {"frames": 8}}

    def scales(self) -> dict[str, list[list[float]]]:
        return {dim.key: [[dim.low, dim.high]] for dim in (QUALITY, *GENERATED)}

    def compare_all(self, groups: Iterable[PairGroup], **settings: Any) -> Iterator[ClipComparison]:
        """The earlier clip of a pair is better, but every fifth pair falls to the order it is shown in."""
        self.calls.append(settings)
        place = 0
        for group in groups:
            for i, j in group.pairs:
                time.sleep(self.pause)
                yield replace(self.pair(group.clips[i], group.clips[j], place), prompt=group.prompt)
                place += 1

    def pair(self, a: Source, b: Source, place: int) -> ClipComparison:
        """What becomes of a pair."""
        names = [clip.path if isinstance(clip, UnreadableVideo) else clip for clip in (a, b)]
        said = [str(clip) if isinstance(clip, UnreadableVideo) else None for clip in (a, b)]
        for side, name in enumerate(names):
            if Path(name).name.startswith("bad"):
                said[side] = f"{name}: no such file. Check the path."
        if any(said):
            seen = [None if each else clip_input() for each in said]
            return replace(
                comparison(*names, None),
                status="unreadable",
                error=" | ".join(filter(None, said)),
                order_bias=None,
                forward=(),
                swapped=(),
                input_a=seen[0],
                input_b=seen[1],
            )
        mute = any(Path(name).name.startswith("mute") for name in names)
        return comparison(*names, None if mute else "A", "A" if place % 5 == 4 else "B", previews=2)

    def ask_all(
        self, clips: Iterable[tuple[Source, str | None]], question: str, **settings: Any
    ) -> Iterator[ClipVerdict]:
        self.calls.append({"question": question, **settings})
        for path, _ in clips:
            time.sleep(self.pause)
            if isinstance(path, UnreadableVideo):
                yield replace(verdict(f"bad {path.path}"), path=path.path, error=str(path))
                continue
            yield verdict(path, None if path.startswith("mute") else True, question)


def fake_load(judge: FakeJudge) -> Callable[..., FakeJudge]:
    """What replaces ``vqinsight.load``; it knows the model ``nano`` and no other."""

    def load(model: str, *, on_message: Callable[[str], None], **settings: Any) -> FakeJudge:
        if model != "nano":
            raise ModelError(f"{model}: no such model. Give nano, a folder or a hub id.")
        judge.calls.append(settings)
        on_message("Needs about 1 GB of memory.")
        return judge

    return load


def fake_api(judge: FakeJudge) -> SimpleNamespace:
    """What replaces the module ``vqinsight.inference.api``, whose import would load torch."""
    return SimpleNamespace(load=fake_load(judge))
