"""Files of strangers: the same clip as when it is read here, limits on headers, and a sandbox that survives."""

from __future__ import annotations

import os
import signal
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from serving.conftest import CIRCLES

from vqinsight.errors import UnreadableVideo
from vqinsight.inference.api import VQInsight
from vqinsight.serving.decoder import Decoder
from vqinsight.serving.limits import Limits
from vqinsight.serving.restraint import restrain
from vqinsight.video.preprocess import ProcessedClip

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def decoder(nano: VQInsight) -> Iterator[Decoder]:
    limits = Limits(max_frames=100, max_pixels=1000 * 1000, max_seconds=5.0)
    made = Decoder(nano.assessor.clips, limits)
    yield made
    made.close()


def reason(found: ProcessedClip | UnreadableVideo) -> str:
    assert isinstance(found, UnreadableVideo)
    return found.reason


def test_a_clip_is_the_same_as_when_it_is_read_here(decoder: Decoder, nano: VQInsight) -> None:
    here, there = nano.assessor.clips.load(str(CIRCLES)), decoder.decode(str(CIRCLES), "clip 1")
    assert isinstance(there, ProcessedClip)
    assert (there.path, there.kind) == ("clip 1", here.kind)
    assert there.input == here.input
    for ours, theirs in zip(here.views, there.views, strict=True):
        assert torch.equal(ours.patches, theirs.patches)
        assert (ours.kind, ours.grid, ours.seconds_per_grid, ours.times) == (
            theirs.kind, theirs.grid, theirs.seconds_per_grid, theirs.times,
        )  # fmt: skip


def test_playlists_open_nothing(decoder: Decoder, tmp_path: Path) -> None:
    """They would name files and hosts; whatever their suffix."""
    for name, text in (
        ("a.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{CIRCLES}\n#EXT-X-ENDLIST\n"),
        ("a.mp4", f"ffconcat version 1.0\nfile '{CIRCLES}'\n"),
        ("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"),
        ("a.txt", "just a text\n" * 50),
    ):
        (tmp_path / name).write_text(text)
        assert reason(decoder.decode(str(tmp_path / name), "clip 1")) == "not a video or image file", name


def test_limits_hold_before_decoding(decoder: Decoder, encode: ModuleType, tmp_path: Path) -> None:
    encode.video(tmp_path / "long.mp4", 101)
    encode.video(tmp_path / "slow.mp4", 12, fps=2)
    assert "101 frames, and 100 are allowed" in reason(decoder.decode(str(tmp_path / "long.mp4"), "x"))
    assert "6.0 seconds, and 5.0 are allowed" in reason(decoder.decode(str(tmp_path / "slow.mp4"), "x"))
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "bomb.png")
    content = bytearray((tmp_path / "bomb.png").read_bytes())
    for width, said in ((1001, "1001x1000 have more than the 1,000,000 pixels"), (400_000, "too many pixels")):
        content[16:24] = struct.pack(">II", width, 1000)  # says the header
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
        (tmp_path / "bomb.png").write_bytes(content)
        assert said in reason(decoder.decode(str(tmp_path / "bomb.png"), "x"))


def test_a_child_that_needs_too_much_ends_alone(nano: VQInsight, tmp_path: Path, encode: ModuleType) -> None:
    encode.video(tmp_path / "large.mp4", 2, size=(1280, 720))
    tight = Decoder(nano.assessor.clips, Limits(decode_memory=4 * MIB, decode_seconds=20))
    try:
        for _ in range(2):
            said = reason(tight.decode(str(tmp_path / "large.mp4"), "x"))
            assert "memory" in said or "within the limits" in said, "and does not call the file damaged"
        assert tight._starts == 1, "the sandbox itself goes on"
    finally:
        tight.close()


def in_a_child(work: Callable[[], None], limits: Limits) -> int:
    """The wait status of a restrained child that does ``work``."""
    child = os.fork()
    if child == 0:
        restrain(limits)
        try:
            work()
        except (MemoryError, OSError):
            os._exit(7)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def test_a_child_is_restrained(tmp_path: Path) -> None:
    """In time, on the clock and of the CPU, in memory, and in what it writes."""
    hasty, usual = Limits(decode_seconds=1), Limits(decode_memory=64 * MIB)
    assert os.WTERMSIG(in_a_child(lambda: time.sleep(30), hasty)) == signal.SIGALRM
    assert os.WTERMSIG(in_a_child(spin, hasty)) in (signal.SIGALRM, signal.SIGXCPU, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(in_a_child(lambda: None, usual)) == 0
    assert os.waitstatus_to_exitcode(in_a_child(lambda: bytearray(256 * MIB) and None, usual)) == 7
    assert os.waitstatus_to_exitcode(in_a_child(lambda: (tmp_path / "f").write_bytes(b"x") and None, usual)) == 7


def spin() -> None:
    """Work for ever."""
    while True:
        pass


def test_a_sandbox_that_was_killed_is_started_again(decoder: Decoder) -> None:
    assert decoder._process is not None
    decoder._process.kill()
    decoder._process.wait()
    assert isinstance(decoder.decode(str(CIRCLES), "x"), ProcessedClip)
