"""Bytes for players: ranges of the original, and copies that show every frame at its time."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from web.conftest import EXAMPLES, listed, send

from vqinsight.serving.limits import Limits
from vqinsight.video.read import iter_frames, probe

CAT = EXAMPLES / "cat.mp4"


def test_the_original_in_ranges(web: Any) -> None:
    url, whole = f"/media/{listed(web)['cat.mp4']}", CAT.read_bytes()
    answer = web.get(url)
    assert answer.content == whole and answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes" and "sandbox" in answer.headers["content-security-policy"]
    part = web.get(url, headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert web.get(url, headers={"range": "bytes=-10"}).content == whole[-10:]
    assert web.get(url, headers={"range": f"bytes={len(whole)}-"}).status_code == 416
    about = web.get(f"{url}/about").json()
    assert len(about["times"]) == 48 and about["label"] is None and about["problem"] is None


def prepared(source: Path, target: Path, **limits: Any) -> dict[str, Any]:
    """What the process says."""
    given = json.dumps(asdict(Limits(**limits)))
    command = [sys.executable, "-m", "vqinsight.web.playable", str(source), str(target), given]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=120, check=False)
    return json.loads(done.stdout)


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """A lossless Matroska file with odd sides and frames of different length."""
    place, rng = tmp_path / "uneven.mkv", np.random.default_rng(0)
    with av.open(str(place), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 63, 47, "bgr0"
        for tick in (0, 40, 120, 160, 400):
            pixels = np.repeat(rng.integers(0, 255, (1, 1, 3), np.uint8), 63 * 47, 0).reshape(47, 63, 3)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = tick, __import__("fractions").Fraction(1, 1000)
            stream.codec_context.time_base = frame.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return place


def test_a_copy_shows_every_frame_at_its_time(uneven: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"
    said = prepared(uneven, target)
    assert said["is_copy"] and said["type"] == "video/mp4"
    source, copy = probe(uneven), probe(target)
    assert (copy.codec, copy.width, copy.height, copy.frames) == ("h264", 64, 48, 5)
    np.testing.assert_allclose(copy.times, source.times, atol=1e-3)
    np.testing.assert_allclose(said["times"], source.times, atol=1e-3)
    for (_, old), (_, new) in zip(iter_frames(source, range(5)), iter_frames(copy, range(5)), strict=True):
        assert np.abs(old.astype(int) - new[:47, :63]).mean() < 4, "near-lossless"


def test_a_copy_is_labelled(web: Any, uneven: Path) -> None:
    key = send(web, "uneven.mkv", uneven.read_bytes()).json()["id"]
    assert web.get(f"/media/{key}").content[4:8] == b"ftyp"
    assert "model is shown the original" in web.get(f"/media/{key}/about").json()["label"]


def test_pictures_and_what_is_no_clip(web: Any, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    key = send(web, "red.png", (tmp_path / "red.png").read_bytes()).json()["id"]
    assert web.get(f"/media/{key}").headers["content-type"] == "image/png"
    page = send(web, "page.mp4", b"<html><script>alert(1)</script></html>").json()["id"]
    answer = web.get(f"/media/{page}")
    assert answer.status_code == 404 and b"alert" not in answer.content
    assert web.get(f"/media/{page}/about").json()["problem"]


def test_limits_hold_for_copies(uneven: Path, tmp_path: Path) -> None:
    assert "frames" in prepared(uneven, tmp_path / "a.mp4", max_frames=3)["problem"]
    assert not (tmp_path / "a.mp4").exists()
