"""Equations 1 to 3 and 5 to 7, each worked by hand; Eq. 4 in ``test_temporal.py``."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
import torch

from vqinsight.grpo.advantage import advantages
from vqinsight.grpo.loss import grpo_loss
from vqinsight.rewards.comparison import comparison_reward
from vqinsight.rewards.length import length_reward
from vqinsight.rewards.scoring import multi_score_reward, score_reward
from vqinsight.settings.train import Combine, Scale
from vqinsight.tasks.types import Dimension, Missing, Preference, Score, Verdict

HUNDRED = Dimension("spatial", 0.0, 100.0, "")
THREE = tuple(Dimension(key, 0.0, 100.0, "") for key in ("spatial", "temporal", "alignment"))
FIVE = Dimension("quality", 1.0, 5.0, "")


def test_equation_1() -> None:
    """Rewards 1, 2, 3, 6: mean 3, deviation sqrt((4 + 1 + 0 + 9) / 3)."""
    deviation = math.sqrt(14 / 3) + 1e-4
    assert advantages([1, 2, 3, 6]) == pytest.approx([-2 / deviation, -1 / deviation, 0, 3 / deviation])
    assert advantages([0.7, 0.7, 0.7]) == [0, 0, 0]
    assert advantages([5.0]) == [0]


def test_equation_2() -> None:
    """Two answers: one of two tokens with ratios 1.5 and 1, advantage 1; one of one token, ratio 0.5, advantage -1."""
    new = torch.tensor([[math.log(0.6), math.log(0.5)], [math.log(0.2), 0.0]])
    old = torch.tensor([[math.log(0.4), math.log(0.5)], [math.log(0.4), 0.0]])
    reference = torch.tensor([[math.log(0.3), math.log(0.5)], [math.log(0.2), 0.0]])
    mask = torch.tensor([[1, 1], [1, 0]])
    result = grpo_loss(new, old, reference, torch.tensor([1.0, -1.0]), mask, delta=0.2, beta=0.1)
    # First answer: min(1.5, 1.2) and 1; KL exp(q - p) - (q - p) - 1 with q - p = log(1/2) for the first token.
    kl = (0.5 - math.log(0.5) - 1) / 2
    assert result.loss[0].item() == pytest.approx(-(1.2 + 1.0) / 2 + 0.1 * kl)
    # Second: min(0.5 * -1, 0.8 * -1) = -0.8, no KL.
    assert result.loss[1].item() == pytest.approx(0.8)
    assert result.kl.tolist() == pytest.approx([kl, 0.0])
    assert result.clipped.tolist() == pytest.approx([0.5, 1.0])


def test_equation_2_with_only_the_reasoning_anchored() -> None:
    """The same distance to the reference on three tokens of which one is reasoning: a third of the KL term counts."""
    new, reference, mask = torch.full((1, 3), math.log(0.6)), torch.full((1, 3), math.log(0.3)), torch.ones(1, 3)
    reasoning = torch.tensor([[1.0, 0.0, 0.0]])
    result = grpo_loss(new, new, reference, torch.zeros(1), mask, delta=0.2, beta=0.1, anchored_AT=reasoning)
    kl = 0.5 - math.log(0.5) - 1
    assert result.loss.item() == pytest.approx(0.1 * kl / 3)
    assert result.kl.item() == pytest.approx(kl)  # what is watched is the distance of the whole answer


def test_equation_2_is_held_back_only_where_it_would_gain() -> None:
    """A ratio beyond the clip has no gradient when moving on would gain, and has one when it would lose."""
    for advantage, gradient in ((1.0, 0.0), (-1.0, 1.5)):
        new = torch.tensor([[math.log(0.6)]], requires_grad=True)
        old = torch.tensor([[math.log(0.4)]])
        grpo_loss(new, old, None, torch.tensor([advantage]), torch.ones(1, 1), 0.2, 0.0).loss.sum().backward()
        assert new.grad is not None
        assert new.grad.item() == pytest.approx(gradient)


def test_equation_3_on_every_scale() -> None:
    assert score_reward(60, 80, HUNDRED, "unit") == pytest.approx(0.8)
    assert score_reward(2, 4, FIVE, "unit") == pytest.approx(0.5)
    assert score_reward(60, 80, HUNDRED, "relative") == pytest.approx(0.75)
    assert score_reward(120, 50, HUNDRED, "relative") == 0
    assert score_reward(0, 0, HUNDRED, "relative") == 1
    assert score_reward(1, 0, HUNDRED, "relative") == 0
    assert score_reward(60, 80, HUNDRED, "raw") == -19
    assert score_reward(3.3, 3.0, FIVE, "threshold") == 1
    assert score_reward(3.4, 3.0, FIVE, "threshold") == 0


def test_equation_5() -> None:
    """An open interval."""
    assert [length_reward(n, 0.1, 320, 512) for n in (320, 321, 511, 512)] == [0, 0.1, 0.1, 0]


def test_equation_6() -> None:
    said = {"spatial": 60, "temporal": 70, "alignment": 50}
    label = {"spatial": 80, "temporal": 70, "alignment": 60}
    assert multi_score_reward(said, label, THREE, "unit") == pytest.approx(1 - (0.2 + 0 + 0.1) / 3)
    assert multi_score_reward(said, label, THREE, "raw") == pytest.approx(1 - 30)
    weights = {"spatial": 2.0, "temporal": 1.0, "alignment": 0.0}
    assert multi_score_reward(said, label, THREE, "unit", weights) == pytest.approx(1 - 2 * 0.2 / 3)
    # A dimension without a label does not count.
    assert multi_score_reward(said, {"spatial": 80}, THREE, "unit") == pytest.approx(0.8)
    with pytest.raises(ValueError, match="label"):
        multi_score_reward(said, {}, THREE, "unit")


def test_equation_6_as_a_sum() -> None:
    """The paper's: every dimension has its full weight, whatever their number."""
    said = {"spatial": 60, "temporal": 70, "alignment": 50}
    label = {"spatial": 80, "temporal": 70, "alignment": 60}
    weights = {"spatial": 2.0}
    assert multi_score_reward(said, label, THREE, "unit", combine="sum") == pytest.approx(1 - (0.2 + 0.1))
    assert multi_score_reward(said, label, THREE, "unit", weights, "sum") == pytest.approx(1 - (0.4 + 0.1))
    assert multi_score_reward(said, {"spatial": 80}, THREE, "unit", combine="sum") == pytest.approx(0.8)
    assert multi_score_reward(said, label, THREE, "relative", combine="sum") == pytest.approx(1 - (20 / 80 + 10 / 60))


@pytest.mark.parametrize(("combine", "wanted"), [("mean", 1 - (0.2 + 1 + 0.1) / 3), ("sum", 1 - (0.2 + 1 + 0.1))])
def test_equation_6_without_a_prediction_of_one_dimension(combine: Combine, wanted: float) -> None:
    """Which earns nothing of its share, and is no exact answer: leaving out a hard dimension does not pay."""
    label = {"spatial": 80, "temporal": 70, "alignment": 60}
    partly = {"spatial": 60, "alignment": 50}
    assert multi_score_reward(partly, label, THREE, "unit", combine=combine) == pytest.approx(wanted)
    assert multi_score_reward(partly, label, THREE, "raw") == pytest.approx(1 - (20 + 100 + 10))
    exact = multi_score_reward({"spatial": 80, "alignment": 60}, label, THREE, "threshold")
    assert exact == pytest.approx(2 / 3)


def test_equation_7() -> None:
    assert comparison_reward(Preference("A"), Preference("A")) == 1
    assert comparison_reward(Preference("tie"), Preference("A")) == 0
    assert comparison_reward(Verdict(False), Verdict(False)) == 1
    assert comparison_reward(Missing("cut off"), Preference("B")) == 0


@pytest.mark.parametrize("combine", ["mean", "sum"])
@pytest.mark.parametrize("scale", ["unit", "relative", "raw", "threshold"])
def test_nothing_is_worse_than_a_missing_answer(scale: Scale, combine: Combine) -> None:
    """Or silence would pay."""
    keys = [dim.key for dim in THREE]
    for weights in (None, {"spatial": 2.0, "alignment": 0.5}):
        farthest = multi_score_reward(
            dict.fromkeys(keys, 100.0), dict.fromkeys(keys, 0.0), THREE, scale, weights, combine
        )
        label = dict.fromkeys(keys, 0.0)
        assert multi_score_reward({}, label, THREE, scale, weights, combine) <= farthest + 1e-12
    assert multi_score_reward({}, label, THREE, "unit", {"spatial": 2.0}, "sum") == 1 - 4
    assert multi_score_reward({}, label, THREE, "unit") == 0


def _vectors() -> dict[str, object]:
    shared = Path(os.environ.get("VQINSIGHT_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    file = shared / "labels" / "test_vectors.json"
    if not file.is_file():
        pytest.skip(f"no {file}: the shared labels are not here")
    found: dict[str, object] = json.loads(file.read_text())["rewards"]
    return found


def test_stored_cases() -> None:
    cases: dict[str, list[dict[str, float]]] = _vectors()  # type: ignore[assignment]
    for case in cases["official_code_relative"]:
        if case["gt"] > 0:
            assert score_reward(case["pred"], case["gt"], HUNDRED, "relative") == pytest.approx(case["r"], abs=1e-9)
    for case in cases["paper_eq3_on_unit_scale(/100)"]:
        assert score_reward(case["pred"], case["gt"], HUNDRED, "unit") == pytest.approx(case["r"], abs=1e-9)
    for name, scale in (("official_multidim_mean", "relative"), ("paper_eq6_lambda1_unit", "unit")):
        case = cases[name]
        keys = [dim.key for dim in THREE]
        said, label = dict(zip(keys, case["pred"], strict=True)), dict(zip(keys, case["gt"], strict=True))  # type: ignore[call-overload]
        reward = multi_score_reward(said, label, THREE, scale)  # type: ignore[arg-type]
        if scale == "unit":  # the stored value is the formula with lambda = 1
            reward = multi_score_reward(said, label, THREE, "unit", combine="sum")
        assert reward == pytest.approx(case["r"], abs=1e-9)  # type: ignore[call-overload]


def test_scores_share_what_the_rubric_reads() -> None:
    assert comparison_reward(Score({"quality": 1.0}), Preference("A")) == 0
