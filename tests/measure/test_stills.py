"""Pictures of the worst moments: the right frames, each once."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from helpers import encode
from helpers.measured import measured
from PIL import Image

from vqinsight.measure.stills import worst_stills
from vqinsight.measure.types import Moment
from vqinsight.settings.inference import InferenceSettings
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import preprocess_clip
from vqinsight.video.views import OverviewViews
from vqinsight.video.windows import windows


def number(jpeg: bytes) -> int:
    return encode.number_of(np.asarray(Image.open(io.BytesIO(jpeg))))


def test_the_worst_frame_of_each_defect_comes_first(tmp_path: Path) -> None:
    clip = measured(str(encode.video(tmp_path / "a.mp4", 48, fps=24)))
    clip.series["blur"][30] = 0.9
    found = worst_stills(clip)
    assert [(each.key, each.severity, each.time) for each in found] == [
        ("blur", "strong", 1.25),
        ("flicker", "none", 1.5),
    ]
    assert [number(each.jpeg) for each in found] == [30, 36]
    assert [each.key for each in worst_stills(clip, 1)] == ["blur"]  # the more severe
    again = replace(clip.values["flicker"], worst=(Moment(1.25, 1.26, 9.0),))
    assert len(worst_stills(replace(clip, values={**clip.values, "flicker": again}))) == 1  # one frame, once
    none = {key: replace(each, worst=()) for key, each in clip.values.items()}
    assert worst_stills(replace(clip, values=none)) == ()


def test_clips_in_a_tar_have_stills_and_windows(tmp_path: Path) -> None:
    file = encode.video(tmp_path / "a.mp4", 48, fps=24)
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        tar.add(file, "a.mp4")
    inside = f"{tmp_path}/s.tar/a.mp4"
    assert [number(each.jpeg) for each in worst_stills(measured(inside))] == [24, 36]
    assert windows(inside, 1) == [f"{inside}#t=0,1", f"{inside}#t=1,2"]
    spec = PixelSpec(14, 2, 2, (0.0,) * 3, (1.0,) * 3, 784, 12544)
    clip = preprocess_clip(f"{inside}#t=1,2", InferenceSettings(), spec, OverviewViews())
    assert clip.path == f"{inside}#t=1,2" and set(clip.input.indices) <= set(range(24, 48))
