"""Shuffling a clip's visual tokens is encoding the shuffled clip, bit for bit, and it really shuffles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from helpers import policy

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.vision import shuffled
from vqinsight.video.shuffle import shuffled_order


@pytest.fixture(scope="module", params=["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def assessor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Assessor:
    return policy.assessor(policy.save(request.param, tmp_path_factory.mktemp(request.param)))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Several threads cut a product's rows up by their place, and the last bit then depends on the place."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_moved_tokens_are_the_features_of_the_shuffled_clip(assessor: Assessor) -> None:
    footage = assessor.clips.load("synthetic:train:3:0")
    steps = footage.views[0].grid[0]
    order = shuffled_order(steps, seed=1, position=2)
    moved = []
    for view in footage.views:
        run = view.grid[0] // steps
        patches = view.patches.view(steps, -1, view.patches.shape[-1])
        assert run * steps == view.grid[0]
        moved.append(replace(view, patches=patches[order].flatten(0, 1).contiguous()))
    encoded = assessor.encode(footage)
    long_way = assessor.encode(replace(footage, views=tuple(moved)))
    for ours, theirs, before in zip(shuffled(encoded.views, order), long_way.views, encoded.views, strict=True):
        assert torch.equal(ours.pooled, theirs.pooled)
        assert not torch.equal(ours.pooled, before.pooled)
        for mine, full in zip(ours.deepstack, theirs.deepstack, strict=True):
            assert torch.equal(mine, full)


def test_the_shuffled_clip_is_answered_differently(assessor: Assessor) -> None:
    """Under some backends the shuffle of peers did nothing: here the log-probabilities must move."""
    [(prompt, views)] = policy.prompts(assessor, policy.examples(2)[1:])
    said = policy.answers(assessor, [2])
    order = shuffled_order(views[0].view.grid[0], seed=0, position=0)
    straight = torch.cat(policy.packed_logprobs(assessor, [(prompt, views)], said))
    mixed = torch.cat(policy.packed_logprobs(assessor, [(prompt, shuffled(views, order))], said))
    assert (straight - mixed).abs().max() > 1e-4


def test_the_order_is_never_the_old_one() -> None:
    for position in range(200):
        order = shuffled_order(2, seed=0, position=position)
        assert order == [1, 0]
    orders = {tuple(shuffled_order(4, seed=0, position=position)) for position in range(400)}
    assert len(orders) == 23  # all but the old one
    assert shuffled_order(8, 5, 9) == shuffled_order(8, 5, 9)


def test_views_that_do_not_divide_are_refused(assessor: Assessor) -> None:
    encoded = assessor.encode(assessor.clips.load("synthetic:train:3:0"))
    with pytest.raises(ValueError, match="cannot be shuffled in 3 parts"):
        shuffled(encoded.views, [2, 0, 1])
