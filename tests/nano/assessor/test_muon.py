"""The optimizer of the embedded model: every weight learns, at its own rate, and comes back from a checkpoint."""

from __future__ import annotations

import copy

import torch

from vqinsight.nano.assessor.muon import Muon, MuonAndAdamW, orthogonal


def _model() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Embedding(5, 4), torch.nn.Linear(4, 6), torch.nn.LayerNorm(6), torch.nn.Linear(6, 2)
    )


def _step(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    model(torch.tensor([1, 2, 3])).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def test_every_weight_learns_and_only_matrices_by_muon() -> None:
    model = _model()
    before = copy.deepcopy(model)
    optimizer = MuonAndAdamW(model, 0.01, 0.01)
    _step(model, optimizer)
    assert all(not torch.equal(a, b) for a, b in zip(before.parameters(), model.parameters(), strict=True))
    by_muon = {id(p) for group in optimizer._muon.param_groups for p in group["params"]}
    assert by_muon == {id(model[1].weight), id(model[3].weight)}  # type: ignore[index]


def test_muon_is_torchs_but_for_its_precision() -> None:
    torch.manual_seed(0)
    wide, tall = torch.randn(6, 10), torch.randn(12, 5)
    ours, theirs = ([w.clone().requires_grad_() for w in (wide, tall)] for _ in range(2))
    optimizers = (
        Muon(ours, lr=0.1, weight_decay=0.05),
        torch.optim.Muon(theirs, lr=0.1, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
    )
    for _ in range(3):
        gradients = [torch.randn_like(w) for w in (wide, tall)]
        for weights, optimizer in zip((ours, theirs), optimizers, strict=True):
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient.clone()
            optimizer.step()
    for start, mine, other in zip((wide, tall), ours, theirs, strict=True):
        moved = (other - start).norm()
        assert moved > 0.1
        assert (mine - other).norm() < 0.02 * moved  # bfloat16 has three digits


def test_an_orthogonal_update_has_singular_values_about_one() -> None:
    torch.manual_seed(0)
    for shape in ((8, 20), (20, 8)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape), (3.4445, -4.775, 2.0315), 5))
        assert 0.6 < values.min() <= values.max() < 1.3


def test_factors_and_schedules_reach_both() -> None:
    optimizer = MuonAndAdamW(_model(), 0.01, 0.02, {"3": 0.1})
    assert sorted(group["lr"] for group in optimizer.param_groups) == [0.001, 0.002, 0.01, 0.02]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 if step else 1.0)
    optimizer.step()
    schedule.step()
    inner = [group["lr"] for part in (optimizer._muon, optimizer._adamw) for group in part.param_groups]
    assert sorted(inner) == [0.0005, 0.001, 0.005, 0.01]


def test_resumed_is_straight() -> None:
    model = _model()
    optimizer = MuonAndAdamW(model, 0.01, 0.01)
    _step(model, optimizer)
    other = copy.deepcopy(model)
    resumed = MuonAndAdamW(other, 0.01, 0.01)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    _step(model, optimizer)
    _step(other, resumed)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
