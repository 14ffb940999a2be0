"""The queue before the model: requests share batches, fail alone, leave alone, and are finished at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from serving.conftest import CAT, CIRCLES, SQUARES

from vqinsight.inference.api import VQInsight
from vqinsight.serving.answering import Answered, Drawing, Job, complete, encode
from vqinsight.serving.engine import Engine
from vqinsight.tasks.types import Clip, Question


def job(nano: VQInsight, path: Any, drawing: Drawing = Drawing(max_new_tokens=6)) -> Job:  # noqa: B008 - frozen
    clip = nano.assessor.clips.load(str(path))
    messages = nano.assessor.prompt_set.messages(Question("natural", (Clip(str(path)),)))
    return Job((clip,), ((messages, (0,)),), drawing)


def alone(nano: VQInsight, one: Job) -> Answered:
    return complete(nano.assessor, [(one, encode(nano.assessor, one))])[0]


def with_engine(nano: VQInsight, work: Callable[[Engine], Awaitable[Any]]) -> tuple[Any, list[int]]:
    """What ``work`` gives, and the sizes of the batches."""
    batches: list[int] = []

    async def run() -> Any:
        engine = Engine(nano.assessor, on_batch=batches.append)
        try:
            return await work(engine)
        finally:
            await engine.close()

    return asyncio.run(run()), batches


def test_requests_share_a_batch_and_answers_do_not_change(nano: VQInsight) -> None:
    """Also where they are drawn differently."""
    jobs = [job(nano, CIRCLES), job(nano, CAT), job(nano, CAT, Drawing(2, 1.0, 7, 6))]

    async def work(engine: Engine) -> Any:
        return await asyncio.gather(*map(engine.ask, jobs))

    found, batches = with_engine(nano, work)
    assert batches == [3]
    assert [each.completions for each in found] == [alone(nano, one).completions for one in jobs]


def test_a_job_fails_alone(nano: VQInsight) -> None:
    """In the tower, and in the prompt."""
    good = job(nano, CIRCLES)
    no_clip = Job((), (([{"role": "user", "content": [{"type": "clip", "index": 3}]}], ()),), good.drawing)
    broken = Job((None,), good.asked, good.drawing)  # type: ignore[arg-type]

    async def work(engine: Engine) -> Any:
        return await asyncio.gather(*map(engine.ask, [broken, good, no_clip]), return_exceptions=True)

    (tower, fine, prompt), _ = with_engine(nano, work)
    assert isinstance(tower, AttributeError) and isinstance(prompt, IndexError)
    assert fine.completions == alone(nano, good).completions


def test_who_leaves_is_not_answered_and_who_stays_is(nano: VQInsight) -> None:
    jobs = [job(nano, path) for path in (CIRCLES, CAT, SQUARES)]
    before = nano.assessor.tower.clips_encoded

    async def work(engine: Engine) -> Any:
        tasks = [asyncio.ensure_future(engine.ask(one)) for one in jobs]
        await asyncio.sleep(0)
        assert engine.waiting == 3
        tasks[1].cancel()
        await asyncio.sleep(0)
        assert engine.waiting == 2
        return await asyncio.gather(*tasks, return_exceptions=True)

    found, batches = with_engine(nano, work)
    assert isinstance(found[1], asyncio.CancelledError) and batches == [2]
    assert nano.assessor.tower.clips_encoded - before == 2
    assert isinstance(found[0], Answered) and isinstance(found[2], Answered)


def test_closing_finishes_what_was_taken(nano: VQInsight) -> None:
    async def work(engine: Engine) -> Any:
        task = asyncio.ensure_future(engine.ask(job(nano, CIRCLES)))
        await asyncio.sleep(0)
        await engine.close()
        return task.done() and task.result()

    found, _ = with_engine(nano, work)
    assert isinstance(found, Answered)


@pytest.mark.parametrize("limit", [3, None])
def test_whether_an_answer_is_whole(nano: VQInsight, limit: int | None) -> None:
    one = job(nano, CIRCLES, Drawing(max_new_tokens=limit))
    ((said,),) = alone(nano, one).completions
    assert said.ended == (limit is None) and (limit is None or said.tokens == limit)
