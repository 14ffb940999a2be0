"""The pages of `vqinsight web` with nano: python -m benchmarks.performance.web [--json FILE].

A process of its own on the example clips. ``seconds``: from its start to the first page and to the loaded model; from a
request to its finished page, for a clip that is sent, two of the folder compared, and all five ranked; the first look
decodes in a sandbox that has just started. ``kib``: what a browser loads with an empty cache, by page: the page, style,
script, icon and list of clips, without videos.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from benchmarks.results import ROOT, store

EXAMPLES = ROOT / "examples"
PAGES = {"look": "/", "compare": "/compare", "rank": "/rank", "runs": "/runs"}
STATIC = ("/static/web.css", "/static/web.js", "/static/icon.svg")
_POLL = 0.05  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    store(measure(), parser.parse_args().json)


def measure() -> dict[str, Any]:
    """Seconds and KiB; see above."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "vqinsight", "web", "--quiet", "--port", "0", "--folder", str(EXAMPLES)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"HF_HUB_OFFLINE": "1"}
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            if found is None:
                raise SystemExit("the server did not start; what it printed above says why")
            with httpx.Client(base_url=found[0], timeout=120, trust_env=False) as client:
                client.get("/").raise_for_status()
                seconds = {"first page": time.perf_counter() - begun}
                server.stdout.readline()
                seconds["model loaded"] = time.perf_counter() - begun
                seconds |= _flows(client)
                kib = _weights(client)
        finally:
            server.terminate()
            server.wait()
    load = os.getloadavg()[0]
    return {"seconds": {name: round(value, 2) for name, value in seconds.items()}, "kib": kib, "load": round(load, 1)}


def _flows(client: httpx.Client) -> dict[str, float]:
    clips = re.findall(r'value="(f-[^"]+)"', client.get("/clips").text)
    content = (EXAMPLES / "rocket_jitter.mp4").read_bytes()

    def sent() -> str:
        return str(client.post("/clips", files={"clip": ("clip.mp4", content)}).raise_for_status().json()["id"])

    flows: dict[str, tuple[str, Callable[[], list[str]]]] = {
        "first look": ("/look", lambda: [sent()]),
        "look": ("/look", lambda: [sent()]),
        "compare": ("/compare", lambda: clips[:2]),
        "rank five": ("/rank", lambda: clips),
    }
    seconds = {}
    for number, (name, (page, chosen)) in enumerate(flows.items()):
        begun = time.perf_counter()
        body = {"clips": chosen(), "once": f"benchmark-{number}"}
        url = client.post(page, json=body).raise_for_status().json()["url"]
        while (state := client.get(f"{url}/state").json()["state"]) in ("waiting", "running"):
            time.sleep(_POLL)
        if state != "done":
            raise SystemExit(f"{name}: {state}")
        PAGES.setdefault(f"result of {name}", url)
        client.get(url).raise_for_status()
        seconds[name] = time.perf_counter() - begun
    return seconds


def _weights(client: httpx.Client) -> dict[str, float]:
    shared = sum(len(client.get(path).content) for path in STATIC)
    listed = len(client.get("/clips").content)
    found = {}
    for name, path in PAGES.items():
        own = len(client.get(path).raise_for_status().content)
        found[name] = round((own + shared + (listed if name in ("look", "compare", "rank") else 0)) / 1024, 1)
    return found


if __name__ == "__main__":
    main()
