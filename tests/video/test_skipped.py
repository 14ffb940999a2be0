"""The short ways of reading give the pixels of a full decode."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.filter import Graph

from vqinsight.video import decode
from vqinsight.video.info import on_white
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.rgb import opaque
from vqinsight.video.truncation import ends_early


def full(path: Path) -> list[np.ndarray]:
    """Every frame, decoded and converted by itself; interlaced ones as one filter gives them for the whole file."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    if not frames[0].interlaced_frame:
        return [frame.to_ndarray(format="rgb24") for frame in frames]
    graph = Graph()
    first = frames[0]
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format.name, time_base=first.time_base
    )
    sink = graph.add("buffersink")
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame"), sink).configure()
    found = []
    for frame in (*frames, None):
        source.push(frame)
        with suppress(av.error.BlockingIOError, av.error.EOFError):
            while True:
                found.append(graph.vpull().to_ndarray(format="rgb24"))
    return found


def waves(count: int, width: int, height: int) -> list[np.ndarray]:
    """Frames that move by three pixels, so that each is predicted from others."""
    x, y = np.arange(width + 3 * count), np.arange(height)[:, None]
    board = np.stack([128 + 100 * np.sin(x / (5 + c) + y / 9) for c in range(3)], axis=-1).astype(np.uint8)
    return [np.ascontiguousarray(board[:, 3 * number : 3 * number + width]) for number in range(count)]


@pytest.mark.parametrize("options", [{"bf": "3"}, {"bf": "3", "x264-params": "tff=1"}], ids=["frames", "fields"])
def test_skipped_frames_change_no_pixel(
    encode: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, str]
) -> None:
    path = encode.video(tmp_path / "a.mp4", waves(48, 98, 64), size=(98, 64), options={"g": "48", **options})
    expected, info = full(path), probe(path)
    seen, plain = [], decode.pictures

    def counted(*given: Any, **named: Any) -> Any:
        for frame in plain(*given, **named):
            seen.append(frame.pts)
            yield frame

    monkeypatch.setattr(decode, "pictures", counted)
    for wanted in ([5, 21, 30, 47], [0, 1, 2, 46], [33]):
        for index, frame in iter_frames(info, wanted):
            assert np.array_equal(frame, expected[index]), index
    if "x264-params" not in options:
        assert len(seen) < 0.75 * (48 + 47 + 34)


@pytest.mark.parametrize("size", [(64, 48), (97, 61)], ids=["packed rows", "padded rows"])
def test_gif_without_and_with_transparency(encode: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    path = encode.video(tmp_path / "a.gif", waves(6, *size), size=size, codec="gif", pix_fmt="rgb8", fps=10)
    with av.open(str(path)) as container:
        frames = [(frame, frame.to_ndarray(format="rgba")) for frame in container.decode(video=0)]
    assert all(opaque(frame) for frame, _ in frames)
    for (_, rgba), (_, read) in zip(frames, iter_frames(probe(path), range(6)), strict=True):
        assert np.array_equal(read, on_white(rgba))
    clear = np.full((size[1], size[0], 4), 255, np.uint8)
    clear[-1, -1, 3] = 254
    assert not opaque(av.VideoFrame.from_ndarray(clear, format="bgra"))


def test_a_gif_is_complete_at_its_end_only(encode: Any, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 120, 160, 3), dtype=np.uint8)  # blocks of 255 bytes
    path = encode.video(tmp_path / "a.gif", list(noise), size=(160, 120), codec="gif", pix_fmt="rgb8", fps=10)
    content = path.read_bytes()
    cut = tmp_path / "cut.gif"
    for share in np.linspace(0.1, 0.99, 30):
        cut.write_bytes(content[: int(share * len(content))])
        assert ends_early(str(cut)), share
    assert ends_early(str(path)) is False
