"""The embedded model's filters, and the heads that teach its tower."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import tiny

from vqinsight.nano.assessor.architecture import PIXELS, build_model, filter_bank, nano_config
from vqinsight.nano.assessor.batches import Collator, Lessons
from vqinsight.nano.assessor.pretrain import PretrainingModel, whiten
from vqinsight.nano.assessor.rendered import RenderedClips, synthetic_view
from vqinsight.nano.assessor.tower import (
    CLASSES,
    UNKNOWN,
    Heads,
    ReadingHeads,
    TowerPretraining,
    collate_clips,
    marked,
    targets,
)
from vqinsight.synthetic.captions import Facts
from vqinsight.synthetic.describe import Defect, GroundTruth
from vqinsight.synthetic.varied import varied_siblings


def test_heads_in_the_language_model_look_at_the_clip_s_tokens_alone() -> None:
    heads = ReadingHeads(4)
    hidden = torch.randn(1, 7, 4)
    wanted = torch.zeros(1, len(CLASSES), dtype=torch.long)
    inside = torch.tensor([[False, True, True, False, True, False, False]])
    expected = marked(heads.heads, heads.norm(hidden[:, [1, 2, 4]].mean(1)), wanted)
    assert torch.allclose(heads.read(hidden, inside, wanted)["loss"], expected["loss"])


def test_the_tower_is_also_asked_through_nothing_but_means() -> None:
    """Of two clips of 2 steps: whatever order the tokens come in, that loss is the same."""
    heads, wanted = Heads(4), torch.zeros(2, len(CLASSES))
    tokens, grids = torch.randn(2, 6, 4), torch.tensor([[2, 2, 6]] * 2)
    found = heads(list(tokens), grids, wanted)
    plain = marked(heads.plain.heads, heads.plain.norm(tokens.mean(1)), wanted)
    assert torch.equal(found["plain"], plain["right"])
    mixed = heads(list(tokens[:, torch.randperm(6)]), grids, wanted)
    assert torch.equal(mixed["plain"], plain["right"])
    gradient = torch.autograd.grad(found["loss"], tuple(heads.plain.parameters()))
    alone = torch.autograd.grad(plain["loss"], tuple(heads.plain.parameters()))
    assert all(torch.allclose(one, other) for one, other in zip(gradient, alone, strict=True))


def test_of_two_clips_each_is_read_from_its_own_view(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny.tokenizer()
    data = Lessons(tokenizer, 8, 8, RenderedClips(None), 8)
    number = next(i for i in range(8) if any(len(clips) == 2 for clips in data[i].clips))
    item = data[number]
    places = [i for i, clips in enumerate(item.clips) if len(clips) == 2]
    pair = replace(
        item, prompts=[item.prompts[i] for i in places], clips=[item.clips[i] for i in places],
        answers=[item.answers[i] for i in places], given=[item.given[i] for i in places],
    )  # fmt: skip
    pretraining_model = PretrainingModel(nano_config(tokenizer)).eval()
    calls: list[tuple[torch.Tensor, torch.Tensor]] = []
    read_with = pretraining_model.reading.read
    monkeypatch.setattr(
        pretraining_model.reading,
        "read",
        lambda hidden, inside, wanted: calls.append((inside, wanted)) or read_with(hidden, inside, wanted),
    )
    with torch.no_grad():
        pretraining_model(**Collator(tokenizer.pad_token_id)([pair]))
    assert len(calls) == 2
    for clip, (inside, wanted) in zip(pair.clips[0], calls, strict=True):
        assert torch.equal(wanted, torch.tensor([item.wanted[clip]]))
        assert int(inside.sum()) == int(np.prod(item.views[clip].grid)) // PIXELS.merge_size**2
    assert not (calls[0][0] & calls[1][0]).any()


def test_filters_are_unit_length_and_whitened_over_clips() -> None:
    bank = filter_bank(160, 14).flatten(1)
    assert torch.allclose(bank.norm(dim=1), torch.ones(160), atol=1e-5)
    assert torch.linalg.matrix_rank(bank) > 150  # hardly any filter twice
    model = build_model(tiny.tokenizer())
    views = [clip.view.patches for i in range(4) for clip in RenderedClips(None)[i]]
    whiten(model, views)
    typical = model.model.visual.patch_embed(torch.cat(views)).abs().median(0).values
    assert typical.max() < 1.01
    assert (typical > 0.99).float().mean() > 0.5  # the rest see change, of which a typical patch has none


def test_targets_by_hand() -> None:
    truth = GroundTruth(Facts(2, "green", "star", "up"), "in", Defect("noise", 0.5), None, None)
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
    truth = GroundTruth(None, "still", Defect("noise", severity), None, None)
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
    clip, still = varied_siblings(3, 2)
    tower_data = [(synthetic_view(clip), targets(clip.truth, still=False))]
    tower_data += [(synthetic_view(still, still=True), targets(still.truth, still=True))]
    tower_pretraining = TowerPretraining(build_model(tiny.tokenizer()).model.visual, Heads(192))
    out = tower_pretraining(**collate_clips(tower_data))
    asked = dict(zip(CLASSES, out["right"][:, 1].tolist(), strict=True))
    assert asked["spatial"] == 2
    assert asked["camera"] == 1
    out["loss"].backward()
    assert tower_pretraining.tower.patch_embed.proj.weight.grad.abs().sum() > 0
