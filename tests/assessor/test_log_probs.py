"""Log-probabilities in chunks equal those from the whole logits, in value and gradient, inside any wrapper."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vqinsight.assessor import log_probs
from vqinsight.assessor.backbone import language_head
from vqinsight.assessor.log_probs import token_log_probs

TOKENS, WORDS, WIDTH = 37, 211, 16


def _plain(
    hidden: torch.Tensor, weight: torch.Tensor, ids: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    logits = (hidden @ weight.T).float() / temperature
    logp = logits.log_softmax(-1)
    return logp.gather(-1, ids[:, None])[:, 0], -(logp.exp() * logp).sum(-1)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_probs, "LOGITS_CHUNK_BYTES", 4 * WORDS * 5)  # 5 tokens: 8 chunks, the last one shorter
    monkeypatch.setattr(log_probs, "_WORDS", 50)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_values_and_gradients_equal_the_plain_way(temperature: float) -> None:
    torch.manual_seed(0)
    ids = torch.randint(WORDS, (TOKENS,))
    upstream = torch.randn(TOKENS)
    found = []
    for function in (_plain, lambda h, w, i, t: token_log_probs(h, w, i, temperature=t)):
        torch.manual_seed(1)
        hidden, weight = torch.randn(TOKENS, WIDTH, requires_grad=True), torch.randn(WORDS, WIDTH, requires_grad=True)
        logp, entropy = function(hidden, weight, ids, temperature)
        (logp * upstream).sum().backward()
        found.append((logp, entropy, hidden.grad, weight.grad))
    for plain, ours in zip(*found, strict=True):
        assert plain is not None and ours is not None
        assert torch.allclose(plain, ours, atol=1e-5, rtol=1e-5)
    assert not found[1][1].requires_grad


@pytest.mark.usefixtures("small_chunks")
def test_a_word_that_cannot_follow_has_no_share_in_the_entropy() -> None:
    hidden, weight = torch.ones(3, 1), torch.tensor([[0.0], [0.0], [-float("inf")]])
    logp, entropy = token_log_probs(hidden, weight, torch.tensor([0, 1, 0]))
    assert torch.allclose(logp, torch.tensor(0.5).log().expand(3))
    assert torch.allclose(entropy, torch.tensor(2.0).log().expand(3))


def test_autocast_computes_the_product_in_bfloat16() -> None:
    torch.manual_seed(0)
    hidden, weight, ids = torch.randn(9, WIDTH), torch.randn(WORDS, WIDTH), torch.randint(WORDS, (9,))
    with torch.autocast("cpu", torch.bfloat16):
        plain = (hidden @ weight.T).float().log_softmax(-1).gather(-1, ids[:, None])[:, 0]
        ours, _ = token_log_probs(hidden, weight, ids)
    assert ours.dtype == torch.float32
    assert torch.allclose(plain, ours, atol=1e-5)
    assert not torch.allclose(_plain(hidden, weight, ids, 1.0)[0], ours, atol=1e-5)


def test_the_whole_logits_are_never_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest tensor of forward and backward pass holds one chunk."""
    monkeypatch.setattr(log_probs, "LOGITS_CHUNK_BYTES", 4 * WORDS * 5)
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            nonlocal largest
            out = function(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor):
                largest = max(largest, out.numel())
            return out

    hidden, weight = torch.randn(400, WIDTH, requires_grad=True), torch.randn(WORDS, WIDTH, requires_grad=True)
    with Watch():
        token_log_probs(hidden, weight, torch.randint(WORDS, (400,)))[0].sum().backward()
    assert largest == max(400 * WIDTH, WORDS * WIDTH)  # the inputs, not 400 x 211


def test_a_head_that_is_not_plain_is_refused() -> None:
    class Model(nn.Module):
        def __init__(self, head: nn.Module) -> None:
            super().__init__()
            self.head = head

        def get_output_embeddings(self) -> nn.Module:
            return self.head

    assert language_head(Model(nn.Linear(4, 9, bias=False))).weight.shape == (9, 4)
    for head in (nn.Linear(4, 9), nn.Sequential(nn.Linear(4, 9, bias=False))):
        with pytest.raises(TypeError, match="language head"):
            language_head(Model(head))
