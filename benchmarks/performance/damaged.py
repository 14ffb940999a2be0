"""Reading 261 damaged files: python -m benchmarks.performance.damaged.

Files of eight kinds are made from a clip of the shared folder. Each is cut at 8 places, and has a bit flipped at 16; of
the mp4, 69 numbers of the header are changed. A process of its own reads every frame of each file. A file is

* named: reading ends with an error that names it;
* whole: every frame is as in the undamaged file, at the same time;
* warned: something differs, or nothing does, and a warning says that there is damage;
* unnoticed: pixels differ, no frame is missing, and FFmpeg's own strictest error detection (``err_detect``) finds
  nothing either: the format has no checksum there, and the damaged bits are those of another valid picture;
* silent: anything else that differs without an error or a warning.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import random
import resource
import struct
import tempfile
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from PIL import Image

from benchmarks.results import keep
from vqinsight.errors import UnreadableVideo
from vqinsight.video.read import iter_frames, probe

FRAMES, SIZE = 24, (160, 120)
CUTS, FLIPS, NUMBERS = 8, 16, 69
STRICT = {"err_detect": "crccheck+bitstream+buffer+explode+careful+compliant+aggressive"}
ENCODERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "mp4": ("libx264", "yuv420p", {"g": "12", "bf": "2"}),
    "mkv": ("libx264", "yuv420p", {"g": "12", "bf": "2"}),
    "webm": ("libvpx-vp9", "yuv420p", {"g": "12", "deadline": "realtime", "cpu-used": "8"}),
    "gif": ("gif", "rgb8", {}),
}
STILLS = ("png", "jpg")
ANIMATIONS = ("webp", "avif")
HEADERS = ("mvhd", "tkhd", "elst", "mdhd", "hdlr", "stts", "ctts", "stss", "stsc", "stsz", "stco")


def made(folder: Path, clip: Path) -> dict[str, bytes]:
    """The undamaged files, by suffix."""
    with av.open(str(clip)) as container:
        decoded = (frame.reformat(*SIZE, format="rgb24") for frame in container.decode(video=0))
        pictures = [frame.to_ndarray() for frame, _ in zip(decoded, range(FRAMES), strict=False)]
    found = {}
    for suffix, (codec, pixels, options) in ENCODERS.items():
        path = folder / f"whole.{suffix}"
        with av.open(str(path), "w") as output:
            stream = output.add_stream(codec, rate=12, options=options)
            stream.width, stream.height, stream.pix_fmt = *SIZE, pixels
            stream.codec_context.thread_count = 1
            for picture in pictures:
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            output.mux(stream.encode())
        found[suffix] = path.read_bytes()
    first, *others = [Image.fromarray(picture) for picture in pictures]
    for suffix in (*STILLS, *ANIMATIONS):
        moving: dict[str, Any] = {"save_all": True, "append_images": others, "duration": 83}
        memory = io.BytesIO()
        first.save(memory, "jpeg" if suffix == "jpg" else suffix, **(moving if suffix in ANIMATIONS else {}))
        found[suffix] = memory.getvalue()
    return found


def damaged(files: dict[str, bytes]) -> Iterator[tuple[str, str, bytes]]:
    """``(name, suffix, content)`` of the damaged files, always the same ones of the same files."""
    for suffix, content in files.items():
        for cut in range(1, CUTS + 1):
            yield f"{suffix}, cut at {cut}/{CUTS + 1}", suffix, content[: len(content) * cut // (CUTS + 1)]
        for seed in range(FLIPS):
            bit = random.Random(seed).randrange(8 * len(content))
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            yield f"{suffix}, bit {bit} flipped", suffix, bytes(changed)
    places = list(numbers(files["mp4"]))
    for seed in range(NUMBERS):
        draw = random.Random(seed)
        box = HEADERS[seed % len(HEADERS)]
        at = draw.choice([place for name, place in places if name == box])
        (value,) = struct.unpack_from(">I", files["mp4"], at)
        new = draw.choice([0, value + 1, value // 2, 2 * value, value ^ 1 << draw.randrange(32)]) & 0xFFFFFFFF
        changed = bytearray(files["mp4"])
        struct.pack_into(">I", changed, at, new if new != value else value ^ 1)
        yield f"mp4, {box}: {value} made {new if new != value else value ^ 1} at {at}", "mp4", bytes(changed)


def numbers(content: bytes) -> Iterator[tuple[str, int]]:
    """Box and place of each number of four bytes in the boxes of ``HEADERS``."""
    for name in HEADERS:
        start = content.index(name.encode())
        (length,) = struct.unpack_from(">I", content, start - 4)
        yield from ((name, at) for at in range(start + 4, start - 4 + length - 3, 4))


def look(path: str, answer: Connection) -> None:
    """Read a file, in a process of its own, and send what it gives and the memory that it took."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: dict[str, Any] = {}
    try:
        info = probe(path)
        found["frames"] = [frame for _, frame in iter_frames(info, range(info.frames))]
        found |= {"times": info.times, "warnings": {*info.warnings, *info.noticed}}
    except UnreadableVideo as error:
        found = {"named": error.reason}
    found["mib"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024
    if "frames" in found:
        found["strict"] = strict(path)
    answer.send(found)


def strict(path: str) -> bool:
    """Whether FFmpeg's strictest error detection finds damage."""
    try:
        with av.open(path, options=STRICT) as container:
            stream = container.streams.video[-1]  # of an animated avif the first is its cover
            stream.codec_context.options = STRICT
            return any(frame.is_corrupt for frame in container.decode(stream))
    except (av.error.FFmpegError, IndexError):
        return True


def read(path: Path) -> dict[str, Any]:
    """What ``look`` finds in a process of its own."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=look, args=(str(path), theirs))
    process.start()
    theirs.close()
    try:
        found: dict[str, Any] = ours.recv()
    except EOFError:
        found = {"ended": True, "mib": 0.0}
    process.join()
    return found


def verdict(found: dict[str, Any], whole: dict[str, Any]) -> tuple[str, float]:
    """One of the five, and the mean absolute difference of the pixels where every frame is there."""
    if "ended" in found:
        return "silent", 0.0
    if "named" in found:
        return "named", 0.0
    every = [frame.shape for frame in found["frames"]] == [frame.shape for frame in whole["frames"]]
    frame = whole["times"][1] if len(whole["times"]) > 1 else 1.0
    timed = every and np.abs(found["times"] - whole["times"]).max() < 0.5 * frame
    pairs = zip(found["frames"], whole["frames"], strict=True) if every else ()
    apart = float(np.mean([np.abs(a.astype(int) - b).mean() for a, b in pairs])) if every else 0.0
    if found["warnings"] - whole["warnings"]:
        return "warned", apart
    if timed and not apart:
        return "whole", 0.0
    known = found["strict"] and not whole["strict"]  # FFmpeg cannot judge a kind of file that it does not read at all
    return "silent" if known or not timed else "unnoticed", apart


def main() -> None:
    """Make the files, read them, print and store what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=Path(os.environ.get("VQINSIGHT_SHARED", "../shared")) / CLIP)
    parser.add_argument("--json", type=Path, help="file for the result")
    given = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    told: list[dict[str, Any]] = []
    peak = 0.0
    with tempfile.TemporaryDirectory() as made_in:
        folder = Path(made_in)
        files = made(folder, given.clip)
        whole = {}
        for suffix, content in files.items():
            (folder / f"whole.{suffix}").write_bytes(content)
            whole[suffix] = read(folder / f"whole.{suffix}")
        for name, suffix, content in damaged(files):
            path = folder / f"damaged.{suffix}"
            path.write_bytes(content)
            found = read(path)
            kind, apart = verdict(found, whole[suffix])
            peak = max(peak, found["mib"])
            counts.setdefault(suffix, Counter())[kind] += 1
            if kind in ("silent", "unnoticed"):
                told.append({"file": name, "verdict": kind, "mean_difference": round(apart, 3)})
    total = sum(counts.values(), Counter())
    result = {
        "files": total.total(),
        **{kind: total[kind] for kind in ("named", "whole", "warned", "unnoticed", "silent")},
        "peak_mib": round(peak, 1),
        "kinds": {suffix: dict(kinds) for suffix, kinds in counts.items()},
        "unreported": told,
        "versions": {"av": av.__version__, "ffmpeg": av.ffmpeg_version_info},
    }
    keep(result, given.json)
    print(json.dumps(result, indent=2))


CLIP = "clips/plain/imageio_realshort.mp4"

if __name__ == "__main__":
    main()
