"""The embedded model's making: one encoding a clip, the views of files, a run that goes on after a stop."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import tiny
from safetensors.torch import load_file

import vqinsight
from vqinsight.assessor.backbone import prompt_positions
from vqinsight.assessor.clips import ClipLoader
from vqinsight.assessor.prompting import Prompt, collate
from vqinsight.assessor.save import last_checkpoint
from vqinsight.measure.evidence import evidence
from vqinsight.nano.assessor import pretrain
from vqinsight.nano.assessor.architecture import HEADS, INFERENCE, PIXELS, VIEWS, nano_config
from vqinsight.nano.assessor.batches import Collator, Lessons, TextOnlyDataset, stated
from vqinsight.nano.assessor.export import export
from vqinsight.nano.assessor.pretrain import Plan, PretrainingModel
from vqinsight.nano.assessor.probe import MARKS, interval, shown
from vqinsight.nano.assessor.rendered import RenderedClips, render_share, rendered, synthetic_view
from vqinsight.synthetic.captions import Facts
from vqinsight.synthetic.clips import SIBLINGS, clip_name
from vqinsight.synthetic.describe import Defect, GroundTruth, ParsedDescription
from vqinsight.synthetic.generate import draw_siblings
from vqinsight.synthetic.varied import varied_siblings
from vqinsight.tasks.types import Clip, Question


@pytest.mark.full
def test_each_clip_is_encoded_once_and_the_loss_is_that_of_pixels_for_every_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokenizer = tiny.tokenizer()
    data = Lessons(tokenizer, 6, 1, RenderedClips(None), 6)
    items = [data[i] for i in range(6)]
    batch = Collator(tokenizer.pad_token_id)(items)
    views = [view for item in items for view in item.views]
    assert sum(len(grids) for _, grids, _ in batch["encode"].values()) == len(views)
    pretraining_model = PretrainingModel(nano_config(tokenizer)).eval()
    monkeypatch.setattr(pretrain, "HEADS_SHARE", 0.0)
    monkeypatch.setattr(pretrain, "READING_SHARE", 0.0)
    with torch.no_grad():
        loss = pretraining_model(**batch)["loss"]
        total, count = 0.0, 0
        for item in items:
            for prompt, answer, given in zip(item.prompts, item.answers, item.given, strict=True):
                learned = len(answer) - given
                total += _plain_loss(pretraining_model, prompt, answer, given) * learned
                count += learned
    assert loss.item() == pytest.approx(total / count, rel=1e-4)


def _plain_loss(pretraining_model: PretrainingModel, prompt: Prompt, answer: list[int], given: int) -> float:
    """One question alone through transformers' own forward pass, with pixels."""
    inputs = dict(collate([prompt], 0, answers=[answer]))
    if "second_per_grid_ts" in inputs:
        inputs["second_per_grid_ts"] = torch.ones_like(inputs["second_per_grid_ts"])
    if prompt.views:  # text alone has none
        name = "pixel_values" if prompt.views[0].kind == "image" else "pixel_values_videos"
        inputs[name] = torch.cat([view.patches for view in prompt.views])
    inputs["position_ids"] = prompt_positions(pretraining_model, inputs)
    labels = torch.tensor([[-100] * (len(prompt.ids) + given) + answer[given:]])
    forward = super(PretrainingModel, pretraining_model).forward  # transformers' own
    return float(forward(**inputs, labels=labels).loss)


def test_a_clip_is_shown_and_measured_as_a_file_of_it_is() -> None:
    [clip] = varied_siblings(11, 1)
    name = clip_name("varied", 11)
    loader = ClipLoader(INFERENCE, PIXELS, VIEWS)
    made, loaded = rendered(clip, still=False), loader.load(name)
    view, measured = made.view, made.measured
    assert view.grid[0] == 4
    assert view.grid[1] * view.grid[2] * PIXELS.patch_size**2 <= PIXELS.max_pixels
    assert torch.equal(view.patches, loaded.views[0].patches)
    assert evidence(measured) == loaded.input.evidence
    unmeasured = loader.load(f"{name}:unmeasured")
    assert unmeasured.input.evidence is None
    assert torch.equal(unmeasured.views[0].patches, synthetic_view(clip).patches)


def test_lessons_state_measurements_inexactly_and_not_all() -> None:
    measured = rendered(varied_siblings(11, 1)[0], still=False).measured
    exact = evidence(measured).text
    said = {stated(measured, np.random.default_rng(seed)) for seed in range(20)}
    assert len(said) == 20 and exact not in said
    assert any("blur" not in each for each in said) and any("blur" in each for each in said)


def test_kept_clips_are_those_that_are_rendered(tmp_path: Path) -> None:
    """Two processes fill the folder; then nothing is rendered, and values are those of half precision."""
    kept, plain = RenderedClips(tmp_path / "clips", 40), RenderedClips(None, 40)
    for rank in range(2):
        render_share(kept, range(3), rank, 2)
    files = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "clips").iterdir()}
    assert len(files) == 3
    for index in range(3):
        for ours, exact in zip(kept[index], plain[index], strict=True):
            assert torch.equal(ours.view.patches, exact.view.patches.half().float())
            assert (ours.view.grid, ours.view.times) == (exact.view.grid, exact.view.times)
            assert evidence(ours.measured) == evidence(exact.measured)
    assert {file.name: file.stat().st_mtime_ns for file in (tmp_path / "clips").iterdir()} == files


def test_later_lessons_ask_other_things_about_the_same_clips() -> None:
    data = Lessons(tiny.tokenizer(), 4, 0, RenderedClips(None), 2)
    first, again = data[1], data[3]
    assert all(torch.equal(one.patches, same.patches) for one, same in zip(first.views, again.views, strict=True))
    assert first.answers != again.answers


def test_text_alone_states_what_is_measured_where_the_clip_would_stand(tmp_path: Path) -> None:
    tokenizer = tiny.tokenizer()
    data = TextOnlyDataset(tokenizer, 40, RenderedClips(tmp_path), 2)
    items = [data[i] for i in range(40)]
    texts = [tokenizer.decode(item.prompts[0].ids) for item in items]
    measured = [text for text in texts if "Measured in every frame" in text]
    assert 15 < len(measured) < 40
    assert all(text.index("Measured") < max(text.find("Rate"), text.find("Describe")) for text in measured)
    assert not any(item.views for item in items)


def test_the_exam_shows_what_scoring_shows() -> None:
    """Time as well: shown on another time scale than it was taught with, nano overlooks half of all ghosting."""
    assessor = vqinsight.load("nano").assessor
    question = Question("natural", (Clip(clip_name("held_out", 5)),))
    scored = assessor.encode(assessor.clips.load(question.clips[0].path))
    examined = shown(assessor, draw_siblings(5, SIBLINGS, "held_out")[0])
    assert examined.digest == scored.digest
    ours, wanted = (
        collate([assessor.build(assessor.prompt_set.messages(question), [encoded])], 0)
        for encoded in (examined, scored)
    )
    assert ours.keys() == wanted.keys() and all(torch.equal(ours[key], wanted[key]) for key in ours)
    assert ours["second_per_grid_ts"].tolist() == [1.0, 1.0, 1.0]


def test_exam_marks_by_hand() -> None:
    truth = GroundTruth(
        Facts(1, "red", "circle", "left"), "still", Defect("blur", 0.5), None, Facts(1, "blue", "circle", "left")
    )
    heard = ParsedDescription(1, "red", "square", "left", ("blur", 4), ("jitter", 1), ("colour",))
    marks = {name: mark(truth, heard) for name, mark in MARKS.items()}
    assert marks == {
        "count": True,
        "colour": True,
        "shape": False,
        "direction": True,
        "spatial defect": True,
        "temporal defect": False,
        "spatial strength, exact": False,
        "spatial strength, within one": True,
        "temporal strength, exact": None,
        "temporal strength, within one": None,
        "text facts": True,
    }
    share, low, high = interval([True] * 90 + [False] * 10)
    assert share == 0.9
    assert 0.82 < low < 0.87
    assert 0.93 < high < 0.97


@pytest.mark.full
@pytest.mark.slow
def test_make_nano_in_miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tower, text-only exercises, lessons, export; then again: what is finished is not done twice."""
    monkeypatch.setattr(pretrain, "train_tokenizer", tiny.tokenizer)
    plan = Plan(clips=4, tower_data=8, text_only=32, lessons=6, perception=3, per_step=2, save_every=1)
    pretrain.pretrain(tmp_path / "run", plan)
    weights = (tmp_path / "run" / "final" / "model.safetensors").read_bytes()
    folder = tmp_path / "model"
    export(tmp_path / "run" / "final", folder, heads=True)
    kept, given = (torch.load(place / HEADS) for place in (tmp_path / "run" / "final", folder))
    assert all(torch.allclose(kept[name], given[name].float(), atol=1e-3) for name in kept)
    record = vqinsight.load(str(folder)).score(str(Path(__file__).parents[3] / "examples" / "cat.mp4"))
    assert record.status in ("ok", "missing")
    assert record.provenance.template == "separate"
    assert record.input is not None and record.input.evidence is not None
    assert (tmp_path / "run" / "tower.pt").exists()
    seen = torch.load(tmp_path / "run" / "tower.pt")
    recited = load_file(last_checkpoint(tmp_path / "run" / "text_only") / "model.safetensors")
    tower = "patch_embed.proj.weight"
    assert torch.equal(recited[f"model.visual.{tower}"], seen[f"tower.{tower}"])  # they leave the tower alone
    pretrain.pretrain(tmp_path / "run", plan)
    assert (tmp_path / "run" / "final" / "model.safetensors").read_bytes() == weights
    # Stopped between the text-only exercises and the first checkpoint of the lessons: the exercises are not lost.
    for place in (tmp_path / "run" / "language").glob("checkpoint-*"):
        shutil.rmtree(place)
    pretrain.pretrain(tmp_path / "run", plan)
    assert (tmp_path / "run" / "final" / "model.safetensors").read_bytes() == weights
    # Training further starts from what was learned, on clips of its own.
    more = replace(plan, seed=1, learning_rate=1e-9)
    pretrain.pretrain(tmp_path / "more", more, start=tmp_path / "run" / "final")
    before, after = (load_file(tmp_path / run / "final" / "model.safetensors") for run in ("run", "more"))
    assert all(torch.allclose(before[name], after[name], atol=1e-4) for name in before)
    before, after = (torch.load(tmp_path / run / "final" / HEADS) for run in ("run", "more"))
    assert all(torch.allclose(before[name], after[name], atol=1e-4) for name in before if name.startswith("reading."))
