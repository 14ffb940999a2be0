"""Sampled tokens are draws from the softmax of the model's own logits, over real calls of the model."""

from __future__ import annotations

import pytest
import torch
from helpers import policy
from scipy.stats import chisquare

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.generate import complete

DRAWS = 4000


@pytest.fixture(scope="module")
def assessor(tmp_path_factory: pytest.TempPathFactory) -> Assessor:
    return policy.assessor(policy.save("qwen2_5_vl", tmp_path_factory.mktemp("model")))


def _first_logprobs(assessor: Assessor, temperature: float) -> torch.Tensor:
    """(V,) of the first token of an answer, from pixels; placeholders are impossible."""
    built, words = policy.prompts(assessor, policy.examples(1)), len(assessor.loaded.tokenizer)
    forbidden = list(assessor.loaded.suppressed_tokens)
    ids = [token for token in range(words) if token not in forbidden]
    with torch.no_grad():
        said = policy.plain_logprobs(assessor, built, [[[token] for token in ids]], temperature)
    found = torch.full((words,), -torch.inf)
    found[ids] = torch.cat(said)
    return found.log_softmax(-1)


@pytest.mark.parametrize("temperature", [0.7, 3.0])
def test_first_tokens_follow_the_softmax(assessor: Assessor, temperature: float) -> None:
    """Chi-square over the tokens that are expected often, the others together."""
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
    expected = DRAWS * _first_logprobs(assessor, temperature).exp()
    seen = torch.bincount(torch.tensor([one[0] for one in answers]), minlength=len(expected)).float()
    often = expected > 10
    assert often.sum() >= 5
    groups = [torch.cat([each[often], each[~often].sum()[None]]).double().numpy() for each in (seen, expected)]
    assert chisquare(groups[0], groups[1] * groups[0].sum() / groups[1].sum()).pvalue > 1e-3
