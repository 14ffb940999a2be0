"""Rewards in other projects' loops: python -m benchmarks.performance.reward_loop --client-code DIR … [--json FILE].

Each DIR is a checkout of UniRL, Flow-Factory, flow_grpo or verl-omni, whose own client (`reward_client`) asks
`vqinsight serve` for a reward in each of 50 steps: `win_rate` of a group of clips, or `overall` where a project sends
samples one by one. Faults come between: the server is killed and started again, all its places are taken (429), an
answer's connection is dropped, a clip is damaged on its way. What the client was given is compared with what `rank` and
`score` give offline for the very clips that arrived. A project whose figures are in FILE already is left out.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.performance.reward_server import Body, Proxy, Server, full
from benchmarks.results import ROOT, keep
from vqinsight.inference.api import VQInsight, load
from vqinsight.synthetic.generate import draw_siblings

CODE = {
    "unirl": ("Tencent-Hunyuan/UniRL", "unirl/reward/remote.py"),
    "flow_factory": ("X-GenGroup/Flow-Factory", "src/flow_factory/rewards/my_reward_remote.py"),
    "flow_grpo": ("yifan123/flow_grpo", "flow_grpo/rewards.py"),
    "verl_omni": ("verl-project/verl-omni", "verl_omni/reward_loop/reward_manager/visual.py"),
}
POINTWISE = ("verl_omni",)
FAULTS = ("kill", "busy", "drop", "damage")
SECONDS_BUSY = 3.0
FIRST_SEED, SIDE, FRAMES = 9100, 96, 12


def protocol_of(code: Path) -> str:
    """Which project a checkout is of."""
    for protocol, (_, file) in CODE.items():
        if (code / file).is_file():
            return protocol
    raise SystemExit(f"{code}: this is a checkout of none of {', '.join(project for project, _ in CODE.values())}")


def fault_of(step: int, every: int) -> str | None:
    """The fault of a step: each kind in turn, every so many steps."""
    turn, rest = divmod(step, every)
    return FAULTS[turn % len(FAULTS)] if rest == every - 1 else None


def write_step(folder: Path, step: int, group: int) -> None:
    """What a generator would have made of one prompt: small synthetic clips of different quality."""
    siblings = draw_siblings(FIRST_SEED + step, group, "held_out", prompt=True)
    at = np.linspace(0, siblings[0].scene.frames - 1, FRAMES).round().astype(int)
    clips = [np.stack([_small(frame) for frame in clip.frames(at)]) for clip in siblings]
    folder.mkdir(parents=True)
    np.save(folder / "clips.npy", np.stack(clips))
    (folder / "prompt.txt").write_text(siblings[0].prompt or "", encoding="utf-8")


def _small(frame: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(frame).resize((SIDE, SIDE)))


def damage(body: Body) -> None:
    """Cut the first clip's file to its half, or one of its frames."""
    if "requests" in body:
        turn = body["requests"][0]["history"][-1]
        head, comma, content = turn["video_b64"].rpartition(",")
        turn["video_b64"] = head + comma + _half(content)
    else:
        body["video"][0][0] = _half(body["video"][0][0])


def _half(content: str) -> str:
    whole = base64.b64decode(content)
    return base64.b64encode(whole[: len(whole) // 2]).decode()


def arrived(body: Body, folder: Path) -> tuple[list[str], str]:
    """The clips of a body as files or folders of frames, and their prompt."""
    folder.mkdir()
    if "requests" in body:
        media = [sample["history"][-1]["video_b64"] for sample in body["requests"]]
        prompt = body["requests"][0]["history"][-1]["text"]
    else:
        media, prompt = [",".join(["data:video/png;base64", *frames]) for frames in body["video"]], body["prompt"][0]
    for number, text in enumerate(media):
        place = folder / f"clip{number}"
        if text.startswith("data:"):
            place.mkdir()
            for frame, content in enumerate(text.split(",")[1:]):
                (place / f"{frame:06d}.png").write_bytes(base64.b64decode(content))
        else:
            place.write_bytes(base64.b64decode(text))
    return [str(folder / f"clip{number}") for number in range(len(media))], prompt


def offline(judge: VQInsight, clips: list[str], prompt: str) -> list[float | None]:
    """Win rates by an offline ranking: Eq. 8's wins over the pairs that have an answer, of at least half of them."""
    ranking = judge.rank(clips, prompt)
    wins = {standing.path: standing.wins for standing in ranking.standings}
    answered = Counter(path for pair in ranking.comparisons if pair.verdict for path in (pair.a, pair.b))
    rates: list[float | None] = []
    for clip in clips:
        won, count = wins[clip], answered[clip]
        rates.append(won / count if won is not None and count and 2 * count >= len(clips) - 1 else None)
    return rates


def _said(error: str) -> str:
    """An error without what differs from run to run."""
    return re.sub(r"\d+", "N", error)[:200]


class Loop:
    """One project's loop.

    Attributes:
        counts: clips by outcome: ``equal`` to the offline number, another number (``different``), or no number.
        errors: what was said, counted.
        faults: how often each came.
    """

    def __init__(self, protocol: str, code: Path, python: str, work: Path, server: Server, every: int) -> None:
        self.protocol, self.work, self.server, self.every = protocol, work, server, every
        self.counts, self.errors, self.faults = Counter[str](), Counter[str](), Counter[str]()
        self.proxy = Proxy(self.server, damage)
        script = Path(__file__).with_name("reward_client.py")
        shim = ROOT / "src" / "vqinsight" / "serving" / "client.py"
        self.client = subprocess.Popen(
            [python, str(script), protocol, self.proxy.url, str(work / "steps"), str(code.resolve()), str(shim)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=work,
        )
        self._read()

    def step(self, number: int) -> tuple[list[Body], list[float | None]]:
        """Ask for the rewards of a step; the bodies that arrived, and the rewards."""
        fault = fault_of(number, self.every)
        self.proxy.sent, self.proxy.acted = [], False
        if fault == "busy":
            with full(self.server, 1):
                self._ask(number)
                time.sleep(SECONDS_BUSY)
            self.proxy.acted = True
        else:
            self.proxy.fault = fault
            self._ask(number)
        if fault == "kill":
            self.server.process.wait()
            self.server.start()
        told = self._read()
        if fault:
            self.faults[fault] += self.proxy.acted
        self.errors.update(_said(error) for error in told["errors"])
        return self.proxy.sent, told["rewards"]

    def _ask(self, number: int) -> None:
        assert self.client.stdin is not None
        self.client.stdin.write(f"{number}\n")
        self.client.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.client.stdout is not None
        line = self.client.stdout.readline()
        if not line:
            raise SystemExit(f"the client of {self.protocol} ended; what it printed above says why")
        found: dict[str, Any] = json.loads(line)
        return found

    def compare(self, judge: VQInsight, number: int, bodies: list[Body], rewards: list[float | None]) -> None:
        """Count what the clips of a step got against the offline numbers for what arrived."""
        expected: list[float | None] = [None] * len(rewards)
        if any(reward is not None for reward in rewards):
            for place, body in enumerate(bodies):
                clips, prompt = arrived(body, self.work / f"arrived{number}-{place}")
                if self.protocol in POINTWISE:
                    self._expect_alone(judge, number, clips[0], prompt, expected)
                else:
                    expected = offline(judge, clips, prompt)
        for got, right in zip(rewards, expected, strict=True):
            if got is None:
                self.counts["error"] += 1
            else:
                self.counts["equal" if right is not None and np.float32(got) == np.float32(right) else "different"] += 1

    def _expect_alone(
        self, judge: VQInsight, number: int, arrived: str, prompt: str, expected: list[float | None]
    ) -> None:
        """Put the offline score of a sample that came by itself to the clip with its very frames."""
        try:
            frames = np.stack([np.asarray(Image.open(file)) for file in sorted(Path(arrived).iterdir())])
        except OSError:  # the damaged one
            return
        for place, clip in enumerate(np.load(self.work / "steps" / str(number) / "clips.npy")):
            if np.array_equal(clip, frames):
                expected[place] = judge.score(arrived, prompt).overall

    def close(self) -> None:
        """End the client and the proxy."""
        assert self.client.stdin is not None
        self.client.stdin.close()
        self.client.wait()
        self.proxy.shutdown()
        self.proxy.server_close()


def run(protocol: str, code: Path, server: Server, given: argparse.Namespace) -> dict[str, Any]:
    """The figures of one project's loop."""
    steps, group = given.steps, given.group
    begun, starts = time.monotonic(), server.starts
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for number in range(steps):
            write_step(work / "steps" / str(number), number, group)
        python = str(given.client_python.absolute())  # not resolved: a link to it belongs to its environment
        loop = Loop(protocol, code, python, work, server, given.every)
        try:
            found = [loop.step(number) for number in range(steps)]
        finally:
            loop.close()
        judge = load("nano")
        for number, (bodies, rewards) in enumerate(found):
            loop.compare(judge, number, bodies, rewards)
    done = subprocess.run(["git", "-C", str(code), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return {
        "project": CODE[protocol][0],
        "commit": done.stdout.strip(),
        "client": CODE[protocol][1],
        "reward": "overall" if protocol in POINTWISE else "win_rate",
        "steps": steps,
        "clips": steps * group,
        **{outcome: loop.counts[outcome] for outcome in ("equal", "different", "error")},
        "faults": dict(loop.faults),
        "errors": dict(loop.errors),
        "server_restarts": server.starts - starts,
        "seconds": round(time.monotonic() - begun, 1),
    }


def main() -> None:
    """Run the loops that have no figures yet, one project after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client-code", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--client-python", type=Path, default=Path(sys.executable), help="of the clients' environment")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--every", type=int, default=5, metavar="N", help="steps between faults")
    parser.add_argument("--group", type=int, default=4, help="clips of a prompt")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    kept = given.json and given.json.is_file() and json.loads(given.json.read_text(encoding="utf-8"))["loops"]
    loops: dict[str, Any] = kept or {}
    asked = {protocol_of(code): code for code in given.client_code}
    pending = {
        protocol: code for protocol, code in asked.items() if loops.get(protocol, {}).get("steps") != given.steps
    }
    if not pending:
        return
    server = Server("--queue", "1", "--queue-wait", "0.5")
    try:
        for protocol, code in pending.items():
            loops[protocol] = run(protocol, code, server, given)
            print(json.dumps(loops[protocol], indent=2), flush=True)
            keep({"loops": loops}, given.json)
    finally:
        server.close()


if __name__ == "__main__":
    main()
