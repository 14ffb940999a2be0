"""What questions state of a clip: physical values and times, for any model, and nothing that tells its generator."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from vqinsight.assessor.clips import ClipLoader
from vqinsight.inference.api import VQInsight, load
from vqinsight.inference.endpoint.chat import Form, chat
from vqinsight.inference.endpoint.frames import FileViews
from vqinsight.measure.clip import measure_clip
from vqinsight.measure.evidence import evidence, number
from vqinsight.measure.quantities import QUANTITIES
from vqinsight.measure.types import SEVERITIES, Measured, MeasuredClip, Moment
from vqinsight.results import read_record
from vqinsight.serving.decoder import Decoder
from vqinsight.serving.limits import Limits
from vqinsight.settings.inference import InferenceSettings, InstrumentSettings
from vqinsight.tasks.types import Clip, Missing, Question
from vqinsight.video.instruments.views import InstrumentViews
from vqinsight.video.patches import PixelSpec
from vqinsight.video.preprocess import ProcessedClip
from vqinsight.video.record import Evidence, read_input
from vqinsight.video.views import OverviewViews

SPEC = PixelSpec(14, 2, 2, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 28 * 28, 9 * 28 * 28)
QUESTION = Question("natural", (Clip("clip"),))


def _moving(count: int, width: int = 96, height: int = 64) -> list[np.ndarray]:
    """A smooth random picture that moves two pixels to the right in every frame."""
    coarse = np.random.default_rng(0).integers(40, 216, (height // 4, width // 2, 3), np.uint8)
    canvas = np.asarray(Image.fromarray(coarse).resize((2 * width, height), Image.Resampling.BICUBIC))
    return [canvas[:, 2 * i : 2 * i + width] for i in range(count)]


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory, encode: ModuleType) -> str:
    place = tmp_path_factory.mktemp("evidence") / "moving.mp4"
    return str(encode.video(place, _moving(24), size=(96, 64)))


@pytest.fixture(scope="module")
def told() -> VQInsight:
    """The embedded model, told what is measured."""
    return load("nano", device="cpu", evidence=True)


def _clip(**given: Measured) -> MeasuredClip:
    return MeasuredClip("clip", "video", 24, 1.0, given, np.arange(24) / 24, {}, (0.5,), ())


def test_values_times_and_units_are_stated() -> None:
    measured = _clip(
        noise=Measured(QUANTITIES["noise"], 6.04, "slight"),
        blur=Measured(QUANTITIES["blur"], Missing("too small"), None),
        banding=Measured(QUANTITIES["banding"], 0.0, "none"),
        jitter=Measured(QUANTITIES["jitter"], 0.52, "visible", (Moment(0.2, 0.4, 0.9),)),
        flicker=Measured(QUANTITIES["flicker"], 3.0, "visible", (Moment(0.1, 0.9, 4.0),)),
        cuts=Measured(QUANTITIES["cuts"], 1.0, None),
    )
    said = evidence(measured)
    assert said.spatial == "Measured in every frame: noise 6.04 grey levels; without banding."
    assert said.temporal == (
        "Measured between frames: jitter 0.52 % of width at 0.2–0.4 s; flicker 3 %; cuts at 0.5 s."
    )
    assert said.text == f"{said.spatial} {said.temporal}"


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0"), (0.0004, "0"), (0.0312, "0.031"), (0.1, "0.1"), (0.456, "0.46"), (9.99, "9.99"), (31.6, "32")],
)
def test_numbers_are_short_and_have_no_exponent(value: float, said: str) -> None:
    assert number(value) == said


def test_no_grade_and_no_property_of_the_file_is_stated(moving: str, tmp_path: Path, encode: ModuleType) -> None:
    """Files of the same pixels are told apart by nothing that is stated."""
    said = evidence(measure_clip(moving)).text
    assert not re.search(rf"\b({'|'.join(SEVERITIES)}|scores?|quality|fps|codec|h264|pixels|96|64)\b", said)
    lossless = {"codec": "ffv1", "pix_fmt": "bgr0", "size": (96, 64)}
    files = [encode.video(tmp_path / name, _moving(24), **lossless) for name in ("one.mkv", "other.avi")]
    one, other = (evidence(measure_clip(str(file))) for file in files)
    assert one == other


def test_a_still_image_states_nothing_between_frames(tmp_path: Path) -> None:
    place = tmp_path / "still.png"
    Image.fromarray(_moving(1)[0]).save(place)
    said = evidence(measure_clip(str(place)))
    assert said.spatial and not said.temporal


def test_evidence_stands_behind_the_clip_in_the_prompt_and_in_the_record(moving: str, told: VQInsight) -> None:
    clip = told.assessor.clips.load(moving)
    assert clip.input.evidence == evidence(measure_clip(moving))
    encoded = told.assessor.encode(clip)
    messages = told.assessor.prompt_set.messages(QUESTION)
    written = told.assessor.loaded.tokenizer.decode(told.assessor.build(messages, [encoded]).ids)
    assert f"<|vision_end|>{clip.input.evidence.text}" in written
    assert written.index(clip.input.evidence.text) < written.index("Rate this video.")
    record = told.score(moving)
    assert record.input is not None and record.input.evidence == clip.input.evidence
    again = read_record(json.loads(json.dumps(record.as_dict())))
    assert again.input == replace(record.input, preview=())  # type: ignore[union-attr]


def test_frames_shown_are_the_same_with_evidence_and_without(moving: str, told: VQInsight, nano: VQInsight) -> None:
    with_it, without = told.assessor.clips.load(moving), nano.assessor.clips.load(moving)
    assert without.input.evidence is None
    assert with_it.input.indices == without.input.indices
    for one, other in zip(with_it.views, without.views, strict=True):
        assert one.patches.equal(other.patches)


def test_a_shuffled_clip_states_nothing_between_its_frames(moving: str) -> None:
    everything = InstrumentViews(InstrumentSettings(rows=1, columns=2))
    for views in (OverviewViews(), everything):
        loader = ClipLoader(InferenceSettings(frames=4, evidence=True), SPEC, views)
        clip = loader.load(moving)
        shuffled = loader.shuffled(clip, 0, 0)
        assert shuffled is not None and clip.input.evidence is not None and clip.input.evidence.temporal
        assert shuffled.input.evidence == Evidence(clip.input.evidence.spatial, "")


def test_a_server_is_told_too(moving: str) -> None:
    loader = ClipLoader(InferenceSettings(frames=4, evidence=True), SPEC, FileViews("png"))
    clip = loader.load(moving)
    messages = [{"role": "user", "content": [{"type": "clip", "index": 0}, {"type": "text", "text": "Rate."}]}]
    [sent] = chat(messages, [clip.views], Form(True, "png"), ["Measured: blur 0.3."])
    assert [part.get("text") for part in sent["content"]] == [None, "Measured: blur 0.3.", "Rate."]
    [plain] = chat(messages, [clip.views], Form(True, "png"), [None])
    assert [part["type"] for part in plain["content"]] == ["video_url", "text"]


def test_a_record_is_read_back(moving: str) -> None:
    loader = ClipLoader(InferenceSettings(frames=4, evidence=True), SPEC, OverviewViews())
    seen = replace(loader.load(moving).input, preview=())
    assert read_input(json.loads(json.dumps(asdict(seen)))) == seen


@pytest.mark.slow
def test_a_sandbox_measures_the_same(moving: str, told: VQInsight) -> None:
    decoder = Decoder(told.assessor.clips, Limits())
    try:
        found = decoder.decode(moving, "clip 1")
    finally:
        decoder.close()
    assert isinstance(found, ProcessedClip)
    assert found.input.evidence == told.assessor.clips.load(moving).input.evidence
