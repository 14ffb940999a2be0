"""Still images, animated ones, and folders of frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vqinsight.errors import UsageError
from vqinsight.video.read import iter_frames, probe


def read_one(path: Path) -> np.ndarray:
    ((_, frame),) = iter_frames(probe(path), [0])
    return frame


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "jpg"])
def test_still_images(encode, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(encode.numbered(1234)).save(path)
    info = probe(path)
    assert (info.kind, info.frames, info.width, info.height, info.fps) == ("image", 1, 64, 48, 0)
    assert encode.number_of(read_one(path)) == 1234


def test_a_still_image_is_known_by_its_content(encode, tmp_path):
    Image.fromarray(encode.numbered(7)).save(tmp_path / "a.mp4", format="png")
    assert probe(tmp_path / "a.mp4").kind == "image"


def test_exif_rotation(tmp_path):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to show
    Image.fromarray(picture).save(tmp_path / "a.jpg", exif=exif, quality=95)
    info = probe(tmp_path / "a.jpg")
    assert (info.width, info.height) == (48, 64)
    frame = read_one(tmp_path / "a.jpg")
    assert frame[:12, -12:].min() > 200 and frame[:, :20].max() < 60


def test_image_modes(tmp_path):
    Image.fromarray((np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)).save(tmp_path / "deep.png")
    assert np.array_equal(read_one(tmp_path / "deep.png")[..., 0], np.arange(256).reshape(16, 16))
    Image.new("L", (8, 8), 77).save(tmp_path / "gray.png")
    assert (read_one(tmp_path / "gray.png") == 77).all()
    Image.new("P", (8, 8), 1).save(tmp_path / "palette.png")
    assert read_one(tmp_path / "palette.png").shape == (8, 8, 3)


def test_transparency_is_laid_on_white(tmp_path):
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, :8] = (200, 0, 0, 255)
    pixels[:, 8:12] = (0, 0, 0, 128)
    frames = [Image.fromarray(pixels), Image.fromarray(np.roll(pixels, 1, axis=0))]
    frames[1].putpixel((0, 0), (0, 0, 200, 255))
    frames[0].save(tmp_path / "still.png")
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:], duration=100)
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    for name in ("still.png", "moving.png", "moving.webp"):
        frame = read_one(tmp_path / name)
        assert frame[3, 3].tolist() == [200, 0, 0], name
        assert np.abs(frame[3, 9].astype(int) - 127).max() <= 1, name
        assert frame[3, 14].tolist() == [255, 255, 255], name


def test_transparent_gif(tmp_path):
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, :8] = (200, 0, 0, 255)
    moved = pixels.copy()
    moved[:4, :8] = (0, 0, 200, 255)
    frames = [Image.fromarray(pixels), Image.fromarray(moved)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100, disposal=2)
    info = probe(tmp_path / "a.gif")
    assert (info.kind, info.frames) == ("video", 2)
    for _, frame in iter_frames(info, [0, 1]):
        assert frame[8, 3].tolist() == [200, 0, 0]
        assert frame[8, 12].tolist() == [255, 255, 255]


def test_animated_webp(encode, tmp_path):
    frames = [Image.fromarray(encode.numbered(number)) for number in range(6)]
    durations = [100, 200, 100, 100, 300, 100]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=durations, lossless=True)
    info = probe(tmp_path / "a.webp")
    assert (info.kind, info.frames, info.codec) == ("video", 6, "webp")
    assert info.times == pytest.approx([0, 0.1, 0.3, 0.4, 0.5, 0.8])
    assert info.duration == pytest.approx(0.9)
    assert [encode.number_of(frame) for _, frame in iter_frames(info, [1, 4, 5])] == [1, 4, 5]


def save_frames(encode, folder: Path, names: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        Image.fromarray(encode.numbered(number)).save(folder / name)
    return folder


def test_folder_of_frames(encode, tmp_path):
    names = ["frame0.png", "frame1.png", "frame2.jpg", "frame10.png", "frame11.png"]
    folder = save_frames(encode, tmp_path / "frames", names)
    (folder / "notes.txt").write_text("no frame")
    (folder / ".hidden.png").write_text("no frame")
    info = probe(folder)
    assert (info.kind, info.frames, info.fps, info.width) == ("frames", 5, 24, 64)
    assert info.warnings == ("no frame rate in a folder of frames; assumed 24",)
    assert [encode.number_of(frame) for _, frame in iter_frames(info, [2, 3, 4])] == [2, 3, 4]
    told = probe(folder, folder_fps=5)
    assert (told.fps, told.duration, told.warnings) == (5, 1.0, ())


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_folder_rate_must_be_positive(encode, tmp_path, fps):
    folder = save_frames(encode, tmp_path / "frames", ["a.png"])
    with pytest.raises(UsageError, match="above 0"):
        probe(folder, folder_fps=fps)
