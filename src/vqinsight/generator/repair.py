"""Zero-shot content repairing: the assessor criticises a clip, the generator remakes it, the assessor compares both.

Nothing is trained. The critique determines the new prompt and how much of the clip is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vqinsight.assessor.assessor import Assessor
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.generator.base import Generator
from vqinsight.generator.candidates import unusable
from vqinsight.generator.latents import read_clip
from vqinsight.ranking.judge import judge_pairs
from vqinsight.tasks.types import Clip, Preference, Question
from vqinsight.video.write import write_video

WORDS = "clean and smooth"  # the embedded generator's words for quality
GOOD = 0.9  # share of the range: a score from here on is no fault
_LEAST, _MOST = 0.3, 0.8  # strengths of SDEdit for the least and the most severe fault
# Words for faults, as word beginnings.
_FAULTS = {
    "spatial": "blur|nois|grain|compress|block|band|expos|artefact|artifact|pixelat|distort|deform|unsharp|soft focus",
    "temporal": "jitter|flicker|freez|shuffl|ghost|morph|stutter|jerk|unstable|inconsisten|shak|judder",
    "alignment": "mismatch|not match|contradict|instead of|disagree|not follow|wrong (?:number|colour|color)|is wrong",
}
_DENIED = re.compile(r"\b(?:no|not any|without|free of|free from|lacks?)\b[^,;]*$")


@dataclass(frozen=True)
class Critique:
    """The faults that the assessor finds.

    Attributes:
        text: its reasoning.
        scores: by dimension, ``None`` where no answer could be read.
        faults: severity in (0, 1] by dimension: below ``GOOD`` by score, or named in the text.
    """

    text: str
    scores: Mapping[str, float] | None
    faults: Mapping[str, float]


@dataclass(frozen=True)
class Plan:
    """How a clip is remade: from this text, with this share of noise; ``None`` starts from noise alone."""

    text: str
    strength: float | None


@dataclass(frozen=True)
class Completion:
    """One new clip: its file, or why there is none, and whether it was preferred in both orders."""

    file: Path | None
    problem: str | None
    accepted: bool


@dataclass(frozen=True)
class Repair:
    """One clip's repair.

    Attributes:
        critique, plan: ``critique`` is ``None`` for a blind repair; ``plan`` where no fault is found.
        attempts: the new clips, in order; only the last one can be accepted.
    """

    clip: str
    prompt: str
    critique: Critique | None
    plan: Plan | None
    attempts: tuple[Completion, ...]

    @property
    def accepted(self) -> Path | None:
        """The clip that replaces the old one; ``None`` keeps the old one."""
        return next((attempt.file for attempt in self.attempts if attempt.accepted), None)


def repair(
    generator: Generator,
    assessor: Assessor,
    clip: str,
    prompt: str,
    folder: Path,
    *,
    attempts: int = 4,
    seed: int = 0,
    words: str = WORDS,
    blind: bool = False,
) -> Repair:
    """Improve a clip, or keep it.

    Args:
        clip: of this generator's size and length, unless it is remade from noise alone.
        prompt: the text of the clip.
        folder: gets every attempt.
        attempts: most new clips; the first that the assessor prefers in both orders is accepted.
        seed: of the first attempt; each further one adds 1.
        words: appended to the prompt where the critique names a fault of quality.
        blind: no critique, the same prompt, from noise alone: the control for the effect of the acceptance test.

    Raises:
        UnreadableVideo: the clip cannot be read.
        UsageError: it is not of this generator's size.
    """
    said = None if blind else criticise(assessor, clip, prompt)
    plan = Plan(prompt, None) if said is None else plan_for(said, prompt, words)
    made: list[Completion] = []
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(attempts if plan else 0):
        file = folder / f"attempt_{number:02d}.mp4"
        made.append(_attempt(generator, assessor, clip, prompt, plan, seed + number, file))  # type: ignore[arg-type]
        if made[-1].accepted:
            break
    return Repair(clip, prompt, said, plan, tuple(made))


def criticise(assessor: Assessor, clip: str, prompt: str) -> Critique:
    """Ask the assessor for scores, and extract faults from its reasoning."""
    encoded = assessor.encode(assessor.clips.load(clip))
    question = Question("generated", (Clip(clip, prompt),))
    ((reply,),) = assessor.ask([(question, (encoded,))])
    scores = reply.value if isinstance(reply.value, dict) else None
    shares = {
        dim.key: (scores[dim.key] - dim.low) / (dim.high - dim.low)
        for dim in assessor.prompt_set.dimensions(question)
        if scores is not None and dim.key in scores
    }
    return Critique(reply.reasoning, scores, faults(reply.reasoning, shares))


def faults(text: str, shares: Mapping[str, float]) -> dict[str, float]:
    """Dimensions with faults, each with its severity in (0, 1].

    Args:
        text: a critique; a negated fault ("no blur", "free of noise") does not count.
        shares: scores by dimension, 0 the worst and 1 the best.
    """
    found = {}
    for dimension, words in _FAULTS.items():
        named = any(_complains(clause, words) for clause in re.split(r"[.;!\n]+", text.lower()))
        share = shares.get(dimension)
        if named or (share is not None and share < GOOD):
            found[dimension] = min(1.0, max(0.1, 1 - share)) if share is not None else 0.5
    return found


def _complains(clause: str, words: str) -> bool:
    return any(not _DENIED.search(clause[: match.start()]) for match in re.finditer(rf"\b(?:{words})", clause))


def plan_for(critique: Critique, prompt: str, words: str = WORDS) -> Plan | None:
    """The changed prompt and how much of the clip is kept; ``None`` without faults.

    Faults of quality are repaired from the clip's latents, with a strength that grows with the severity; content that
    does not follow the prompt is remade from noise alone, as its layout is wrong.
    """
    if not critique.faults:
        return None
    quality = [gravity for dimension, gravity in critique.faults.items() if dimension != "alignment"]
    text = f"{prompt}, {words}" if quality and words else prompt
    if "alignment" in critique.faults:
        return Plan(text, None)
    return Plan(text, round(_LEAST + (_MOST - _LEAST) * max(quality), 3))


def _attempt(
    generator: Generator, assessor: Assessor, clip: str, prompt: str, plan: Plan, seed: int, file: Path
) -> Completion:
    frames, problem = remake(generator, clip, plan, seed)
    if problem:
        return Completion(None, problem, False)
    write_video(file, frames, generator.fps)
    return Completion(file, None, prefers(assessor, str(file), clip, prompt))


def remake(generator: Generator, clip: str, plan: Plan, seed: int) -> tuple[np.ndarray, str | None]:
    """The remade clip, uint8 (F, H, W, 3), and why it is unusable, if it is."""
    start = None if plan.strength is None else _own_latents(generator, clip)
    if start is None:
        latents = generator.sample([plan.text], [seed])
    else:
        latents = generator.sample([plan.text], [seed], init_latents=start, strength=plan.strength or 1.0)
    frames = generator.decode(latents)[0].cpu().numpy()
    return frames, unusable(frames, latents[0])


def prefers(assessor: Assessor, new: str, old: str, prompt: str) -> bool:
    """Whether the new clip is preferred in both orders."""
    try:
        clips = [assessor.encode(assessor.clips.load(path)) for path in (new, old)]
    except UnreadableVideo:
        return False
    (judged,) = judge_pairs(assessor, clips, [(0, 1)], prompt)
    return judged.verdict == Preference("A")


@torch.no_grad()
def _own_latents(generator: Generator, clip: str) -> torch.Tensor:
    frames = read_clip(clip)
    if frames.shape[:3] != tuple(generator.size):
        count, height, width = frames.shape[:3]
        raise UsageError(
            f"{clip} has {count} frames of {width}×{height}; {generator.name} makes {generator.size[0]} of "
            f"{generator.size[2]}×{generator.size[1]}. Only clips of this generator can be made again from themselves."
        )
    return generator.encode_video(torch.from_numpy(frames)[None].to(generator.device))
