"""Eq. 9 by hand: four errors become a loss, a margin and the implicit accuracy."""

from __future__ import annotations

import math

import pytest
import torch

from vqinsight.generator.dpo import denoising_error, dpo


def _errors(*rows: tuple[float, float, float, float]) -> list[torch.Tensor]:
    return [torch.tensor(column) for column in zip(*rows, strict=True)]


def test_two_pairs_by_hand() -> None:
    # beta 10. First pair: the winner's error fell by 0.1 against the reference, the loser's rose by 0.1:
    #   margin = -5 * ((0.4 - 0.5) - (0.7 - 0.6)) = 1, loss = -ln(1 / (1 + e^-1)) = ln(1 + e^-1).
    # Second: both fell, the loser's further: margin = -5 * ((0.4 - 0.5) - (0.3 - 0.6)) = -1, loss = ln(1 + e).
    found = dpo(*_errors((0.4, 0.5, 0.7, 0.6), (0.4, 0.5, 0.3, 0.6)), beta=10.0)
    assert found.margin_B.tolist() == pytest.approx([1.0, -1.0], abs=1e-6)
    assert found.loss_B.tolist() == pytest.approx([math.log(1 + math.exp(-1)), math.log(1 + math.e)], abs=1e-6)
    assert found.accuracy_B.tolist() == [1.0, 0.0]


def test_a_generator_that_is_its_reference_stands_at_ln_2() -> None:
    errors = torch.rand(5)
    found = dpo(errors, errors, errors.flip(0), errors.flip(0), beta=5000.0)
    assert torch.equal(found.loss_B, torch.full((5,), math.log(2.0)))
    assert found.accuracy_B.sum() == 0  # neither gained


def test_the_loss_pulls_the_winner_s_error_down_and_pushes_the_loser_s_up() -> None:
    win, lose = torch.tensor([0.5], requires_grad=True), torch.tensor([0.5], requires_grad=True)
    dpo(win, torch.tensor([0.5]), lose, torch.tensor([0.5]), beta=4.0).loss_B.sum().backward()
    # d loss / d margin = -sigmoid(0) = -1/2; d margin / d E_w = -beta/2 = -2, so 1 for the winner and -1 for the loser.
    assert win.grad is not None and lose.grad is not None
    assert (win.grad.item(), lose.grad.item()) == (1.0, -1.0)


def test_the_error_is_a_mean_over_every_axis_but_the_first() -> None:
    prediction = torch.zeros(2, 3, 2, 2, 4)
    target = prediction.clone()
    target[0, ..., 3] = 2.0  # one column in four of the last axis is off by 2: 4 / 4 = 1
    target[1, 0] = 3.0  # one channel in three by 3: 9 / 3 = 3
    assert denoising_error(prediction, target).tolist() == [1.0, 3.0]
    assert denoising_error(prediction.bfloat16(), target.bfloat16()).dtype == torch.float32
