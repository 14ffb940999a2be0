"""A server's speed, and four times its load: python -m benchmarks.performance.serving [--json FILE].

Parts, each kept in FILE once it is measured, and left out where it is there already: ``offline`` (``score_all`` over
the same clips in this process), ``clients 1``, ``clients 4`` and ``clients 16`` (each asks for one clip at a time), and
``overload``: requests come at four times the rate of 16 clients, whether earlier ones are answered or not. Every
accepted answer is compared with the offline one.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.performance.reward_server import Server
from benchmarks.results import ROOT, keep
from vqinsight.inference.api import load

CLIPS = sorted((ROOT / "examples").glob("*.mp4"))
TEXT = "two red circles moving left"
CLIENTS = (1, 4, 16)
LOAD = 4  # times what the server takes
MIB = 1024 * 1024
Scores = list[dict[str, float] | None]


def offline(seconds: float) -> tuple[dict[str, Any], Scores]:
    """Clips a second of ``score_all`` in so many seconds or more, and the scores of each clip."""
    judge = load("nano")
    scores: Scores = [record.scores for record in judge.score_all([(str(clip), TEXT) for clip in CLIPS])]
    done, begun = 0, time.perf_counter()
    while time.perf_counter() < begun + seconds:
        done += len(list(judge.score_all([(str(clip), TEXT) for clip in CLIPS] * 4)))
    rate = round(done / (time.perf_counter() - begun), 3)
    return {"clips_per_second": rate, "clips": done}, scores


def bodies() -> list[dict[str, Any]]:
    """A request for each clip."""
    return [{"clips": [{"video": base64.b64encode(clip.read_bytes()).decode()}], "prompt": TEXT} for clip in CLIPS]


def is_right(answer: httpx.Response, expected: dict[str, float] | None) -> bool:
    """Whether an answer is the offline one."""
    (record,) = answer.json()["results"]
    return bool(record["scores"] == expected)


def clients(count: int, seconds: float, expected: Scores) -> dict[str, Any]:
    """Speed with so many clients, each of which waits for its answer before it asks again."""
    sent = bodies()
    latencies: list[float] = []
    wrong = 0
    server = Server("--queue", "64")
    try:
        with httpx.Client(base_url=server.url, timeout=600, trust_env=False) as client:
            client.post("/v1/score", json=sent[0]).raise_for_status()  # what is slow once
            begun = time.perf_counter()

            def ask(number: int) -> None:
                nonlocal wrong
                place = number
                while time.perf_counter() < begun + seconds:
                    since = time.perf_counter()
                    answer = client.post("/v1/score", json=sent[place % len(sent)]).raise_for_status()
                    latencies.append(time.perf_counter() - since)
                    wrong += not is_right(answer, expected[place % len(sent)])
                    place += 1

            with ThreadPoolExecutor(count) as pool:
                list(pool.map(ask, range(count)))
            spent = time.perf_counter() - begun
    finally:
        server.close()
    return {
        "clips_per_second": round(len(latencies) / spent, 3),
        "requests": len(latencies),
        "seconds": round(spent, 1),
        **percentiles(latencies),
        "wrong": wrong,
    }


def percentiles(latencies: list[float]) -> dict[str, float | None]:
    """Seconds from request to answer: the half and 19 of 20 are faster. ``None`` with fewer than two."""
    if len(latencies) < 2:
        return {"p50": None, "p95": None}
    cuts = statistics.quantiles(latencies, n=20, method="inclusive")
    return {"p50": round(cuts[9], 3), "p95": round(cuts[18], 3)}


class Memory:
    """Resident memory of a process and its children, in MiB, while it is watched."""

    def __init__(self, process: int) -> None:
        self._process = psutil.Process(process)
        self.seen = [self._now()]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _now(self) -> float:
        total = self._process.memory_info().rss
        for child in self._process.children(recursive=True):
            try:
                total += child.memory_info().rss
            except psutil.NoSuchProcess:  # a decoder that has ended since
                continue
        return round(total / MIB, 1)

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            self.seen.append(self._now())

    def end(self) -> dict[str, float]:
        """Stop watching. The means of the first and the last quarter show whether it grows."""
        self._ended.set()
        self._thread.join()
        self.seen.append(self._now())
        quarter = max(1, len(self.seen) // 4)
        return {
            "start": self.seen[0],
            "end": self.seen[-1],
            "max": max(self.seen),
            "first_quarter": round(statistics.fmean(self.seen[:quarter]), 1),
            "last_quarter": round(statistics.fmean(self.seen[-quarter:]), 1),
        }


def overload(rate: float, seconds: float, expected: Scores) -> dict[str, Any]:
    """What becomes of requests that come at ``rate`` a second."""
    sent = [json.dumps(body).encode() for body in bodies()]
    statuses, latencies = Counter[str](), list[float]()
    wrong = without = 0
    server = Server("--queue", "8", "--queue-wait", "2")

    async def ask(client: httpx.AsyncClient, place: int) -> None:
        nonlocal wrong, without
        since = time.perf_counter()
        try:
            answer = await client.post("/v1/score", content=sent[place], headers={"Content-Type": "application/json"})
        except httpx.TransportError as error:
            statuses[type(error).__name__] += 1
            return
        statuses[str(answer.status_code)] += 1
        if answer.status_code == 200:
            latencies.append(time.perf_counter() - since)
            wrong += not is_right(answer, expected[place])
        without += answer.status_code == 429 and "retry-after" not in answer.headers

    async def run() -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        async with httpx.AsyncClient(base_url=server.url, timeout=600, limits=limits, trust_env=False) as client:
            begun, number, asking = time.perf_counter(), 0, []
            while (due := number / rate) < seconds:
                await asyncio.sleep(max(0.0, begun + due - time.perf_counter()))
                asking.append(asyncio.create_task(ask(client, number % len(sent))))
                number += 1
            await asyncio.gather(*asking)

    try:
        httpx.post(f"{server.url}/v1/score", content=sent[0], headers={"Content-Type": "application/json"}, timeout=600)
        memory = Memory(server.process.pid)
        asyncio.run(run())
        held = memory.end()
    finally:
        server.close()
    return {
        "requests_per_second": round(rate, 3),
        "seconds": seconds,
        "statuses": dict(statuses),
        "without_retry_after": without,
        "wrong": wrong,
        **percentiles(latencies),
        "rss_mib": held,
    }


def main() -> None:
    """Measure the parts that are not in the file, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="of overload; a quarter of it for the other parts")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    kept = given.json and given.json.is_file() and json.loads(given.json.read_text(encoding="utf-8"))
    parts: dict[str, Any] = kept["parts"] if kept and kept["seconds"] == given.seconds else {}
    # Always: the answers are compared with it. Its rate is kept from the first time.
    measured, expected = offline(0.0 if "offline" in parts else given.seconds / 4)

    def measure(name: str, found: dict[str, Any]) -> None:
        parts[name] = {**found, "load": round(os.getloadavg()[0], 1)}
        print(name, json.dumps(parts[name]), flush=True)
        keep({"seconds": given.seconds, "parts": parts}, given.json)

    if "offline" not in parts:
        measure("offline", measured)
    for count in CLIENTS:
        if f"clients {count}" not in parts:
            measure(f"clients {count}", clients(count, given.seconds / 4, expected))
    if "overload" not in parts:
        rate = LOAD * parts[f"clients {CLIENTS[-1]}"]["clips_per_second"]
        measure("overload", overload(rate, given.seconds, expected))


if __name__ == "__main__":
    main()
