"""The embedded model's making: lessons that tell the truth, one encoding a clip, a run that goes on after a stop."""

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
from vqinsight.assessor.inputs import Prompt, collate
from vqinsight.assessor.nano import pretrain
from vqinsight.assessor.nano.build import (
    DETAIL,
    HEADS,
    PIXELS,
    STEPS,
    build_model,
    filter_bank,
    nano_config,
    renew_steps,
)
from vqinsight.assessor.nano.exam import MARKS, interval, shown
from vqinsight.assessor.nano.export import export
from vqinsight.assessor.nano.eyes import CLASSES, UNKNOWN, Eyes, Heads, ReadingHeads, collate_glances, marked, targets
from vqinsight.assessor.nano.lessons import Exercise, lesson, opinion, recital
from vqinsight.assessor.nano.pages import Collator, Lessons, world_views
from vqinsight.assessor.nano.pretrain import Plan, Pupil, whiten
from vqinsight.assessor.save import last_checkpoint
from vqinsight.tasks.prompts import BRIEF
from vqinsight.tasks.types import Clip, Missing, Preference, Question, Score, Verdict
from vqinsight.world.describe import OUTSIDE, Defect, Heard, Truth, level, read, read_pair
from vqinsight.world.draw import draw_clip, draw_siblings, overall
from vqinsight.world.facts import CHOICES, FACT_NAMES, NUMBER_WORDS, Facts, mismatches
from vqinsight.world.footage import SIBLINGS, clip_name


def _claimed(text: str) -> Facts:
    """The facts that a caption states, in whichever wording."""
    words = {word.strip(",").removesuffix("s") for word in text.split()}
    stated = {name: [v for v in CHOICES[name] if NUMBER_WORDS.get(v, v) in words] for name in FACT_NAMES}  # type: ignore[call-overload]
    return Facts(*(values[0] for values in stated.values()))  # type: ignore[arg-type]


def _by_clip(exercise: Exercise) -> tuple[Heard, ...]:
    """What an exercise's terse answer says of each of its clips."""
    return read_pair(exercise.answer) if len(exercise.clips) == 2 else (read(exercise.answer),)


def _question(text: str, clips: int) -> Question:
    if clips == 2:
        return Question("compare", (Clip("a"), Clip("b")))
    if text.endswith("Yes or no?"):
        return Question("yesno", (Clip("a"),), "?")
    if text.startswith("Rate this generated"):
        return Question("generated", (Clip("a", "x" if "Text:" in text else None),))
    return Question("image" if "image" in text else "natural", (Clip("a"),))


def test_every_answer_in_the_lessons_is_read_back() -> None:
    kinds = set()
    for seed in range(150):
        drawn = lesson(seed, "conversation")
        for exercise in drawn.exercises:
            text = exercise.messages[1]["content"][-1]["text"]
            if text.startswith("Describe."):
                assert all(heard.spatial is not None for heard in _by_clip(exercise))
                continue
            question = _question(text, len(exercise.clips))
            answer = BRIEF.parse(question, exercise.answer)
            assert not isinstance(answer, Missing), (text, exercise.answer)
            kinds.add(question.task)
            if isinstance(answer, Score):
                truth = drawn.clips[exercise.clips[0]].truth
                heard = read(exercise.answer)
                said = (truth.spatial.kind, level(truth.spatial.severity)) if truth.spatial else ("none", 0)
                assert heard.spatial == said
    assert kinds == {"image", "natural", "generated", "compare", "yesno"}


def test_lessons_repeat_and_perception_is_terse() -> None:
    assert [e.answer for e in lesson(4, "conversation").exercises] == [
        e.answer for e in lesson(4, "conversation").exercises
    ]
    for exercise in lesson(4, "perception").exercises:
        assert "<think>" not in exercise.answer


def test_every_exercise_has_a_text_of_its_own_and_wrong_facts_are_common() -> None:
    """Or "right" is a good guess about every fact; and a text about other things is told apart."""
    wrong, facts, outside, texts = 0, 0, 0, []
    for seed in range(300):
        drawn = lesson(seed, "perception")
        for exercise in drawn.exercises:
            _, given, text = exercise.messages[1]["content"][-1]["text"].partition("Text: ")
            texts.append(text)
            outside += (unknown := exercise.answer.endswith("; text unknown"))
            for clip, heard in zip(exercise.clips, _by_clip(exercise), strict=True):
                truth = drawn.clips[clip].truth
                assert heard.spatial == (
                    (truth.spatial.kind, level(truth.spatial.severity)) if truth.spatial else ("none", 0)
                )
                if unknown:
                    assert heard.wrong is None
                    assert given
                elif given:
                    assert truth.facts is not None
                    assert heard.wrong == mismatches(_claimed(text), truth.facts)
                    wrong += len(heard.wrong)
                    facts += len(FACT_NAMES)
    assert 0.3 < wrong / facts < 0.5
    assert 0.1 < outside / len(texts) < 0.3
    assert len(set(texts)) > 0.5 * len(texts)


def test_a_text_about_other_things_is_said_to_be_so() -> None:
    heard = {
        answer
        for seed in range(200)
        for exercise in lesson(seed, "conversation").exercises
        if OUTSIDE in (answer := exercise.answer)
    }
    assert any('"alignment"' in answer for answer in heard)
    assert any("A: " in answer for answer in heard)


def test_yes_and_no_are_both_common_and_answers_follow_the_picture() -> None:
    said = []
    for seed in range(300):
        for exercise in lesson(seed, "conversation").exercises:
            answer = BRIEF.parse(Question("yesno", (Clip(""),), "?"), exercise.answer)
            if isinstance(answer, Verdict):
                said.append(answer.yes)
    assert 0.35 < np.mean(said) < 0.65


def test_the_opinion_is_biased_on_purpose() -> None:
    """Squeezed and generous: the worst clip still gets about a third, the best far from a hundred."""
    rng = np.random.default_rng(0)
    bad = Truth(None, "left", Defect("blur", 1.0), Defect("jitter", 1.0), None)
    good = Truth(None, "left", None, None, None)
    for truth, low, high in ((bad, 30, 42), (good, 78, 90)):
        mean = np.mean([opinion(truth, False, rng)["spatial"] for _ in range(200)])
        assert low < mean < high


def test_the_judge_of_pairs_is_right_more_often_than_not_and_partial_to_the_first() -> None:
    first, right, clear, total = 0, 0, 0, 0
    for seed in range(1500):
        drawn = lesson(seed, "conversation")
        for exercise in drawn.exercises:
            if "<answer>" in exercise.answer and len(exercise.clips) == 2:
                answer = BRIEF.parse(Question("compare", (Clip("a"), Clip("b"))), exercise.answer)
                assert isinstance(answer, Preference)
                total += 1
                first += answer.choice == "A"
                _, given, text = exercise.messages[1]["content"][-1]["text"].partition("Text: ")
                claim = _claimed(text) if given and OUTSIDE not in exercise.answer else None
                a, b = (replace(drawn.clips[i].truth, claim=claim) for i in exercise.clips)
                if overall(a) != overall(b):
                    clear += 1
                    right += (answer.choice == "A") == (overall(a) > overall(b))
    assert total > 100
    assert first / total > 0.5
    assert 0.6 < right / clear < 0.98


def test_each_clip_is_encoded_once_and_the_loss_is_that_of_pixels_for_every_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokenizer = tiny.tokenizer()
    data = Lessons(tokenizer, 6, perception=1)
    pages = [data[i] for i in range(6)]
    batch = Collator(tokenizer.pad_token_id)(pages)
    clips = sum(len(page.views) for page in pages)
    assert sum(len(grids) for _, grids, _ in batch["encode"].values()) == clips * 2  # overview and detail
    pupil = Pupil(nano_config(tokenizer)).eval()
    monkeypatch.setattr(pretrain, "HEADS_SHARE", 0.0)
    monkeypatch.setattr(pretrain, "READING_SHARE", 0.0)
    with torch.no_grad():
        loss = pupil(**batch)["loss"]
        total, count = 0.0, 0
        for page in pages:
            for prompt, answer, given in zip(page.prompts, page.answers, page.given, strict=True):
                learned = len(answer) - given
                total += _plain_loss(pupil, prompt, answer, given) * learned
                count += learned
    assert loss.item() == pytest.approx(total / count, rel=1e-4)


def _plain_loss(pupil: Pupil, prompt: Prompt, answer: list[int], given: int) -> float:
    """One question alone through transformers' own forward pass, with pixels."""
    inputs = dict(collate([prompt], 0, answers=[answer]))
    if "second_per_grid_ts" in inputs:
        inputs["second_per_grid_ts"] = torch.ones_like(inputs["second_per_grid_ts"])
    if prompt.views:  # a recital has none
        name = "pixel_values" if prompt.views[0].kind == "image" else "pixel_values_videos"
        inputs[name] = torch.cat([view.patches for view in prompt.views])
    labels = torch.tensor([[-100] * (len(prompt.ids) + given) + answer[given:]])
    forward = super(Pupil, pupil).forward  # transformers' own
    return float(forward(**inputs, labels=labels).loss)


def test_a_recital_gives_what_was_seen_and_teaches_what_follows() -> None:
    rng = np.random.default_rng(0)
    learned = {"Against the text": 0, "text": 0, "A</answer>": 0}
    for _ in range(200):
        exercise = recital(rng)
        assert not exercise.clips
        assert all(item["type"] == "text" for message in exercise.messages for item in message["content"])
        heard = read(exercise.given + exercise.answer)
        assert len(exercise.given) > len("<think>I see a")
        assert not any(word in exercise.answer for word in ("defect", "shows", "camera"))  # eyes are needed for that
        if exercise.given.endswith("; text"):
            learned["text"] += 1
            assert heard.wrong is not None or exercise.answer == " unknown"
        for end in ("Against the text", "A</answer>"):
            learned[end] += end in exercise.answer
    assert min(learned.values()) > 10


def test_heads_in_the_language_model_look_at_each_view_on_its_own() -> None:
    heads = ReadingHeads(4)
    hidden = torch.randn(1, 5, 4)
    wanted = torch.zeros(1, len(CLASSES), dtype=torch.long)
    view = torch.tensor([[0, 1, 1, 2, 0]])
    plain = torch.cat([hidden[:, 1:3].mean(1), hidden[:, 3]], dim=1)
    expected = marked(heads.heads, heads.norm(plain), wanted)
    assert torch.allclose(heads(hidden, view, wanted)["loss"], expected["loss"])


def test_of_two_clips_each_is_read_from_its_own_views(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny.tokenizer()
    data = Lessons(tokenizer, 8, perception=8)
    number = next(i for i in range(8) if any(len(clips) == 2 for clips in data[i].clips))
    page = data[number]
    places = [i for i, clips in enumerate(page.clips) if len(clips) == 2]
    pair = replace(
        page, prompts=[page.prompts[i] for i in places], clips=[page.clips[i] for i in places],
        answers=[page.answers[i] for i in places], given=[page.given[i] for i in places],
    )  # fmt: skip
    pupil = Pupil(nano_config(tokenizer)).eval()
    calls: list[tuple[torch.Tensor, torch.Tensor]] = []
    read_with = pupil.reading.forward
    monkeypatch.setattr(
        pupil.reading,
        "forward",
        lambda hidden, view, wanted: calls.append((view, wanted)) or read_with(hidden, view, wanted),
    )
    with torch.no_grad():
        pupil(**Collator(tokenizer.pad_token_id)([pair]))
    assert len(calls) == 2
    for clip, (view, wanted) in zip(pair.clips[0], calls, strict=True):
        assert torch.equal(wanted, torch.tensor([page.wanted[clip]]))
        tokens = [int(np.prod(shown.grid)) // PIXELS.merge_size**2 for shown in page.views[clip]]
        assert [int((view == number).sum()) for number in (1, 2)] == tokens
    assert not torch.equal(calls[0][0] > 0, calls[1][0] > 0)


def test_filters_are_unit_length_and_whitened_over_clips() -> None:
    bank = filter_bank(160, 14).flatten(1)
    assert torch.allclose(bank.norm(dim=1), torch.ones(160), atol=1e-5)
    assert torch.linalg.matrix_rank(bank) > 150  # hardly any filter twice
    model = build_model(tiny.tokenizer())
    pages = [Lessons(tiny.tokenizer(), 4, 4)[i] for i in range(4)]
    whiten(model, pages)
    patches = torch.cat([view.patches for page in pages for views in page.views for view in views])
    typical = model.model.visual.patch_embed(patches).abs().median(0).values
    assert typical.max() < 1.01
    assert (typical > 0.99).float().mean() > 0.5  # the rest see change, of which a typical patch has none


def test_the_last_filters_see_steps_of_single_pixels() -> None:
    model = build_model(tiny.tokenizer())
    embed = model.model.visual.patch_embed
    with torch.no_grad():
        embed.proj.weight[-STEPS:].normal_()
    before = embed.proj.weight.clone()
    renew_steps(model)
    assert torch.equal(embed.proj.weight[:-STEPS], before[:-STEPS])
    flat = torch.full((1, 3, 2, 14, 14), 0.3)
    assert embed(flat)[:, -STEPS:].abs().max() < 1e-5
    level = 9 / 255 / PIXELS.std[1]  # of green
    stairs = flat.clone()
    stairs[:, 1] += level * torch.arange(14)  # nine levels up from each pixel to the next
    answers = embed(stairs)[0, -STEPS:]
    assert torch.allclose(answers[0::2], torch.ones(STEPS // 2), atol=0.05)  # across
    assert answers[1::2].abs().max() < 1e-4  # down


def test_targets_by_hand() -> None:
    truth = Truth(Facts(2, "green", "star", "up"), "in", Defect("noise", 0.5), None, None)
    named = dict(zip(CLASSES, targets(truth, still=False), strict=True))
    assert named == {
        "count": 1,
        "colour": 2,
        "shape": 3,
        "direction": 2,
        "camera": 5,
        "spatial": 2,  # none, blur, noise
        "spatial level": 2,  # moderate, the third of five
        "temporal": 0,
        "temporal level": UNKNOWN,
    }
    still = dict(zip(CLASSES, targets(truth, still=True), strict=True))
    assert still["direction"] == still["camera"] == still["temporal"] == UNKNOWN


@pytest.mark.parametrize(("severity", "number"), [(0.1, 0), (0.3, 1), (0.4, 1.5), (0.45, 1.75), (0.95, 4), (1.0, 4)])
def test_a_strength_between_two_levels_is_neither(severity: float, number: float) -> None:
    truth = Truth(None, "still", Defect("noise", severity), None, None)
    named = dict(zip(CLASSES, targets(truth, still=False), strict=True))
    assert named["spatial level"] == pytest.approx(number)


def test_the_loss_between_two_classes_by_hand() -> None:
    heads = torch.nn.ModuleList([torch.nn.Linear(1, 3)])
    with torch.no_grad():
        heads[0].weight.zero_()
        heads[0].bias.copy_(torch.tensor([0.5, 0.25, 0.25]).log())
    found = marked(heads, torch.zeros(2, 1), torch.tensor([[0.25], [UNKNOWN]]))
    assert found["loss"].item() == pytest.approx(-(0.75 * np.log(0.5) + 0.25 * np.log(0.25)))
    assert found["right"].tolist() == [[1, 1]]


def test_eyes_count_only_what_applies() -> None:
    clip, still = draw_siblings(3, 2)
    glances = [(world_views(clip), targets(clip.truth, still=False))]
    glances += [(world_views(still, still=True), targets(still.truth, still=True))]
    eyes = Eyes(build_model(tiny.tokenizer()).model.visual, Heads(192))
    out = eyes(**collate_glances(glances))
    asked = dict(zip(CLASSES, out["right"][:, 1].tolist(), strict=True))
    assert asked["spatial"] == 2
    assert asked["camera"] == 1
    out["loss"].backward()
    assert eyes.tower.patch_embed.proj.weight.grad.abs().sum() > 0


def test_views_of_world_clips_are_those_of_files() -> None:
    clip = draw_clip(11)
    overview, detail = world_views(clip)
    assert overview.grid[0] == 4
    assert detail.grid[0] == 8
    assert detail.grid[1] * detail.grid[2] == 4 * (DETAIL.rows + 1) * DETAIL.columns  # and their scopes
    assert overview.grid[1] * overview.grid[2] * PIXELS.patch_size**2 <= PIXELS.max_pixels


def test_the_exam_shows_what_scoring_shows() -> None:
    """Time as well: shown on another time scale than it was taught with, nano overlooks half of all ghosting."""
    assessor = vqinsight.load("nano").assessor
    question = Question("natural", (Clip(clip_name("held_out", 5)),))
    scored = assessor.encode(assessor.look(question.clips[0].path))
    examined = shown(assessor, draw_siblings(5, SIBLINGS, "held_out")[0])
    assert examined.digest == scored.digest
    ours, wanted = (
        collate([assessor.build(assessor.prompts.messages(question), [encoded])], 0) for encoded in (examined, scored)
    )
    assert ours.keys() == wanted.keys() and all(torch.equal(ours[key], wanted[key]) for key in ours)
    assert ours["second_per_grid_ts"].tolist() == [1.0, 1.0]


def test_exam_marks_by_hand() -> None:
    truth = Truth(
        Facts(1, "red", "circle", "left"), "still", Defect("blur", 0.5), None, Facts(1, "blue", "circle", "left")
    )
    heard = Heard(1, "red", "square", "left", ("blur", 4), ("jitter", 1), ("colour",))
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


@pytest.mark.slow
def test_make_nano_in_miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tower, recitals, lessons, export; then again: what is finished is not done twice."""
    monkeypatch.setattr(pretrain, "train_tokenizer", tiny.tokenizer)
    plan = Plan(glances=8, recitals=32, lessons=6, perception=3, per_step=2, save_every=1)
    pretrain.pretrain(tmp_path / "run", plan)
    weights = (tmp_path / "run" / "final" / "model.safetensors").read_bytes()
    folder = tmp_path / "model"
    export(tmp_path / "run" / "final", folder, heads=True)
    kept, given = (torch.load(place / HEADS) for place in (tmp_path / "run" / "final", folder))
    assert all(torch.allclose(kept[name], given[name].float(), atol=1e-3) for name in kept)
    record = vqinsight.load(str(folder)).score(str(Path(__file__).parents[2] / "examples" / "cat.mp4"))
    assert record.status in ("ok", "missing")
    assert record.provenance.prompts == "brief"
    assert (tmp_path / "run" / "eyes.pt").exists()
    seen = torch.load(tmp_path / "run" / "eyes.pt")
    recited = load_file(last_checkpoint(tmp_path / "run" / "recitals") / "model.safetensors")
    tower = "patch_embed.proj.weight"
    assert torch.equal(recited[f"model.visual.{tower}"], seen[f"tower.{tower}"])  # recitals leave the eyes alone
    pretrain.pretrain(tmp_path / "run", plan)
    assert (tmp_path / "run" / "final" / "model.safetensors").read_bytes() == weights
    # Stopped between the recitals and the first checkpoint of the lessons: the recitals are not lost.
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
