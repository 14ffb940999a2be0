"""What a model is shown of a clip: overview, detail view, their grids and their times."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vqinsight.settings.inference import InstrumentSettings
from vqinsight.video.instruments.scopes import SIDE, read_frame, scope, trace_frame
from vqinsight.video.instruments.self_similarity import self_similarity
from vqinsight.video.instruments.views import InstrumentViews
from vqinsight.video.patches import PixelSpec, native_crops, patchify, resize, target_size
from vqinsight.video.sampling import Sampling
from vqinsight.video.views import OverviewViews, View, ViewBuilder

SPEC = PixelSpec(14, 2, 2, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 28 * 28, 9 * 28 * 28)
OVERVIEW = OverviewViews()
CROPS = InstrumentViews(InstrumentSettings(rows=2, columns=3))
SCOPED = InstrumentViews(InstrumentSettings(rows=2, columns=3, scopes=True))
ALIKE = InstrumentViews(InstrumentSettings(rows=2, columns=3, scopes=True, self_similarity=True))


def clip(total: int, height: int = 90, width: int = 160) -> np.ndarray:
    return np.random.default_rng(total).integers(0, 256, (total, height, width, 3), np.uint8)


def sampled(indices, total: int, times=None, fps: float = 1.0) -> Sampling:
    return Sampling(tuple(indices), tuple(times or indices), fps, total, 24.0, total / 24, "a rule")


def decoded(frames: np.ndarray, sampling: Sampling, builder: ViewBuilder):
    """A generator, as a decoder is: it can be read once, in order."""
    return ((index, frames[index]) for index in builder.needed_frames(sampling))


def built(frames: np.ndarray, indices, builder: ViewBuilder, times=None, fps: float = 1.0) -> tuple[View, ...]:
    sampling = sampled(indices, len(frames), times, fps)
    return builder.build(decoded(frames, sampling, builder), sampling, SPEC)


def overview(frames: np.ndarray, indices) -> torch.Tensor:
    return torch.stack([resize(frames[i], target_size(*frames.shape[1:3], SPEC)) for i in indices])


def mosaics(frames: np.ndarray, indices) -> torch.Tensor:
    return torch.stack([native_crops(frames[i], 2, 3, 28) for i in indices])


@pytest.mark.parametrize(
    ("indices", "total", "builder", "wanted"),
    [
        ((0, 3, 6), 10, OVERVIEW, (0, 3, 6)),
        ((0, 3, 6), 10, CROPS, (0, 1, 3, 4, 6, 7)),
        ((0, 4, 9), 10, CROPS, (0, 1, 4, 5, 8, 9)),  # the last frame has no successor: the one before it
        ((8, 9), 10, CROPS, (8, 9)),
        ((0, 4, 9), 10, SCOPED, (0, 1, 2, 4, 5, 6, 8, 9)),  # and for the scopes what comes after the pair
        ((0, 40), 80, ALIKE, (*range(15), *range(40, 55))),  # for self-similarity the stretch that begins with it
        ((30, 39), 40, ALIKE, (*range(25, 40),)),
        ((0, 9), 10, ALIKE, (*range(10),)),
        ((1, 1, 2), 5, OVERVIEW, (1, 2)),
        ((0, 0), 1, CROPS, (0,)),
    ],
)
def test_frames_to_decode(indices, total, builder, wanted):
    assert builder.needed_frames(sampled(indices, total)) == wanted


def test_overview_and_detail_of_a_clip():
    frames, indices, times = clip(10), (0, 3, 6, 9), (0.0, 0.5, 1.0, 1.5)
    views = built(frames, indices, CROPS, times)
    whole, detail = views
    assert (whole.kind, detail.kind) == ("video", "video")
    assert whole.times == detail.times == times
    # 90 x 160 within 9 tokens becomes 56 x 112: 4 x 8 patches, two frames a patch.
    assert whole.grid == (2, 4, 8)
    torch.testing.assert_close(whole.patches, patchify(overview(frames, indices), SPEC)[0], rtol=0, atol=0)
    # Four pairs, one a temporal patch, of 2 x 3 tokens.
    assert detail.grid == (4, 4, 6)
    pairs = (0, 1, 3, 4, 6, 7, 8, 9)
    torch.testing.assert_close(detail.patches, patchify(mosaics(frames, pairs), SPEC)[0], rtol=0, atol=0)
    for view in views:
        assert view.patches.shape == (np.prod(view.grid), 3 * 2 * 14 * 14)


def test_seconds_per_grid():
    frames, indices, times = clip(10), (0, 3, 6, 9), (2.0, 2.5, 3.0, 3.5)
    whole, detail = built(frames, indices, CROPS, times, fps=1.6)
    assert whole.seconds_per_grid == 1.25  # two frames at 1.6 a second, the mean over the whole clip
    assert detail.seconds_per_grid == pytest.approx(0.5)  # one sampled frame with its successor


def test_no_detail():
    frames, indices = clip(6), (0, 5)
    views = built(frames, indices, OVERVIEW, (0.0, 1.0))
    assert [view.grid for view in views] == [(1, 4, 8)]


def test_an_odd_count_repeats_the_last_frame():
    frames, indices = clip(9), (0, 4, 8)
    whole, detail = built(frames, indices, CROPS, (0.0, 0.4, 0.8), fps=2.5)
    assert whole.grid == (2, 4, 8)
    torch.testing.assert_close(whole.patches, patchify(overview(frames, (0, 4, 8, 8)), SPEC)[0], rtol=0, atol=0)
    assert detail.grid == (3, 4, 6)
    assert whole.seconds_per_grid == pytest.approx(0.8)


def test_repeated_indices_are_shown_repeatedly():
    frames, indices = clip(3), (0, 0, 1, 2)
    whole, detail = built(frames, indices, CROPS, (0.0, 0.0, 0.1, 0.2))
    torch.testing.assert_close(whole.patches, patchify(overview(frames, indices), SPEC)[0], rtol=0, atol=0)
    pairs = (0, 1, 0, 1, 1, 2, 1, 2)
    torch.testing.assert_close(detail.patches, patchify(mosaics(frames, pairs), SPEC)[0], rtol=0, atol=0)


def test_a_clip_of_one_frame():
    frames, indices = clip(1), (0, 0)
    whole, detail = built(frames, indices, CROPS, (0.0, 0.0))
    assert (whole.grid, detail.grid) == ((1, 4, 8), (2, 4, 6))
    assert detail.seconds_per_grid == 0
    torch.testing.assert_close(detail.patches, patchify(mosaics(frames, (0,) * 4), SPEC)[0], rtol=0, atol=0)


def test_frames_are_reduced_one_at_a_time():
    """A decoder that reuses one buffer gives the same views: nothing of frame k is read after frame k + 1 arrives."""
    frames, indices, times = clip(10), (0, 3, 6, 9), (0.0, 0.5, 1.0, 1.5)
    buffer, sampling = np.empty_like(frames[0]), sampled(indices, 10, times)

    def reusing():
        for index in CROPS.needed_frames(sampling):
            buffer[:] = frames[index]
            yield index, buffer
        buffer[:] = 0

    kept = built(frames, indices, CROPS, times)
    reused = CROPS.build(reusing(), sampling, SPEC)
    for one, other in zip(kept, reused, strict=True):
        torch.testing.assert_close(one.patches, other.patches, rtol=0, atol=0)


def test_frames_that_are_not_asked_for_are_passed_over():
    frames, indices, times = clip(10), (0, 9), (0.0, 1.0)
    everything = CROPS.build(enumerate(frames), sampled(indices, 10, times), SPEC)
    chosen = built(frames, indices, CROPS, times)
    for one, other in zip(everything, chosen, strict=True):
        torch.testing.assert_close(one.patches, other.patches, rtol=0, atol=0)


def test_views_of_an_image():
    image = clip(1)[0]
    whole, detail = CROPS.build_image(image, SPEC)
    assert (whole.kind, whole.grid, detail.kind, detail.grid) == ("image", (1, 4, 8), "image", (1, 4, 6))
    assert (whole.seconds_per_grid, whole.times) == (0, (0.0,))
    torch.testing.assert_close(whole.patches, patchify(overview(image[None], (0,)), SPEC)[0], rtol=0, atol=0)
    torch.testing.assert_close(detail.patches, patchify(mosaics(image[None], (0,)), SPEC)[0], rtol=0, atol=0)
    assert len(OVERVIEW.build_image(image, SPEC)) == 1


@pytest.mark.parametrize("size", [(90, 160), (160, 90)])
def test_scopes_lie_beside_the_native_crops(size: tuple[int, int]):
    frames, indices, times = clip(10, *size), (0, 4, 9), (0.0, 0.5, 1.0)
    plain = built(frames, indices, CROPS, times)
    whole, detail = built(frames, indices, SCOPED, times)
    torch.testing.assert_close(whole.patches, plain[0].patches, rtol=0, atol=0)
    assert detail.grid == (3, 6, 6)
    read = {index: read_frame(frames[index]) for index in (0, 1, 2, 4, 5, 6, 8, 9)}
    # Both of a pair show what comes after them, the first also the first of the next pair.
    drawn = [scope(read[0], read[1], read[4]), scope(read[1], read[2])]
    drawn += [scope(read[4], read[5], read[8]), scope(read[5], read[6]), scope(read[8], read[9]), scope(read[9])]
    upright = size[0] > size[1]
    wanted = [
        torch.cat((mosaic, torch.cat(picture.split(SIDE, 2), 1)), 2) if upright else torch.cat((mosaic, picture), 1)
        for mosaic, picture in zip(mosaics(frames, (0, 1, 4, 5, 8, 9)), drawn, strict=True)
    ]
    torch.testing.assert_close(detail.patches, patchify(torch.stack(wanted), SPEC)[0], rtol=0, atol=0)


def test_self_similarity_is_a_third_view():
    frames, indices, times = clip(30, 90, 160), (0, 12, 29), (0.0, 0.5, 1.0)
    scoped = built(frames, indices, SCOPED, times)
    *pictures, third = built(frames, indices, ALIKE, times)
    for one, other in zip(scoped, pictures, strict=True):
        torch.testing.assert_close(one.patches, other.patches, rtol=0, atol=0)
    traces = [trace_frame(frame) for frame in frames]
    squares = [self_similarity(traces[first : first + 15]) for first in (0, 12, 15)]
    # Each fills both frames of its temporal patch, and is one token.
    shown = torch.from_numpy(np.rint(255 * np.stack(squares)).astype(np.uint8)).permute(0, 3, 1, 2)
    wanted, grid = patchify(shown.repeat_interleave(2, 0), SPEC)
    assert (third.kind, third.grid, third.times) == ("video", grid, times) == ("video", (3, 2, 2), times)
    torch.testing.assert_close(third.patches, wanted, rtol=0, atol=0)


def test_scopes_of_an_image():
    image = clip(1)[0]
    _, detail = SCOPED.build_image(image, SPEC)
    assert detail.grid == (1, 6, 6)
    wanted = torch.cat((native_crops(image, 2, 3, 28), scope(read_frame(image))), 1)
    torch.testing.assert_close(detail.patches, patchify(wanted[None], SPEC)[0], rtol=0, atol=0)
