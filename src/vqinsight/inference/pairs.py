"""Pairs of clips compared, prompt by prompt: each clip is decoded and encoded once, and has failures of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, tee
from typing import Any

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.vision import EncodedClip
from vqinsight.errors import FailedClip, UnreadableVideo
from vqinsight.inference import aggregate
from vqinsight.inference.batches import attempt, prefetch
from vqinsight.ranking.judge import Judgement, judge_pairs
from vqinsight.results import ClipComparison, Provenance
from vqinsight.tasks.types import Clip, Question
from vqinsight.video.entries import PairGroup
from vqinsight.video.preprocess import ProcessedClip

_AT_ONCE = 64  # pairs judged together: all of 11 clips, as only together do they share what their prompts begin with
Guard = Callable[[str, Callable[[], Any]], Any]  # as ``attempt``


def compare_groups(
    assessor: Assessor,
    groups: Iterable[PairGroup],
    provenance: Provenance,
    on_seconds: Callable[[float], None] | None = None,
    guard: Guard = attempt,
) -> Iterator[ClipComparison]:
    """The pairs of each group, in order; the next clips are decoded while a group is judged.

    A pair with a clip that cannot be read or fails has that clip's status and error. Where judging several pairs fails,
    each is judged alone.

    Args:
        provenance: how answers are sampled.
        on_seconds: receives, before each record, its share of the time that its batch took.
        guard: does work on a clip or a pair, and gives its result or its failure.
    """
    named, ahead = tee(groups)
    seen = prefetch(assessor, ((clip, group.prompt) for group in ahead for clip in group.clips))
    since = time.perf_counter()
    for group in named:
        decoded = [clip for _, _, clip in islice(seen, len(group.clips))]
        too_long = guard("", partial(check_pair, assessor, group.prompt, decoded))
        clips: list[EncodedClip | UnreadableVideo] = [
            clip
            if isinstance(clip, UnreadableVideo)
            else FailedClip(clip.path, too_long.reason, too_long.remedy)
            if isinstance(too_long, FailedClip)
            else guard(clip.path, partial(assessor.encode, clip))
            for clip in decoded
        ]
        del decoded
        for start in range(0, len(group.pairs), _AT_ONCE):
            pairs = [(clips[i], clips[j]) for i, j in group.pairs[start : start + _AT_ONCE]]
            found = compare_encoded(assessor, pairs, group.prompt, provenance, guard)
            now = time.perf_counter()
            share, since = (now - since) / len(pairs), now
            for record in found:
                if on_seconds is not None:
                    on_seconds(share)
                yield record


def check_pair(assessor: Assessor, prompt: str | None, decoded: Sequence[ProcessedClip | UnreadableVideo]) -> None:
    """Refuse a prompt that is too long even beside the two smallest clips, before any is encoded."""
    readable = [clip for clip in decoded if isinstance(clip, ProcessedClip)]
    pair = sorted(readable, key=lambda clip: sum(len(view.patches) for view in clip.views))[:2]
    if len(pair) == 2:
        question = Question("compare", (Clip(pair[0].path, prompt), Clip(pair[1].path, prompt)))
        assessor.check_question(question, pair)


Pair = tuple[EncodedClip | UnreadableVideo, EncodedClip | UnreadableVideo]


def compare_encoded(
    assessor: Assessor, pairs: Sequence[Pair], prompt: str | None, provenance: Provenance, guard: Guard = attempt
) -> list[ClipComparison]:
    """Pairs of encoded clips of one prompt, in both orders; see ``compare_groups``."""
    encoded = {i: (a, b) for i, (a, b) in enumerate(pairs) if isinstance(a, EncodedClip) and isinstance(b, EncodedClip)}
    judged = dict(zip(encoded, _judge(assessor, list(encoded.values()), prompt, provenance, guard), strict=True))
    found = []
    for i, pair in enumerate(pairs):
        said = judged.get(i)
        if isinstance(said, Judgement):
            found.append(aggregate.comparison(*encoded[i], prompt, said, provenance))
        else:
            a, b = map(aggregate.standing, pair)
            found.append(aggregate.not_compared(a, b, prompt, provenance, said))
    return found


def _judge(
    assessor: Assessor,
    pairs: Sequence[tuple[EncodedClip, EncodedClip]],
    prompt: str | None,
    by: Provenance,
    guard: Guard,
) -> list[Judgement | FailedClip]:
    if not pairs:
        return []
    # By identity: the same frames under two names are two clips.
    clips = list({id(clip): clip for pair in pairs for clip in pair}.values())
    number = {id(clip): i for i, clip in enumerate(clips)}
    judge = partial(
        judge_pairs,
        assessor,
        clips,
        prompt=prompt,
        samples=by.samples,
        temperature=by.temperature,
        seed=by.seed,
    )
    wanted = [(number[id(a)], number[id(b)]) for a, b in pairs]
    together = guard("a batch", partial(judge, pairs=wanted))
    if not isinstance(together, FailedClip):
        return list(together)
    alone: list[Judgement | FailedClip] = []
    for (a, b), pair in zip(pairs, wanted, strict=True):
        name = f"{a.processed.path} against {b.processed.path}"
        said = guard(name, partial(judge, pairs=[pair]))
        alone.append(said if isinstance(said, FailedClip) else said[0])
    return alone
