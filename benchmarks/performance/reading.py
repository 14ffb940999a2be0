"""Reading the frames that score looks at, against two other readers: python -m benchmarks.performance.reading.

The rivals are ``decord`` (in an environment of its own: its interpreter is named by the variable DECORD_PYTHON) and
PyAV decoding every frame and converting the chosen ones. Neither checks whether a file is whole, and each opens it
once; ours probes it, checks it and reads the frames. The readers take turns, file by file. Processor seconds are those
of all threads of a reader's process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from PIL import Image

from benchmarks.results import keep
from vqinsight.settings.inference import InferenceSettings
from vqinsight.synthetic.photos import photo
from vqinsight.video.preprocess import sample_frames
from vqinsight.video.read import VideoInfo, iter_frames, probe
from vqinsight.video.write import encode

SECONDS = (10, 60)
# Width, height, frames a second, suffix, encoder options. "4k" is repeated to its length, with a keyframe each time.
KINDS: dict[str, tuple[int, int, float, Literal["mp4", "gif"], dict[str, str]]] = {
    "h264": (960, 540, 30, "mp4", {"preset": "veryfast", "crf": "20"}),
    "one keyframe": (960, 540, 30, "mp4", {"preset": "veryfast", "crf": "20", "g": "100000", "sc_threshold": "0"}),
    "gif": (480, 270, 12, "gif", {}),
    "4k": (3840, 2160, 9.6, "mp4", {"preset": "superfast", "crf": "23"}),
}
READERS = ("ours", "decode_all", "decord")
Taken = dict[str, list[list[float]]]  # processor and wall seconds of each turn, by reader
DECORD = """
import json, sys, time
import decord
for line in sys.stdin:
    path, wanted = json.loads(line)
    begun, cpu = time.perf_counter(), time.process_time()
    try:
        decord.VideoReader(path, num_threads=1).get_batch(wanted).asnumpy()
        found = [time.process_time() - cpu, time.perf_counter() - begun]
    except decord.DECORDError as error:
        found = str(error).splitlines()[0].rpartition("] ")[2]
    print(json.dumps(found), flush=True)
"""


def moving(frames: int, width: int, height: int) -> Iterator[np.ndarray]:
    """A camera moving over a photograph: uint8 (height, width, 3)."""
    photograph = np.asarray(Image.fromarray(photo("motorcycle")).resize((width + width // 4, height + height // 4)))
    for moment in np.linspace(0, 1, frames):
        x, y = int(moment * (width // 4)), int((np.sin(moment * 20) + 1) / 2 * (height // 4))
        yield np.ascontiguousarray(photograph[y : y + height, x : x + width])


def film(folder: Path, kind: str, seconds: int) -> Path:
    """The file of that kind and length, made where it is not in the folder."""
    width, height, fps, suffix, options = KINDS[kind]
    path = folder / f"{kind.replace(' ', '_')}_{seconds}.{suffix}"
    if path.exists():
        return path
    if kind == "4k" and seconds > SECONDS[0]:
        repeat(film(folder, kind, SECONDS[0]), path, seconds // SECONDS[0])
        return path
    encode(path, moving(round(seconds * fps), width, height), fps, options, suffix)
    return path


def repeat(source: Path, target: Path, times: int) -> None:
    """The packets of a file, so many times one after another."""
    with av.open(str(source)) as given, av.open(str(target), "w") as output:
        stream = given.streams.video[0]
        copied = output.add_stream_from_template(stream)
        for turn in range(times):
            given.seek(0)
            for packet in given.demux(stream):
                if packet.size:
                    packet.pts += turn * stream.duration
                    packet.dts += turn * stream.duration
                    packet.stream = copied
                    output.mux(packet)


def chosen(info: VideoInfo) -> list[int]:
    """The frames that score looks at."""
    return list(sample_frames(InferenceSettings(), info.frames, info.times).indices)


def ours(path: str) -> None:
    """What scoring a clip reads."""
    info = probe(path)
    for _ in iter_frames(info, chosen(info)):
        pass


def decode_all(path: str, wanted: set[int]) -> None:
    """Every frame decoded with PyAV, the chosen ones converted."""
    with av.open(path) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                frame.to_ndarray(format="rgb24")


class Decord:
    """decord in a process of its own."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, "-c", DECORD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read(self, path: str, wanted: list[int]) -> list[float] | str:
        """Processor and wall seconds, or why decord cannot read the file."""
        assert self._process.stdin and self._process.stdout
        print(json.dumps([path, wanted]), file=self._process.stdin, flush=True)
        found: list[float] | str = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def timed(run: Callable[[], object]) -> list[float]:
    """Processor and wall seconds."""
    begun, cpu = time.perf_counter(), time.process_time()
    run()
    return [time.process_time() - cpu, time.perf_counter() - begun]


def summary(pairs: list[list[float]], base: list[list[float]]) -> dict[str, Any]:
    """Median and range of processor seconds, median wall seconds, and the range of ours over this one in a repeat."""
    cpu = [pair[0] for pair in pairs]
    ratios = [mine[0] / other[0] for mine, other in zip(base, pairs, strict=True)]
    return {
        "repeats": len(pairs),
        "cpu": statistics.median(cpu),
        "cpu_range": [min(cpu), max(cpu)],
        "wall": statistics.median(pair[1] for pair in pairs),
        "ours_over_this": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
    }


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the files are made, or found")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each reader on each file")
    parser.add_argument("--seconds", type=int, nargs="+", default=SECONDS, help="lengths of the files")
    parser.add_argument("--json", type=Path, help="file for the result")
    given = parser.parse_args()
    python = os.environ.get("DECORD_PYTHON")
    decord = Decord(python) if python else None
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        for seconds in given.seconds:
            files = {f"{kind}, {seconds} s": str(film(folder, kind, seconds)) for kind in KINDS}
            taken: dict[str, Taken] = {name: {reader: [] for reader in READERS} for name in files}
            for _ in range(given.repeats):
                for name, path in files.items():
                    rows[name] = turn(path, taken[name], decord)
                keep(found(rows), given.json)  # what is measured stays, should the rest be interrupted
    if decord:
        decord.close()
    print(json.dumps(found(rows), indent=2))


def turn(path: str, taken: Taken, decord: Decord | None) -> dict[str, Any]:
    """Let each reader read the file once more; what is known of it then."""
    info = probe(path)
    wanted = chosen(info)
    taken["ours"].append(timed(partial(ours, path)))
    taken["decode_all"].append(timed(partial(decode_all, path, set(wanted))))
    answer = decord.read(path, wanted) if decord else "not measured"
    if not isinstance(answer, str):
        taken["decord"].append(answer)
    row: dict[str, Any] = {"width": info.width, "height": info.height, "frames": info.frames, "read": len(wanted)}
    for reader, pairs in taken.items():
        row[reader] = summary(pairs, taken["ours"]) if pairs else {"refused": answer}
    return row


def found(rows: dict[str, Any]) -> dict[str, Any]:
    """The rows with the machine and the versions that they come from."""
    machine = {"processor": processor(), "cores": len(os.sched_getaffinity(0)), "load": round(os.getloadavg()[1])}
    versions = {"python": platform.python_version(), "av": av.__version__, "ffmpeg": av.ffmpeg_version_info}
    return {"machine": machine, "versions": versions, "rows": rows}


def processor() -> str:
    """The name of the processor, where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


if __name__ == "__main__":
    main()
