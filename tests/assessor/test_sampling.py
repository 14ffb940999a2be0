"""Sampled tokens are draws from the softmax of the model's own logits, over real calls of the model."""

from __future__ import annotations

import pytest
import torch
from helpers import policy
from scipy.stats import chisquare

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.generate import complete

DRAWS, GROUPS = 2000, 20


@pytest.fixture(scope="module")
def assessor(tmp_path_factory: pytest.TempPathFactory) -> Assessor:
    return policy.assessor(policy.save("qwen2_5_vl", tmp_path_factory.mktemp("model")))


def _first_logprobs(assessor: Assessor, temperature: float) -> torch.Tensor:
    """(V,) of the first token of an answer; placeholders are impossible."""
    words = len(assessor.loaded.tokenizer)
    ids = sorted(set(range(words)) - set(assessor.loaded.suppressed_tokens))
    with torch.no_grad():
        said = policy.packed_logprobs(
            assessor, policy.prompts(assessor, policy.examples(1)), [[[token] for token in ids]]
        )
    found = torch.full((words,), -torch.inf)
    found[ids] = torch.cat(said)
    return (found / temperature).log_softmax(-1)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_first_tokens_follow_the_softmax(assessor: Assessor, temperature: float) -> None:
    """Chi-square over groups of tokens, from likely to unlikely."""
    [(prompt, views)] = policy.prompts(assessor, policy.examples(1))
    [answers] = complete(
        assessor.loaded.model,
        [prompt],
        [views],
        [list(range(DRAWS))],
        output_type=assessor.output_type,
        pad_id=assessor.loaded.tokenizer.pad_token_id,
        suppressed_tokens=assessor.loaded.suppressed_tokens,
        max_new_tokens=1,
        temperature=temperature,
    )
    likely, order = _first_logprobs(assessor, temperature).exp().double().sort(descending=True)
    group = (likely.cumsum(0) * GROUPS).clamp(max=GROUPS - 1).long()
    share = torch.zeros(GROUPS, dtype=torch.float64).index_add(0, group, likely)
    place = order.argsort()[torch.tensor([one[0] for one in answers])]
    seen = torch.bincount(group[place], minlength=GROUPS)
    filled = share > 0
    assert filled.sum() >= 5 and len(set(place.tolist())) > 10
    assert chisquare(seen[filled].numpy(), DRAWS * (share / share.sum())[filled].numpy()).pvalue > 1e-3
