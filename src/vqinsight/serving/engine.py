"""The one thread that uses the model: waiting requests are answered together, and each fails by itself."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from vqinsight.assessor.assessor import Assessor
from vqinsight.serving.answering import Answered, Job, complete, encode

_GATHER = 0.005  # seconds in which requests that arrive together join one batch
_QUESTIONS = 64  # of a batch; ``batch_tokens`` cuts it further
Result = TypeVar("Result")


class Engine:
    """A queue before the model, for one event loop.

    Args:
        on_batch: called with the number of requests of each batch.
    """

    def __init__(self, assessor: Assessor, on_batch: Callable[[int], None] = lambda _: None) -> None:
        self._assessor = assessor
        self._on_batch = on_batch
        self._thread = ThreadPoolExecutor(1, "model")
        self._waiting: deque[tuple[Job, asyncio.Future[Answered]]] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._worker = asyncio.create_task(self._work())

    async def ask(self, job: Job) -> Answered:
        """The answers; a caller that is cancelled while it waits takes its job with it.

        Raises:
            Exception: whatever this job raised: no other job's errors.
        """
        answered: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, answered))
        self._arrived.set()
        return await answered

    @property
    def waiting(self) -> int:
        """Jobs that are not begun."""
        return sum(not answered.cancelled() for _, answered in self._waiting)

    async def close(self) -> None:
        """Answer what waits, then end the thread."""
        self._closing = True
        self._arrived.set()
        await self._worker
        self._thread.shutdown()

    async def _work(self) -> None:
        while not self._closing or self._waiting:
            await self._arrived.wait()
            self._arrived.clear()
            await asyncio.sleep(_GATHER)
            while batch := self._take():
                self._on_batch(len(batch))
                await self._answer(batch)

    def _take(self) -> list[tuple[Job, asyncio.Future[Answered]]]:
        batch: list[tuple[Job, asyncio.Future[Answered]]] = []
        asked = 0
        while self._waiting:
            job, answered = self._waiting[0]
            if batch and asked + len(job.asked) > _QUESTIONS:
                break
            self._waiting.popleft()
            if not answered.cancelled():  # its client has left
                batch.append((job, answered))
                asked += len(job.asked)
        return batch

    async def _answer(self, batch: list[tuple[Job, asyncio.Future[Answered]]]) -> None:
        ready = []
        for job, answered in batch:
            [clips] = await asyncio.gather(self._run(encode, self._assessor, job), return_exceptions=True)
            if isinstance(clips, BaseException):
                _settle(answered, clips)
            else:
                ready.append((job, clips, answered))
        if not ready:
            return
        jobs = [(job, clips) for job, clips, _ in ready]
        [found] = await asyncio.gather(self._run(complete, self._assessor, jobs), return_exceptions=True)
        if not isinstance(found, BaseException):
            for (_, _, answered), result in zip(ready, found, strict=True):
                _settle(answered, result)
        elif len(ready) == 1:
            _settle(ready[0][2], found)
        else:  # one of them failed: each alone, so that it fails alone
            for job, clips, answered in ready:
                alone = self._run(complete, self._assessor, [(job, clips)])
                [own] = await asyncio.gather(alone, return_exceptions=True)
                _settle(answered, own if isinstance(own, BaseException) else own[0])

    async def _run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


def _settle(answered: asyncio.Future[Answered], result: Answered | BaseException) -> None:
    if answered.done():  # cancelled
        return
    if isinstance(result, BaseException):
        answered.set_exception(result)
    else:
        answered.set_result(result)
