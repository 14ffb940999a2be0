"""Work goes a step at a time, in turn, and ends when it is cancelled; one that fails fails alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from vqinsight.errors import UsageError
from vqinsight.web.jobs import Finished, Job, Step, Worker


def steps(name: str, said: list[str], count: int = 3) -> Iterator[Step | Finished]:
    for number in range(count):
        said.append(f"{name}{number}")
        time.sleep(0.01)
        yield Step(number + 1, count, "more")
    yield Finished(name)


def failing(error: Exception) -> Iterator[Step | Finished]:
    yield Step(1, 2, "more")
    raise error


async def ended(*jobs: Job) -> None:
    async with asyncio.timeout(20):
        while not all(job.has_ended for job in jobs):
            await asyncio.sleep(0.01)


def test_jobs_take_turns() -> None:
    async def run() -> None:
        worker, said = Worker(), []
        a, b = (Job("look", {}, steps(name, said)) for name in "ab")
        worker.add(a, "model")
        worker.add(b, "model")
        await ended(a, b)
        assert said == ["a0", "b0", "a1", "b1", "a2", "b2"]
        assert (a.state, a.result, b.result) == ("done", "a", "b")
        await worker.close()

    asyncio.run(run())


def test_a_cancelled_job_takes_no_further_step() -> None:
    async def run() -> None:
        worker, said = Worker(), []
        job = Job("look", {}, steps("a", said, 1000))
        worker.add(job, "model")
        while len(said) < 3:
            await asyncio.sleep(0.005)
        job.cancel()
        taken = len(said)
        await asyncio.sleep(0.2)
        assert job.state == "cancelled" and len(said) <= taken + 1
        job.cancel()
        other = Job("look", {}, steps("b", said, 1))
        worker.add(other, "model")
        await ended(other)
        await worker.close()

    asyncio.run(run())


def test_work_that_is_cancelled_in_its_last_step_stays_cancelled() -> None:
    def last() -> Iterator[Step | Finished]:
        time.sleep(0.2)
        yield Finished("late")

    async def run() -> None:
        worker, job = Worker(), Job("look", {}, last())
        worker.add(job, "model")
        while job.state != "running":
            await asyncio.sleep(0.005)
        job.cancel()
        await asyncio.sleep(0.5)
        assert (job.state, job.result) == ("cancelled", None)
        await worker.close()

    asyncio.run(run())


def test_a_failure_is_its_jobs_alone() -> None:
    async def run() -> None:
        worker, said = Worker(), []
        known = Job("look", {}, failing(UsageError("too long. Say less.")))
        unknown = Job("look", {}, failing(KeyError("/secret/path")))
        fine = Job("look", {}, steps("a", said))
        for job in (known, unknown, fine):
            worker.add(job)
        await ended(known, unknown, fine)
        assert (known.state, known.error) == ("failed", "too long. Say less.")
        assert unknown.state == "failed" and "KeyError" in unknown.error and "/secret" not in unknown.error
        assert fine.state == "done"
        await worker.close()

    asyncio.run(run())
