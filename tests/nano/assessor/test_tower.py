"""The embedded model's filters, and the heads that teach its tower."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import tiny

from vqinsight.nano.assessor.architecture import (
    LAGS,
    PIXELS,
    STEPS,
    build_model,
    filter_bank,
    nano_config,
    renew_lags,
)
from vqinsight.nano.assessor.batches import Collator, Lessons, synthetic_views
from vqinsight.nano.assessor.pretrain import PretrainingModel, whiten
from vqinsight.nano.assessor.tower import (
    CLASSES,
    UNKNOWN,
    Heads,
    ReadingHeads,
    TowerPretraining,
    collate_glances,
    marked,
    targets,
)
from vqinsight.synthetic.captions import Facts
from vqinsight.synthetic.describe import Defect, GroundTruth
from vqinsight.synthetic.generate import draw_siblings


def test_heads_in_the_language_model_look_at_each_view_on_its_own() -> None:
    heads = ReadingHeads(4)
    hidden = torch.randn(1, 7, 4)
    wanted = torch.zeros(1, len(CLASSES), dtype=torch.long)
    view = torch.tensor([[0, 1, 1, 2, 3, 0, -2]])
    plain = torch.stack([hidden[:, 1:3].mean(1), hidden[:, 3], hidden[:, 4]], dim=1)
    expected = marked(heads.heads, heads.norm(plain), wanted)
    assert torch.allclose(heads.read(hidden, view, wanted)["loss"], expected["loss"])


def test_the_tower_is_also_asked_through_nothing_but_means() -> None:
    """Of two clips, each with three views of 2 steps: whatever order the tokens come in, that loss is the same."""
    heads, wanted, counts = Heads(4), torch.zeros(2, len(CLASSES)), torch.tensor([3, 3])
    tokens, grids = torch.randn(6, 6, 4), torch.tensor([[2, 2, 6]] * 6)
    found = heads(list(tokens), grids, counts, wanted)
    means = tokens.mean(1).view(2, 3, 4)
    plain = marked(heads.plain.heads, heads.plain.norm(means), wanted)
    assert torch.equal(found["plain"], plain["right"])
    mixed = heads(list(tokens[:, torch.randperm(6)]), grids, counts, wanted)
    assert torch.equal(mixed["plain"], plain["right"])
    gradient = torch.autograd.grad(found["loss"], tuple(heads.plain.parameters()))
    alone = torch.autograd.grad(plain["loss"], tuple(heads.plain.parameters()))
    assert all(torch.allclose(one, other) for one, other in zip(gradient, alone, strict=True))


def test_an_image_beside_clips_has_nothing_in_time() -> None:
    heads, tokens = Heads(4), torch.randn(5, 6, 4)
    grids, counts = torch.tensor([[2, 2, 6]] * 2 + [[2, 2, 6]] * 3), torch.tensor([2, 3])
    read = heads.summarize(list(tokens), grids, counts)
    assert torch.allclose(read[:1], heads.summarize(list(tokens[:2]), grids[:2], counts[:1]), atol=1e-6)
    assert torch.allclose(read[1:], heads.summarize(list(tokens[2:]), grids[2:], counts[1:]), atol=1e-6)


def test_of_two_clips_each_is_read_from_its_own_views(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny.tokenizer()
    data = Lessons(tokenizer, 8, perception=8)
    number = next(i for i in range(8) if any(len(clips) == 2 for clips in data[i].clips))
    item = data[number]
    places = [i for i, clips in enumerate(item.clips) if len(clips) == 2]
    pair = replace(
        item, prompts=[item.prompts[i] for i in places], clips=[item.clips[i] for i in places],
        answers=[item.answers[i] for i in places], given=[item.given[i] for i in places],
        asked=[item.asked[i] for i in places],
    )  # fmt: skip
    pretraining_model = PretrainingModel(nano_config(tokenizer)).eval()
    calls: list[tuple[torch.Tensor, torch.Tensor]] = []
    read_with = pretraining_model.reading.read
    monkeypatch.setattr(
        pretraining_model.reading,
        "read",
        lambda hidden, view, wanted: calls.append((view, wanted)) or read_with(hidden, view, wanted),
    )
    with torch.no_grad():
        pretraining_model(**Collator(tokenizer.pad_token_id)([pair]))
    assert len(calls) == 2
    for clip, (view, wanted) in zip(pair.clips[0], calls, strict=True):
        assert torch.equal(wanted, torch.tensor([item.wanted[clip]]))
        tokens = [int(np.prod(shown.grid)) // PIXELS.merge_size**2 for shown in item.views[clip]]
        assert [int((view == number).sum()) for number in (1, 2, 3)] == tokens
        assert int(((view > 0) & (view < 4)).sum()) == sum(tokens)
    assert not torch.equal(calls[0][0] > 0, calls[1][0] > 0)


def test_filters_are_unit_length_and_whitened_over_clips() -> None:
    bank = filter_bank(160, 14).flatten(1)
    assert torch.allclose(bank.norm(dim=1), torch.ones(160), atol=1e-5)
    assert torch.linalg.matrix_rank(bank) > 150  # hardly any filter twice
    model = build_model(tiny.tokenizer())
    items = [Lessons(tiny.tokenizer(), 4, 4)[i] for i in range(4)]
    whiten(model, items)
    patches = torch.cat([view.patches for item in items for views in item.views for view in views])
    typical = model.model.visual.patch_embed(patches).abs().median(0).values
    assert typical.max() < 1.01
    assert (typical > 0.99).float().mean() > 0.5  # the rest see change, of which a typical patch has none


def test_filters_see_steps_of_single_pixels() -> None:
    model = build_model(tiny.tokenizer())
    whiten(model, [Lessons(tiny.tokenizer(), 4, 4)[i] for i in range(4)])
    flat = torch.full((1, 3, 2, 14, 14), 0.3)
    level = 9 / 255 / PIXELS.std[1]  # of green
    stairs = flat.clone()
    stairs[:, 1] += level * torch.arange(14)  # nine levels up from each pixel to the next
    first = -STEPS - 3 * LAGS
    on_flat, on_stairs = (model.model.visual.patch_embed(patch)[0, first : first + STEPS] for patch in (flat, stairs))
    assert on_flat.abs().max() < 1e-5
    assert torch.allclose(on_stairs[0::2], torch.ones(STEPS // 2), atol=0.05)  # across
    assert on_stairs[1::2].abs().max() < 1e-4  # down


@pytest.mark.parametrize("lag", [3, 6])
def test_the_last_filters_see_a_ghost_in_self_similarity(lag: int) -> None:
    model = build_model(tiny.tokenizer())
    embed = model.model.visual.patch_embed
    with torch.no_grad():
        embed.proj.weight.normal_()
    before = embed.proj.weight.clone()
    renew_lags(model)
    assert torch.equal(embed.proj.weight[: -3 * LAGS], before[: -3 * LAGS])
    quarter = torch.full((1, 3, 2, 14, 14), 0.5)
    quarter[:, 1, 1] += 0.05 * torch.eye(14)[[*range(lag, 14), *range(lag)]].triu(lag)  # a correlation of .1, in green
    answers = embed((quarter - 0.5) / PIXELS.std[1])[0, -3 * LAGS :].view(LAGS, 3)
    assert answers[lag - 1, 1] == answers.max()
    assert answers[lag - 1, 1].item() == pytest.approx(1, abs=0.25)
    assert answers[:, [0, 2]].abs().max() == 0  # a matrix in another colour
    beside = [other for other in range(LAGS) if abs(other - (lag - 1)) > 1]
    assert answers[beside].abs().max() < 1e-6


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
    clip, still = draw_siblings(3, 2)
    tower_data = [(synthetic_views(clip), targets(clip.truth, still=False))]
    tower_data += [(synthetic_views(still, still=True), targets(still.truth, still=True))]
    tower_pretraining = TowerPretraining(build_model(tiny.tokenizer()).model.visual, Heads(192))
    out = tower_pretraining(**collate_glances(tower_data))
    asked = dict(zip(CLASSES, out["right"][:, 1].tolist(), strict=True))
    assert asked["spatial"] == 2
    assert asked["camera"] == 1
    out["loss"].backward()
    assert tower_pretraining.tower.patch_embed.proj.weight.grad.abs().sum() > 0
