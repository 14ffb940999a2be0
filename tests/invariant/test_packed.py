"""Answers packed behind one prompt have the log-probabilities and the gradients of answers on their own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers import policy

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.attention import BLOCKS, SEGMENTS, set_text_attention

FAMILIES = ["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5"]
COUNTS = [3, 1, 4, 2, 3]  # answers differ in number as well as in length


@pytest.fixture(scope="module", params=FAMILIES)
def assessor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Assessor:
    return policy.assessor(policy.save(request.param, tmp_path_factory.mktemp(request.param)))


def _gradients(assessor: Assessor, losses: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    model = assessor.loaded.model
    model.requires_grad_(True)
    model.model.visual.requires_grad_(False)
    model.zero_grad()
    weights = torch.linspace(-1, 1, len(losses))  # as advantages would weigh them
    sum(w * each.mean() for w, each in zip(weights, losses, strict=True)).backward()
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


def test_packed_is_plain(assessor: Assessor) -> None:
    """Five tasks in one batch: images, clips, pairs; packed once each against one row and all pixels an answer."""
    built = policy.prompts(assessor, policy.examples())
    said = policy.answers(assessor, COUNTS)
    assessor.loaded.model.requires_grad_(True)
    packed, plain = policy.packed_logprobs(assessor, built, said), policy.plain_logprobs(assessor, built, said)
    assert len(packed) == sum(COUNTS)
    for mine, theirs in zip(packed, plain, strict=True):
        assert (mine - theirs).abs().max() < 1e-5
    assert torch.cat(plain).std() > 0.5  # numbers that say something
    ours, long_way = _gradients(assessor, packed), _gradients(assessor, policy.plain_logprobs(assessor, built, said))
    assert ours.keys() == long_way.keys() and ours
    for name, gradient in long_way.items():
        assert (ours[name] - gradient).norm() <= 1e-4 * gradient.norm() + 1e-8, name


def test_eager_attention_is_sdpa(tmp_path: Path) -> None:
    folder = policy.save("qwen2_5_vl", tmp_path)
    found = []
    for attention in ("sdpa", "eager"):
        assessor = policy.assessor(folder, attention)
        built = policy.prompts(assessor, policy.examples(3))
        found.append(torch.cat(policy.packed_logprobs(assessor, built, policy.answers(assessor, [2, 2, 2]))))
    assert (found[0] - found[1]).abs().max() < 1e-5


def test_attention_by_segment_is_sdpa(tmp_path: Path) -> None:
    """With gradients; rows of other lengths and numbers of answers, so that some have padding."""
    found, gradients = [], []
    for attention in ("sdpa", SEGMENTS):
        assessor = policy.assessor(policy.save("qwen3_vl", tmp_path))
        set_text_attention(assessor.loaded.model, attention)
        assessor.loaded.model.requires_grad_(True)
        built = policy.prompts(assessor, policy.examples())
        found.append(policy.packed_logprobs(assessor, built, policy.answers(assessor, COUNTS)))
        gradients.append(_gradients(assessor, found[-1]))
    for mine, theirs in zip(*found, strict=True):
        assert (mine - theirs).abs().max() < 1e-5
    assert any((mine != theirs).any() for mine, theirs in zip(*found, strict=True))  # two ways to compute it
    for name, gradient in gradients[0].items():
        assert (gradients[1][name] - gradient).norm() <= 1e-4 * gradient.norm() + 1e-8, name


@torch.no_grad()
def test_flex_attention_is_sdpa(tmp_path: Path) -> None:
    """The mask as blocks; only forward, as the backward pass of flex attention needs an accelerator."""
    found = []
    for attention in ("sdpa", BLOCKS):
        assessor = policy.assessor(policy.save("qwen3_vl", tmp_path))
        set_text_attention(assessor.loaded.model, attention)
        built = policy.prompts(assessor, policy.examples(3))
        found.append(torch.cat(policy.packed_logprobs(assessor, built, policy.answers(assessor, [2, 1, 3]))))
    assert 0 < (found[0] - found[1]).abs().max() < 1e-5


def test_a_branch_does_not_see_its_neighbours(assessor: Assessor) -> None:
    built = policy.prompts(assessor, policy.examples(2))
    said = policy.answers(assessor, [3, 2])
    before = policy.packed_logprobs(assessor, built, said)
    said[0][1] = 2 * said[0][1][::-1]
    after = policy.packed_logprobs(assessor, built, said)
    for place in (0, 2, 3, 4):
        assert (before[place] - after[place]).abs().max() < 1e-5
    assert len(before[1]) != len(after[1])


def test_log_probabilities_change_with_the_clip(assessor: Assessor) -> None:
    """What released code got wrong: log-probabilities that never saw the video."""
    first = policy.examples(5)[1]
    other = policy.examples(5, start=50)[1]
    said = policy.answers(assessor, [2])
    one, two = (
        torch.cat(policy.packed_logprobs(assessor, policy.prompts(assessor, [each]), said)) for each in (first, other)
    )
    assert (one - two).abs().max() > 1e-3


def test_sampling_and_learning_agree(assessor: Assessor) -> None:
    """Greedy answers are those to which the packed pass gives the highest probability at every step."""
    built = policy.prompts(assessor, policy.examples())
    said = assessor.generate([p for p, _ in built], [v for _, v in built], [[0]] * 5, 0.0, max_new_tokens=8)
    greedy = torch.cat(policy.packed_logprobs(assessor, built, said))
    # Another plain token: below lie the special ones, of which a placeholder would ask for a view.
    worse = [[[100 + (one[0] + 1) % 200, *one[1:]] for one in each] for each in said]
    assert greedy.min() > -8
    assert torch.cat([row[:1] for row in policy.packed_logprobs(assessor, built, worse)]).mean() < greedy.mean()
