"""Faults between processes: a server that misbehaves, clients that leave, workers that die, files that change."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.performance.faults_clips import film
from benchmarks.performance.faults_runs import Row, as_straight, asked, helper, judged, row_of, rows, serving
from benchmarks.performance.reward_server import Server

CLIPS, EACH, DEADLINE = 64, 8, 20.0
_STEP, _DARKEST, _OTHER = 3, 20, 100  # levels of grey
_ASKED, _DYING = 24, 3
_GOOD = json.dumps({"choices": [{"message": {"content": "<answer>50</answer>"}}]}).encode()


def endpoint(folder: Path) -> Row:
    """Seven faults of a server, 8 times each, over 64 clips: what passes, what stays, and what stays for one run."""
    server_of = helper("endpoint")
    kinds: dict[str, list[Callable[..., None]]] = {
        "timeout": [server_of.hangs(0.6 * DEADLINE)],
        "429": [server_of.fails(429, retry_after="0.2")],
        "500": [server_of.fails(500), server_of.fails(503)],
        "dropped": [server_of.drops],
        "silent for a run": [server_of.drops] * 100,
        "garbage": [server_of.says(b"<html>it works</html>")],
        "half a JSON": [server_of.says(_GOOD[: len(_GOOD) // 2])],
    }
    stays = ("garbage", "half a JSON")
    names = _greys(folder / "clips")
    kind_of = dict(zip(names, (kind for kind in kinds for _ in range(EACH)), strict=False))
    with serving() as server:
        asked(server, folder, "clips", "straight")
        straight = rows(folder / "straight")
        faults = {number: deque(kinds[kind_of[name]]) for number, name in enumerate(names) if name in kind_of}
        counts: Counter[str] = Counter()

        def act(handler: Any, body: Any) -> None:
            number = round((server_of.brightness(body)[0] - _DARKEST) / _STEP)
            if faults.get(number):
                fault = faults[number].popleft()
                counts[kind_of[names[number]]] += 1
                fault(handler, body)
            else:
                handler.complete(server.answer(body))

        server.script.extend([act] * 10_000)
        sound = asked(server, folder, "clips", "results", DEADLINE) == 1
        first = Counter(row["status"] for row in rows(folder / "results"))
        faults.clear()
        sound &= asked(server, folder, "clips", "results") == 1
    found = rows(folder / "results")
    wrong = as_straight(found, [row for row in straight if kind_of.get(Path(row["path"]).name) not in stays])
    missing = [row for row in found if kind_of.get(Path(row["path"]).name) in stays]
    wrong += sum(
        row["status"] != "missing" or row["overall"] is not None or "no complete JSON" not in row["error"]
        for row in missing
    )
    there = Counter(row["id"] for row in found)
    more = {"faults": dict(counts), "without_an_answer": {"first run": first["missing"], "in the end": len(missing)}}
    return row_of(counts.total(), {row["id"] for row in straight}, there, wrong, sound=sound, **more)


def changed(folder: Path) -> Row:
    """Files get other frames while a run reads and asks: in place and by another file; then the run is repeated."""
    draw = random.Random(33)
    names = _greys(folder / "clips")
    _greys(folder / "others", _OTHER)
    done, asked_about = set[int](), count()
    with serving() as server:
        plain = server.answer

        def answer(body: Any) -> str:
            number = next(asked_about)
            if number % 2 == 0:
                other = min(CLIPS - 1, number + draw.choice((0, 1, 8, 12, 17, 22)))
                if other not in done:
                    done.add(other)
                    _replace(folder / "others" / names[other], folder / "clips" / names[other])
            return str(plain(body))

        server.answer = answer
        asked(server, folder, "clips", "results")
        first = rows(folder / "results")
        server.answer = plain
        sound = asked(server, folder, "clips", "results") == 0 == asked(server, folder, "clips", "straight")
    mixed = sum(not _is_one(row, names) for row in first)
    found = rows(folder / "results")
    straight = rows(folder / "straight")
    wrong = mixed + as_straight(found, straight)
    wanted, there = {row["id"] for row in straight}, Counter(row["id"] for row in found)
    named = sum(row["status"] != "ok" for row in first)
    return row_of(len(done), wanted, there, wrong, sound=sound, named_in_the_first_run=named)


def left(folder: Path) -> Row:
    """Clients of `vqinsight serve` that hang up at random moments, among others that stay; they come back with the same
    idempotency key.
    """
    from vqinsight.inference.api import load

    clips = [film(folder / f"{number}.mp4", number) for number in range(_ASKED)]
    straight = [each.scores for each in load("nano").score_all((str(clip), None) for clip in clips)]
    bodies = [json.dumps({"clips": [{"video": base64.b64encode(clip.read_bytes()).decode()}]}) for clip in clips]
    draw, hung_up = random.Random(33), 0
    rests = [draw.uniform(0.0, 2.0) for _ in clips]
    server = Server()

    def ask(number: int) -> Any:
        nonlocal hung_up
        if number % 2:
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                head = (
                    f"POST /v1/score HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
                    f"Idempotency-Key: key{number}\r\nContent-Length: {len(bodies[number])}\r\n\r\n"
                )
                client.sendall(head.encode() + bodies[number].encode())
                time.sleep(rests[number])
            hung_up += 1
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"key{number}"}
        where = f"{server.url}/v1/score"
        return httpx.post(where, content=bodies[number], headers=headers, timeout=600, trust_env=False)

    try:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(ask, range(_ASKED)))
        alive = httpx.get(f"{server.url}/health", timeout=60, trust_env=False).status_code == 200
    finally:
        server.close()
    given = {number: each.json()["results"] for number, each in enumerate(answers) if each.status_code == 200}
    wrong = sum([result["scores"] for result in results] != [straight[n]] for n, results in given.items())
    there = Counter({str(number): len(results) for number, results in given.items()})
    return row_of(hung_up, {str(number) for number in range(_ASKED)}, there, wrong, sound=alive)


def ray(folder: Path) -> Row:
    """Three workers of a cluster that are killed while they read a clip."""
    (folder / "clips").mkdir()
    (folder / "hook").mkdir()
    for number in range(CLIPS // 2):
        dying = "first" if number % (CLIPS // 2 // _DYING) == 5 and number < CLIPS // 2 - 1 else ""
        film(folder / "clips" / f"{number:02}{dying}.mp4", number)
    sound = judged(folder, "clips", "straight")[0] == 0
    straight = rows(folder / "straight")
    shutil.copy(helper("ray_hook").__file__, folder / "hook" / "sitecustomize.py")
    work = folder / "work.log"
    path = os.pathsep.join([str(folder / "hook"), *filter(None, sys.path)])
    environment = {"PYTHONPATH": path, "RAY_WORK": str(work), "RAY_worker_niceness": "0"}
    command = [sys.executable, "-m", "vqinsight", "score", "clips", "--out", "results/", "--quiet", "--engine", "ray"]
    run = subprocess.run(command, cwd=folder, env=os.environ | environment, stdout=subprocess.DEVNULL, check=False)
    opened = [line.split()[0] for line in work.read_text().splitlines()]
    times = {name: opened.count(name) for name in set(opened) if "first" in name}
    found = rows(folder / "results")
    wrong = as_straight(found, straight, {"seconds", "engine"})
    sound &= run.returncode == 0 and min(times.values(), default=0) > 1
    wanted = {row["id"] for row in straight}
    return row_of(len(times), wanted, Counter(row["id"] for row in found), wrong, sound=sound)


def _greys(folder: Path, offset: int = 0) -> list[str]:
    """The names of clips of one grey each."""
    folder.mkdir()
    names = [f"{number:02}.mp4" for number in range(CLIPS)]
    for number, name in enumerate(names):
        helper("encode").video(folder / name, [np.full((48, 64, 3), _level(number, offset), np.uint8)] * 8)
    return names


def _level(number: int, offset: int) -> int:
    """The grey of a clip, or so much brighter or darker."""
    grey = _DARKEST + _STEP * number
    return grey + offset if grey < 128 else grey - offset


def _replace(source: Path, place: Path) -> None:
    """Every second file is written in place; the others are put in its place."""
    if int(place.stem) % 4 < 2:
        place.write_bytes(source.read_bytes())
    else:
        shutil.copy(source, place.with_suffix(".new"))
        place.with_suffix(".new").replace(place)


def _is_one(row: Row, names: list[str]) -> bool:
    """Whether a row is of one content of its file or of the other, not of frames of both; or says what is wrong."""
    if row["status"] != "ok":
        return bool(row["error"]) and row["overall"] is None
    number = names.index(Path(row["path"]).name)
    return any(abs(row["overall"] * 2.55 - _level(number, offset)) < 3 for offset in (0, _OTHER))
