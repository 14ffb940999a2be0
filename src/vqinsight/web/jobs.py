"""Work that takes a while: a step at a time, in turn with the work of others, with progress and an end at any step."""

from __future__ import annotations

import asyncio
import secrets
import traceback
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

from vqinsight.errors import VQInsightError
from vqinsight.serving.metrics import logger

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Place = Literal["model", "decode"]  # the thread of a step
_DECODERS = 2  # clips decoded at once
_ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Step:
    """How far work has come: ``done`` of ``total``, what comes next, and the thread that does it."""

    done: int
    total: int
    next: str
    place: Place = "model"


@dataclass(frozen=True)
class Finished:
    """The last step, with the result."""

    result: Any


Steps = Iterator[Step | Finished]


@dataclass
class Job:
    """One piece of work of one user.

    Attributes:
        kind: the page that shows it.
        asked: what was asked, for its page.
        steps: does it; ``next`` takes one step.
        result: once it is done.
        error: why it failed, in one line.
    """

    kind: str
    asked: dict[str, Any]
    steps: Steps = field(repr=False)
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: State = "waiting"
    progress: Step = Step(0, 0, "Waiting for its turn")
    result: Any = field(default=None, repr=False)
    error: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it is left to do."""
        return self.state in _ENDED

    def cancel(self) -> None:
        """End it after the step that runs; what has ended stays as it is."""
        if not self.has_ended:
            self.state = "cancelled"


class Worker:
    """Takes the jobs in turn, one step of each; made inside a running event loop.

    Args:
        at_once: steps that use the model at a time: one where it is loaded here, more for a server.
    """

    def __init__(self, at_once: int = 1) -> None:
        self._queues: dict[Place, deque[Job]] = {"model": deque(), "decode": deque()}
        self._arrived: dict[Place, asyncio.Event] = {place: asyncio.Event() for place in self._queues}
        threads: dict[Place, int] = {"model": at_once, "decode": _DECODERS}
        self._threads = {place: ThreadPoolExecutor(count, place) for place, count in threads.items()}
        self._tasks = [asyncio.create_task(self._work(place)) for place in threads for _ in range(threads[place])]

    def add(self, job: Job, place: Place = "decode") -> None:
        """Begin a job."""
        self._queues[place].append(job)
        self._arrived[place].set()

    async def close(self) -> None:
        """End; a step that runs is waited for."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for thread in self._threads.values():
            await asyncio.to_thread(thread.shutdown)

    async def _work(self, place: Place) -> None:
        queue, loop = self._queues[place], asyncio.get_running_loop()
        while True:
            if not queue:
                self._arrived[place].clear()
                await self._arrived[place].wait()
                continue
            job = queue.popleft()
            if job.has_ended:  # cancelled while it waited
                continue
            job.state = "running"
            step = loop.run_in_executor(self._threads[place], next, job.steps)
            [found] = await asyncio.gather(step, return_exceptions=True)
            if not job.has_ended:
                self._take(job, found)

    def _take(self, job: Job, found: Step | Finished | BaseException) -> None:
        if isinstance(found, Step):
            job.progress = found
            self.add(job, found.place)
        elif isinstance(found, Finished):
            job.result, job.state = found.result, "done"
        elif isinstance(found, VQInsightError):
            job.error, job.state = str(found), "failed"
        else:  # logged where it happened, without its message, which may quote paths or texts
            kind, place = type(found).__name__, traceback.extract_tb(found.__traceback__)[-1]
            logger.error("job %s: %s in %s, line %s", job.id, kind, place.name, place.lineno)
            job.error, job.state = f"An error of the server ({kind}). Its log has more under {job.id}.", "failed"
