"""Transparency and high dynamic range: one rule each, told in a warning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from vqinsight.settings.inference import InferenceSettings
from vqinsight.video import decode, hdr
from vqinsight.video.info import ON_WHITE
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import preprocess_clip
from vqinsight.video.read import iter_frames, probe
from vqinsight.video.views import OverviewViews

SIZE = (64, 48)
SPEC = PixelSpec(14, 2, 2, (0.5,) * 3, (0.5,) * 3, 28 * 28, 9 * 28 * 28)
HALF = np.full((48, 64, 4), 255, np.uint8)
HALF[:, :32] = (200, 30, 30, 255)
HALF[:, 32:] = (0, 0, 0, 0)
HALF[-1, -1] = (0, 0, 0, 128)  # encoders of webp leave out what is empty, and with it the alpha channel
MOVING = {
    "prores.mov": ("prores_ks", "yuva444p10le", {"profile": "4444"}),
    "a.apng": ("apng", "rgba", {}),
    "ffv1.mkv": ("ffv1", "yuva420p", {}),
}


def write(path: Path, codec: str, pixels: str, options: dict[str, str], rgba: np.ndarray = HALF) -> Path:
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=12, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, pixels
        for _ in range(4):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format=pixels)))
        output.mux(stream.encode())
    return path


def white_and_red(path: Path) -> None:
    info = probe(path)
    assert ON_WHITE in info.warnings
    for _, frame in iter_frames(info, range(info.frames)):
        assert frame[:40, 40:].min() > 245, path.name
        assert np.abs(frame[10:40, 4:28].astype(int) - (200, 30, 30)).max() < 12, path.name


@pytest.mark.parametrize("name", MOVING)
def test_transparent_videos_are_shown_on_white(tmp_path: Path, name: str) -> None:
    white_and_red(write(tmp_path / name, *MOVING[name]))


@pytest.mark.parametrize(
    "name", ["a.png", "a.webp", "a.avif", "moving.webp", "moving.avif", "moving.png", "moving.gif"]
)
def test_transparent_images_are_shown_on_white(tmp_path: Path, name: str) -> None:
    moved = HALF.copy()
    moved[:3, :3, 2] = 60
    more: dict[str, Any] = {"save_all": True, "append_images": [Image.fromarray(moved)], "duration": 100}
    more |= {"lossless": True} if name.endswith("webp") else {"quality": 95} if name.endswith("avif") else {}
    Image.fromarray(HALF).save(tmp_path / name, **(more if name.startswith("moving") else {}))
    white_and_red(tmp_path / name)


def test_opaque_files_are_not_warned_about(tmp_path: Path) -> None:
    opaque = HALF.copy()
    opaque[..., 3] = 255
    Image.fromarray(opaque).save(tmp_path / "a.png")
    for path in (tmp_path / "a.png", write(tmp_path / "a.apng", *MOVING["a.apng"], opaque)):
        info = probe(path)
        assert len(list(iter_frames(info, [0]))) == 1
        assert (info.warnings, info.noticed) == ((), {})


def test_a_webm_with_an_alpha_channel(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared / "cases" / "vp9_alpha.webm"
    info = probe(path)
    assert info.frames == 48 and info.warnings == (ON_WHITE,)
    every = dict(iter_frames(info, range(48)))
    with av.open(str(path)) as container:
        stream, decoder = container.streams.video[0], av.CodecContext.create("libvpx-vp9", "r")
        alphas = [
            frame.to_ndarray(format="rgba")[..., 3] for p in container.demux(stream) for frame in decoder.decode(p)
        ]
    clear = alphas[30] == 0
    assert clear.any() and (every[30][clear] == 255).all()
    assert all(np.array_equal(frame, every[index]) for index, frame in iter_frames(info, [31, 47]))  # after seeking
    monkeypatch.setattr(decode, "ALPHA_DECODERS", {"vp9": "no such decoder"})
    assert probe(path).warnings == ("its transparency is dropped: FFmpeg lacks the decoder that reads it (libvpx)",)


def test_transparency_that_comes_later_is_in_the_record(tmp_path: Path) -> None:
    for number in range(3):
        frame = HALF.copy()
        frame[..., 3] = 255 if number < 2 else 128
        Image.fromarray(frame).save(tmp_path / f"f{number}.png")
    clip = preprocess_clip(str(tmp_path), InferenceSettings(), SPEC, OverviewViews(), folder_fps=8)
    assert clip.input.warnings == (ON_WHITE,)


@pytest.mark.parametrize(("transfer", "code"), [("smpte2084", 16), ("arib-std-b67", 18)])
def test_hdr_is_tone_mapped(encode: Any, tmp_path: Path, transfer: str, code: int) -> None:
    levels = np.linspace(0, 255, 8).astype(np.uint8).repeat(8)
    ramp = np.broadcast_to(levels[None, :, None], (48, 64, 3)).copy()
    params = f"transfer={transfer}:colorprim=bt2020:colormatrix=bt2020nc:range=tv:qp=2"
    path = encode.video(tmp_path / "a.mkv", [ramp] * 2, pix_fmt="yuv420p10le", options={"x264-params": params})
    info = probe(path)
    assert info.warnings == (f"{hdr.TRANSFERS[code]} high dynamic range is tone-mapped to BT.709",)
    frame = next(iter_frames(info, [0]))[1][24]
    assert np.ptp(frame, axis=1).max() < 8  # gray stays gray
    with av.open(str(path)) as container:
        deep = next(container.decode(video=0)).to_ndarray(format="rgb48le")
    signal = deep[24, 4::8, 1] / 65535
    light = hdr.pq_light(signal) if code == 16 else 1000 * hdr.hlg_scene(signal) ** 1.2
    expected = 255 * np.minimum(hdr.compressed(light) / 203, 1) ** (1 / 2.4)
    assert np.abs(frame[4::8, 1] - expected).max() < 3
    assert (np.diff(frame[4::8, 1].astype(int)) >= 0).all()


def test_the_tone_curve() -> None:
    # SMPTE ST 2084: 100 cd/m2 is the signal 0.508, 10,000 is 1. BT.2408: white of 203 is HLG 75 %, PQ 58 %.
    assert hdr.pq_light(np.array([0.5081, 1.0])) == pytest.approx([100, 10000], rel=0.002)
    assert float(hdr.pq_signal(203)) == pytest.approx(0.58, abs=0.002)
    assert 1000 * hdr.hlg_scene(np.array(0.75)) ** 1.2 == pytest.approx(203, rel=0.01)
    light = np.array([0.1, 10, 80, 203, 500, 1000, 4000])
    shown = hdr.compressed(light)
    assert shown[:3] == pytest.approx(light[:3], rel=1e-6)
    assert shown[-2:] == pytest.approx([203, 203], rel=1e-6)
    assert (np.diff(shown[:-1]) > 0).all() and (shown <= light + 1e-9).all()


def test_bt2020_colours_of_standard_range(encode: Any, tmp_path: Path) -> None:
    params = "transfer=bt2020-10:colorprim=bt2020:colormatrix=bt2020nc:range=tv:qp=2"
    green = np.broadcast_to(np.array([60, 180, 60], np.uint8), (48, 64, 3)).copy()
    path = encode.video(tmp_path / "a.mkv", [green] * 2, pix_fmt="yuv420p10le", options={"x264-params": params})
    info = probe(path)
    assert info.warnings == ("BT.2020 colours are converted to BT.709",)
    with av.open(str(path)) as container:
        deep = next(container.decode(video=0)).to_ndarray(format="rgb48le")
    light = (deep[24, 32] / 65535) ** 2.4
    wanted = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]) @ light
    assert next(iter_frames(info, [0]))[1][24, 32] == pytest.approx(255 * np.clip(wanted, 0, 1) ** (1 / 2.4), abs=2)
