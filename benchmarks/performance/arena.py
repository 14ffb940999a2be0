"""Votes that outlive kills: python -m benchmarks.performance.arena [--votes 500] [--raters 8] [--json FILE].

Raters vote at once over HTTP on ``vqinsight arena serve``, a process of its own, which is killed with SIGKILL in the
middle and started again. A rater sends a vote until it is acknowledged, and some votes twice. Counted: votes that were
acknowledged and are not stored, or stored more than once, or with another content; directly after each kill, and at
the end. A kill ends the process, not the machine: what a loss of power does is not measured.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.results import ROOT, store
from vqinsight.web.arena.raters import add_rater
from vqinsight.web.arena.votes import open_votes

SAID = ("left", "right", "tie", "both_bad", "skip")
Body = dict[str, Any]


class Server:
    """``vqinsight arena serve``; it is started again on the same port."""

    def __init__(self, votes: Path, clips: Path) -> None:
        self._command = [sys.executable, "-m", "vqinsight", "arena", "serve", str(votes), str(clips), "--quiet"]
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and return once it listens."""
        command = [*self._command, "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        found = re.search(r":(\d+)/arena$", self.process.stdout.readline())
        if found is None:
            raise SystemExit("the server did not start; what it printed above says why")
        self.port = int(found[1])

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass
class Load:
    """What raters did.

    Attributes:
        acknowledged: by id, the votes the server has answered with 200.
        seconds: of each answered request with a vote, the first time or again.
        refused: answers that are none of 200 and 503.
    """

    most: int
    acknowledged: dict[str, Body] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def vote(self, url: str, token: str, seed: int) -> None:
        """Vote as one rater until all have given ``most`` votes together, or no pair is left."""
        rng = random.Random(seed)
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            self._until(client, "POST", "/arena/session", {"token": token})
            while len(self.acknowledged) < self.most:
                pair = self._until(client, "GET", "/arena/next").json()["pair"]
                if pair is None:
                    return
                shown = {"pair": pair["id"], "swapped": pair["swapped"], "follows": pair["follows"]}
                said = rng.choices(SAID, (4, 4, 1, 1, 1))[0]
                body = {"id": str(uuid4()), "said": said, "clicked": int(1000 * time.time()), **shown}
                for _ in range(1 + (rng.random() < 0.2)):  # every fifth vote comes twice
                    answer = self._until(client, "POST", "/arena/votes", body)
                    with self.lock:
                        if answer.status_code == 200:
                            self.acknowledged[body["id"]] = body
                        else:
                            self.refused[answer.status_code] += 1

    def _until(self, client: httpx.Client, method: str, path: str, body: Body | None = None) -> httpx.Response:
        """The answer of a server that may be away for a while."""
        deadline = time.monotonic() + 300
        while True:
            begun = time.perf_counter()
            try:
                answer = client.request(method, path, json=body)
                if answer.status_code != 503:
                    if path == "/arena/votes":
                        with self.lock:
                            self.seconds.append(time.perf_counter() - begun)
                    return answer
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.05)


def lost(votes: Path, acknowledged: dict[str, Body]) -> dict[str, int]:
    """Acknowledged votes that are not stored exactly once with their content, and pairs that a rater judged twice."""
    with open_votes(votes) as opened:
        stored = opened.revisions()
    times = Counter(vote.id for vote in stored)
    found = {vote.id: vote for vote in stored}
    kept = [(body, found[key]) for key, body in acknowledged.items() if key in found]
    same = ("pair", "said", "swapped", "follows", "clicked")
    return {
        "missing": len(acknowledged) - len(kept),
        "repeated": sum(count - 1 for count in times.values()),
        "altered": sum(any(body[name] != getattr(vote, name) for name in same) for body, vote in kept),
        "pairs_twice": sum(count > 1 for count in Counter((vote.rater, vote.pair) for vote in stored).values()),
    }


def run(folder: Path, votes: int, raters: int, kills: int, clips: int) -> dict[str, Any]:
    """Votes of so many raters with so many kills; ``clips`` make the pairs."""
    candidates, file = folder / "candidates" / "a cat", folder / "votes.db"
    candidates.mkdir(parents=True)
    for number in range(clips):
        shutil.copy(ROOT / "examples" / "cat.mp4", candidates / f"{number}.mp4")
    with open_votes(file, make=True) as opened:
        tokens = [add_rater(opened, f"rater {number}") for number in range(raters)]
    server, load = Server(file, candidates.parent), Load(votes)
    after = []
    try:
        threads = [
            threading.Thread(target=load.vote, args=(server.url, token, seed)) for seed, token in enumerate(tokens)
        ]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for kill in range(1, kills + 1):
            while len(load.acknowledged) < votes * kill // (kills + 1) and any(each.is_alive() for each in threads):
                time.sleep(0.001)
            server.kill()
            after.append(lost(file, dict(load.acknowledged)))
            server.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - begun
    finally:
        server.kill()
    with open_votes(file) as opened:
        stored = len(opened.revisions())
    times = sorted(load.seconds)
    return {
        "raters": raters,
        "kills": kills,
        "acknowledged": len(load.acknowledged),
        "stored": stored,
        "answered": len(load.seconds),
        "refused": dict(load.refused),
        "after_kills": after,
        "at_the_end": lost(file, load.acknowledged),
        "p50_ms": round(1000 * statistics.median(times), 1),
        "p95_ms": round(1000 * times[int(0.95 * len(times))], 1),
        "seconds": round(seconds, 1),
    }


def main() -> None:
    """Vote, print and store what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--votes", type=int, default=500)
    parser.add_argument("--raters", type=int, default=8)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--json", type=Path, help="file for the result")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store(run(Path(folder), given.votes, given.raters, given.kills, clips=16), given.json)


if __name__ == "__main__":
    main()
