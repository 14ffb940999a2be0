"""What every protocol of the server shares: clips are seen, questions answered, records and rewards made."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.inference import aggregate, batches
from vqinsight.inference.api import VQInsight
from vqinsight.inference.batches import score_question
from vqinsight.ranking import tally
from vqinsight.ranking.judge import both_orders, judgement
from vqinsight.results import ClipComparison, ClipRanking, ClipScore, Provenance, Reply
from vqinsight.serving.answering import Answered, Drawing, Job, questions_job, replies
from vqinsight.serving.decoder import Decoder
from vqinsight.serving.engine import Engine
from vqinsight.serving.limits import Limits
from vqinsight.serving.metrics import Metrics
from vqinsight.serving.rewards import Asked, Batch, Numbers, Seen, check_rewards, known_rewards
from vqinsight.serving.uploads import Upload, lay_down
from vqinsight.tasks.types import Clip, Question, TaskName
from vqinsight.video.preprocess import ProcessedClip

_DECODERS = 2  # clips decoded at once


class Service:
    """A loaded model behind a queue; made inside a running event loop."""

    def __init__(self, judge: VQInsight, decoder: Decoder, limits: Limits, allowed: Sequence[Path], metrics: Metrics):
        self.judge = judge
        self.limits = limits
        self.metrics = metrics
        self.engine = Engine(judge.assessor, on_batch=metrics.batch.observe)
        self._allowed = [place.resolve() for place in allowed]
        self._decoder = decoder
        self._threads = ThreadPoolExecutor(_DECODERS, "decode")

    @property
    def model(self) -> str:
        """The model's name without the folders above it."""
        name = self.judge.assessor.loaded.name
        return Path(name).name if Path(name).is_dir() else name

    @property
    def rewards(self) -> tuple[str, ...]:
        """Names of the rewards."""
        return known_rewards(self.judge.assessor.prompt_set)

    async def close(self) -> None:
        """Finish what was taken."""
        await self.engine.close()
        self._threads.shutdown()
        await asyncio.to_thread(self._decoder.close)

    async def see(self, uploads: Sequence[Upload]) -> list[Seen]:
        """The clips as the model is shown them, in order; one that cannot be read is its own error.

        Raises:
            UsageError: none, or more than ``max_clips``.
        """
        if not 0 < len(uploads) <= self.limits.max_clips:
            raise UsageError(f"{len(uploads)} clips were sent, and 1 to {self.limits.max_clips} are allowed.")
        loop = asyncio.get_running_loop()
        seen = await asyncio.gather(*(loop.run_in_executor(self._threads, self._see, upload) for upload in uploads))
        for each in seen:
            self.metrics.clips.labels("read" if isinstance(each, ProcessedClip) else "unreadable").inc()
        return seen

    async def ask(self, seen: Sequence[Seen], asked: Sequence[Asked], drawing: Drawing) -> tuple[list[Any], Answered]:
        """The replies to questions about seen clips, and the encoded clips."""
        job = questions_job(self.judge.assessor, seen, asked, drawing)
        answered = await self.engine.ask(job)
        found: list[tuple[Reply, ...]] = replies(self.judge.assessor, seen, asked, answered)
        return found, answered

    async def complete(self, job: Job) -> Answered:
        """Raw completions."""
        return await self.engine.ask(job)

    async def score(
        self, uploads: Sequence[Upload], prompts: Sequence[str | None], task: TaskName | None, drawing: Drawing
    ) -> list[ClipScore]:
        """A record a clip."""
        seen = await self.see(uploads)
        asked: list[Asked] = [
            (score_question(task, clip.path, prompt, clip), (i,))
            for i, (clip, prompt) in enumerate(zip(seen, prompts, strict=True))
            if isinstance(clip, ProcessedClip)
        ]
        found, _ = await self.ask(seen, asked, drawing)
        said = iter(zip(asked, found, strict=True))
        records, by = [], self.provenance(drawing)
        for clip, prompt in zip(seen, prompts, strict=True):
            became: batches.Answered | UnreadableVideo
            if isinstance(clip, UnreadableVideo):
                became = clip
            else:
                (question, _), mine = next(said)
                became = batches.Answered(clip, question, mine)
            records.append(aggregate.score(clip.path, prompt, task, became, self.judge.assessor.prompt_set, by))
        return records

    async def rank(self, uploads: Sequence[Upload], prompt: str | None, drawing: Drawing) -> ClipRanking:
        """All pairs in both orders, as ``VQInsight.rank``.

        Raises:
            UsageError: fewer than two clips, or two of one name.
        """
        if len(uploads) < 2 or len({upload.name for upload in uploads}) < len(uploads):
            raise UsageError("Send at least two clips, each with a name of its own.")
        seen = await self.see(uploads)
        readable = [i for i, clip in enumerate(seen) if isinstance(clip, ProcessedClip)]
        pairs = tally.all_pairs(len(readable))
        clips = [Clip(each.path, prompt) for each in seen]
        asked: list[Asked] = [
            (Question("compare", (clips[a], clips[b])), (a, b))
            for a, b in both_orders((readable[i], readable[j]) for i, j in pairs)
        ]
        found, answered = await self.ask(seen, asked, drawing)
        judged = [judgement(*both) for both in zip(found[::2], found[1::2], strict=True)]
        unreadable = [(clip.path, clip) for clip in seen if isinstance(clip, UnreadableVideo)]
        return aggregate.ranking(prompt, answered.clips, unreadable, pairs, judged, self.provenance(drawing))

    async def compare(self, a: Upload, b: Upload, prompt: str | None, drawing: Drawing) -> ClipComparison:
        """Which of two clips is better, in both orders."""
        ranking = await self.rank([a, b], prompt, drawing)
        if ranking.comparisons:
            return ranking.comparisons[0]
        by_name = {standing.path: standing for standing in ranking.standings}
        return aggregate.not_compared(by_name[a.name], by_name[b.name], prompt, ranking.provenance)

    async def reward(
        self,
        names: Sequence[str],
        uploads: Sequence[Upload],
        prompts: Sequence[str | None],
        groups: Sequence[Hashable],
    ) -> list[Numbers]:
        """The rewards of each clip, or why there is none.

        Raises:
            UsageError: an unknown reward, or a group of several prompts.
        """
        check_rewards(names, self.judge.assessor.prompt_set)
        batch = Batch(tuple(names), tuple(await self.see(uploads)), tuple(prompts), tuple(groups))
        asked = batch.asked()
        found, _ = await self.ask(batch.seen, asked, Drawing())
        return batch.numbers(self.judge.assessor.prompt_set, found, self.provenance(Drawing()))

    def provenance(self, drawing: Drawing) -> Provenance:
        """Which model answers, without folders of this machine."""
        by = self.judge.provenance(drawing.samples, drawing.seed, drawing.temperature)
        return replace(by, model=self.model)

    def _see(self, upload: Upload) -> Seen:
        with tempfile.TemporaryDirectory(prefix="vqinsight-") as folder:
            try:
                place = lay_down(upload, Path(folder), self._allowed, self.limits)
            except UnreadableVideo as error:
                return error
            return self._decoder.decode(str(place), upload.name, upload.fps)
