"""Clips judged on the workers of a Ray cluster: Ray Data hands blocks of clips to actors that hold the model.

A block whose worker dies is done again. One whose worker dies again is left out, and its clips are given to workers one
by one; a clip on which workers die then, too, is failed. So no clip ends a run, or harms the others of its block.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from vqinsight.common.extras import needed
from vqinsight.errors import FailedClip, ModelError, UnreadableVideo, UsageError, VQInsightError
from vqinsight.inference.ray_worker import About, Place, Worker, clip_block, describe, read_block
from vqinsight.results import ClipScore, ClipVerdict, Provenance
from vqinsight.video.inputs import Source

LEAST, MOST = 8, 32  # clips in a block: a batch of the model's, and what a killed worker undoes
TRIES = 2  # of a block, and of a clip alone
LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # without "clusters" Ray listens on loopback alone, on Linux too
_STORE_BYTES = 256 * 1024 * 1024  # Ray's memory for objects: names and results, no frames
_ANSWER_SECONDS = 10.0
_DEVICES = ("auto", "cpu", "cuda")

Finished = tuple[int, ClipScore | ClipVerdict, float | None]


@contextmanager
def connected(
    *,
    address: str | None = None,
    actors: int | None = None,
    device: str = "auto",
    on_message: Callable[[str], None] | None = None,
    **loading: Any,
) -> Iterator[RayJudge]:
    """Start Ray here, or connect to a cluster, and load the model once to know what it is; on leaving Ray ends.

    Args:
        address: of a cluster's head (``HOST:6379``), or ``auto`` for the one that runs on this machine; by default Ray
            starts here, and listens on loopback alone.
        actors: workers that hold the model; by default one for each GPU, or one.
        device: auto, cpu or cuda; Ray gives each worker a GPU of its own.
        on_message: receives notices.
        loading: further arguments of ``vqinsight.load``.

    Raises:
        UsageError: a device that Ray does not hand out, more workers than GPUs, or no such address.
        ModelError: Ray is not installed, the cluster cannot be reached, or a worker cannot load the model.
    """
    if device not in _DEVICES:
        raise UsageError(f"--device {device}: Ray gives each worker its device. Use auto, cpu or cuda.")
    if address is not None and "://" in address:
        raise UsageError(f"--address {address}: write HOST:PORT, or auto, on a machine of the cluster.")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of what it does itself, on standard error
    if address is None:
        os.environ.setdefault(LOOPBACK, "0")  # read when Ray is imported
    ray = needed("ray", "ray")
    needed("ray.data", "ray")
    before = signal.getsignal(signal.SIGTERM)
    try:
        _init(ray, address)
        signal.signal(signal.SIGTERM, before)  # Ray puts its own in place
        share = share_of(ray.cluster_resources(), actors, device, alone=address is None)
        place = Place(str(Path.cwd()), os.environ.get("OMP_NUM_THREADS"), {**loading, "device": device})
        about = _described(ray, place, share)
        if on_message is not None:
            for notice in about.notices:
                on_message(notice)
        yield RayJudge(ray, place, about, share)
    finally:
        ray.shutdown()


class RayJudge:
    """Judges clips on the workers of a cluster; see ``connected``."""

    def __init__(self, ray: Any, place: Place, about: About, share: dict[str, int]) -> None:
        self._ray, self._place, self._about = ray, place, about
        self._actors = share["actors"]
        self._each = {name: count for name, count in share.items() if name != "actors"}

    def provenance(self, samples: int, seed: int, temperature: float) -> Provenance:
        """See ``VQInsight.provenance``."""
        drawn = temperature if samples > 1 else 0.0
        return replace(self._about.provenance, samples=samples, seed=seed, temperature=drawn)

    def settings(self, samples: int, seed: int, temperature: float) -> dict[str, Any]:
        """See ``VQInsight.settings``."""
        made = self.provenance(samples, seed, temperature)
        drawn = {"samples": made.samples, "seed": made.seed, "temperature": made.temperature, "engine": made.engine}
        return {**self._about.settings, **drawn}

    def scales(self) -> dict[str, list[list[float]]]:
        """See ``VQInsight.scales``."""
        return self._about.scales

    def judge_all(
        self, verb: str, clips: Sequence[tuple[Source, str | None]], about: Mapping[str, Any], **sampling: Any
    ) -> Iterator[Finished]:
        """The place in ``clips``, the result, and the share of the seconds of each clip, as workers finish.

        Args:
            verb: score or ask.
            about: the task, or the question.
            sampling: samples, seed and temperature.

        Raises:
            ModelError: workers cannot load the model.
        """
        left = {place: (place, source, prompt) for place, (source, prompt) in enumerate(clips)}
        shared = math.ceil(len(clips) / (2 * self._actors))
        for size in (min(MOST, max(LEAST, shared)), 1):
            todo = list(left.values())
            blocks = [clip_block(todo[start : start + size]) for start in range(0, len(todo), size)]
            for finished in self._pass(blocks, (self._place, verb, {**about, **sampling})):
                del left[finished[0]]
                yield finished
        for place, source, prompt in left.values():
            yield place, self._failed(source, prompt, about, self.provenance(**sampling)), None

    def _pass(self, blocks: Sequence[Any], arguments: tuple[Any, ...]) -> Iterator[Finished]:
        """What becomes of the clips of the blocks that no worker dies of; ``arguments`` of ``Worker``."""
        if not blocks:
            return
        data = self._ray.data
        with warnings.catch_warnings():
            # it is to go with Ray 2.64, which the extra excludes, and nothing else bounds how often a block is tried
            warnings.filterwarnings("ignore", message="`ray_remote_args_fn` is deprecated")
            judged = data.from_arrow(list(blocks)).map_batches(
                Worker,
                fn_constructor_args=arguments,
                # a second block in flight would be charged for the first one's end
                compute=data.ActorPoolStrategy(size=min(self._actors, len(blocks)), max_tasks_in_flight_per_actor=1),
                batch_size=None,
                batch_format="pyarrow",
                ray_remote_args_fn=_lasting,
                **self._each,
            )
        try:
            # prefetching holds a block back until the next one is there
            for block in judged.iter_batches(prefetch_batches=0, batch_size=None, batch_format="pyarrow"):
                yield from read_block(block)
        except self._ray.exceptions.RayError as error:
            raise _plain(error) from error

    @staticmethod
    def _failed(
        source: Source, prompt: str | None, about: Mapping[str, Any], provenance: Provenance
    ) -> ClipScore | ClipVerdict:
        from vqinsight.inference import aggregate  # torch, which the driver needs for nothing else

        path = source.path if isinstance(source, UnreadableVideo) else source
        error = FailedClip(
            path,
            f"the process of a worker ended {TRIES} times on it alone",
            "Look at less of it (--frames, --max-pixels) if memory ran out, or check the clip.",
        )
        if "question" in about:
            return aggregate.verdict(path, prompt, about["question"], error, (), provenance)
        return aggregate.unscored(path, prompt, about["task"], error, provenance)


def _init(ray: Any, address: str | None) -> None:
    """Start Ray, or connect, without a word of its own."""
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is not None and address != "auto":
        _check_answer(address)
    # Ray prints what becomes of workers to standard output, which is for results alone
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    try:
        if address is None:
            ray.init(address="local", include_dashboard=False, object_store_memory=_STORE_BYTES, **quiet)
        else:
            ray.init(address=address, **quiet)
    # Ray has no class of its own for it: on a busy machine a node that does not start in time is a bare Exception.
    except Exception as error:
        where = "Ray does not start here" if address is None else f"--address {address}: no cluster can be used"
        raise ModelError(f"{where} ({_first_line(error)}).") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1  # their clips are given to workers again, and then counted
    context.max_consecutive_actor_init_deaths = TRIES
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # it prints a trace for each of them


def _check_answer(address: str) -> None:
    """Refuse an address at which nothing answers, which Ray tries for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ModelError(f"--address {address}: no cluster answers ({error}). Write HOST:PORT of its head.") from None


def _lasting() -> dict[str, int]:
    """What Ray does when a worker dies: it always starts another, which does the block again."""
    return {"max_restarts": -1, "max_task_retries": TRIES - 1}


def share_of(resources: Mapping[str, float], actors: int | None, device: str, *, alone: bool) -> dict[str, int]:
    """How many workers there are, and what each of them gets; of a cluster that is ours ``alone`` all processors."""
    cards = 0 if device == "cpu" else int(resources.get("GPU", 0))
    if device == "cuda" and not cards:
        raise UsageError("--device cuda: the cluster has no GPU. Use --device cpu.")
    if actors is not None and cards and actors > cards:
        raise UsageError(f"--actors {actors}: the cluster has {cards} GPUs, one for each. Use --device cpu, or fewer.")
    count = actors or cards or 1
    processors = int(resources.get("CPU", 1)) // count if alone else 1
    return {"actors": count, "num_cpus": max(1, processors), "num_gpus": int(cards > 0)}


def _described(ray: Any, place: Place, share: dict[str, int]) -> About:
    """What a worker says of the model. Its process ends with it, and gives memory back."""
    each = {name: count for name, count in share.items() if name != "actors"}
    try:
        about: About = ray.get(ray.remote(**each, max_calls=1, max_retries=1)(describe).remote(place))
    except ray.exceptions.RayError as error:
        raise _plain(error) from error
    return about


def _plain(error: Exception) -> VQInsightError:
    """An error of Ray's in one line; one of ours that a worker raised as it is."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, VQInsightError) and type(cause).__module__ == VQInsightError.__module__:
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    return ModelError(f"The workers of the cluster ended ({_first_line(error)}).")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
