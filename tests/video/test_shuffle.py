"""A shuffled clip is the clip with its frames in another order: files with permuted frames are the yardstick."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from vqinsight.assessor.clips import ClipLoader
from vqinsight.settings.inference import InferenceSettings, InstrumentSettings
from vqinsight.video.instruments.views import InstrumentViews
from vqinsight.video.patches import PixelSpec, patchify, permute_frames
from vqinsight.video.shuffle import ShuffledViews, shuffled_frames, shuffled_order, shuffled_view
from vqinsight.video.views import OverviewViews, View, ViewBuilder

SPEC = PixelSpec(14, 2, 2, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 28 * 28, 9 * 28 * 28)
SEED, POSITION = 5, 3
BUILDERS = {
    "overview": OverviewViews(),
    "crops": InstrumentViews(InstrumentSettings(rows=1, columns=2)),
    "scopes": InstrumentViews(InstrumentSettings(rows=2, columns=3, scopes=True, self_similarity=True)),
}


def _loader(views: ViewBuilder, **settings: int) -> ClipLoader:
    return ClipLoader(InferenceSettings(**settings), SPEC, views, folder_fps=4)


def _folder(place: Path, order: list[int]) -> str:
    """Random frames as files, in that order."""
    place.mkdir()
    for number, index in enumerate(order):
        pixels = np.random.default_rng(index).integers(0, 256, (90, 160, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"frame{number}.png")
    return str(place)


def _equal(ours: tuple[View, ...], theirs: tuple[View, ...]) -> bool:
    """Bit for bit, and shown at the same times."""
    shape = [(view.grid, view.times, view.seconds_per_grid) for view in ours]
    assert shape == [(view.grid, view.times, view.seconds_per_grid) for view in theirs]
    return all(torch.equal(one.patches, other.patches) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", BUILDERS)
def test_shuffled_frames_are_those_of_a_file_with_its_frames_permuted(name: str, tmp_path: Path) -> None:
    """Everything that is computed from frames too: crops of neighbours, measurements, self-similarity."""
    loader = _loader(BUILDERS[name], frames=8)
    clip = loader.load(_folder(tmp_path / "clip", list(range(8))))
    moved = loader.shuffled(clip, SEED, POSITION)
    assert moved is not None
    permuted = loader.load(_folder(tmp_path / "permuted", shuffled_order(8, SEED, POSITION)))
    assert _equal(moved.views, permuted.views)
    for before, after in zip(clip.views, moved.views, strict=True):
        assert not torch.equal(before.patches, after.patches)


@pytest.mark.parametrize("settings", [{"frames": 6}, {"frames": 12}, {"fps": 4, "max_frames": 8}])
def test_frames_move_within_patches_as_if_read_again(
    settings: dict[str, int], tmp_path: Path, encode: ModuleType
) -> None:
    """A real video of 9 frames, some shown twice; frames move, not pairs of frames."""
    file = str(encode.video(tmp_path / "clip.mp4", 9, size=(160, 90), fps=4))
    loader = _loader(OverviewViews(), **settings)
    clip = loader.load(file)
    moved = loader.shuffled(clip, SEED, POSITION)
    again = _loader(ShuffledViews(OverviewViews(), SEED, POSITION), **settings).load(file)
    assert moved is not None and _equal(moved.views, again.views)
    assert not _equal(moved.views, clip.views)
    steps = clip.views[0].grid[0]
    pairs = clip.views[0].patches.unflatten(0, (steps, -1))
    assert any(
        not any(torch.equal(pair, old) for old in pairs) for pair in moved.views[0].patches.unflatten(0, (steps, -1))
    )


@pytest.mark.parametrize(("count", "temporal"), [(6, 2), (5, 2), (6, 3), (4, 1)])
def test_patches_of_permuted_frames(count: int, temporal: int) -> None:
    spec = PixelSpec(14, temporal, 2, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4), 28 * 28, 9 * 28 * 28)
    frames = torch.randint(0, 256, (count + -count % temporal, 3, 56, 84), dtype=torch.uint8)
    patches, grid = patchify(frames, spec)
    order = torch.randperm(len(frames), generator=torch.Generator().manual_seed(1)).tolist()
    assert torch.equal(permute_frames(patches, grid, order, spec), patchify(frames[order], spec)[0])


def test_a_frame_that_is_shown_last_twice() -> None:
    """An odd count ends with a repeated frame, before and after."""
    frames = torch.randint(0, 256, (3, 3, 56, 84), dtype=torch.uint8)

    patches, grid = patchify(frames, SPEC)
    moved = shuffled_view(View("video", patches, grid, 1.0, (0.0, 0.5, 1.0)), (4, 6, 9), SPEC, SEED, POSITION)
    expected, _ = patchify(frames[shuffled_order(3, SEED, POSITION)], SPEC)
    assert torch.equal(moved.patches, expected) and moved.times == (0.0, 0.5, 1.0)


def test_two_frames_are_exchanged_and_one_is_not_shuffled(tmp_path: Path) -> None:
    for position in range(20):
        assert shuffled_frames((0, 0, 7, 7), SEED, position) == {0: 7, 7: 0}
    with pytest.raises(ValueError, match="it takes two"):
        shuffled_order(1, SEED, POSITION)
    loader = _loader(OverviewViews())
    still = _folder(tmp_path / "one", [0])
    assert loader.shuffled(loader.load(still), SEED, POSITION) is None
    assert loader.shuffled(loader.load(f"{still}/frame0.png"), SEED, POSITION) is None
    two = loader.load(_folder(tmp_path / "two", [0, 1]))
    moved = loader.shuffled(two, SEED, POSITION)
    assert moved is not None and _equal(moved.views, loader.load(_folder(tmp_path / "turned", [1, 0])).views)
