"""The arithmetic of a plan: known figures, cases worked by hand, and advice that helps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vqinsight.errors import UsageError
from vqinsight.settings.inference import InferenceSettings
from vqinsight.settings.reader import read_toml
from vqinsight.settings.shipped import config_path, shipped_names
from vqinsight.settings.train import LOGITS_CHUNK_BYTES, TrainSettings
from vqinsight.training.plan import Plan, hardware, plan_file
from vqinsight.training.plan.duration import Rates, phases, spelled
from vqinsight.training.plan.known import KNOWN, find_shapes
from vqinsight.training.plan.memory import DRIVER, LOGITS_HELD, Item, counts, holdings, peak
from vqinsight.training.plan.shapes import Shapes, TextShape, VisionShape
from vqinsight.training.plan.workload import Kind, Workload, visual_tokens, workload
from vqinsight.weights import ASSESSOR

QWEN7 = "Qwen/Qwen2.5-VL-7B-Instruct"
LARGE = [name for name in shipped_names() if name.startswith(("3b/", "7b/"))]
STAGE2 = "7b/stage2_mixture"


def held(plan: Plan, when: str = "always") -> dict[str, float]:
    """Gigabytes by name."""
    return {item.name: item.bytes / 1e9 for item in plan.items if item.when == when}


def test_states_of_a_7b_without_sharding() -> None:
    """With bfloat16 everywhere 94 GB a card are known from arithmetic; float32 masters and moments take 170."""
    plan = plan_file(STAGE2, hardware(8, 80), sharding="none")
    states = held(plan)
    # 4 bytes a learning parameter, and 2 a frozen one; Adam's moments 8; a bucket for each gradient.
    assert states == pytest.approx(
        {
            "weights": 4 * 7.6156 + 2 * 0.6765,
            "gradients": 4 * 7.6156,
            "gradient buckets": 4 * 7.6156,
            "optimizer": 8 * 7.6156,
            "reference": 2 * 8.2922,
        },
        rel=1e-4,
    )
    count = counts(plan.shapes, plan.work)
    assert (2 * (2 * plan.shapes.parameters + 4 * count.learning)) / 1e9 == pytest.approx(94, abs=0.3)
    assert not plan.fits


def test_fsdp2_over_eight_cards() -> None:
    """About 15 GB of shards, those of the frozen copy apart, and in a rollout the whole policy, then the reference."""
    plan = plan_file(STAGE2, hardware(8, 80), sharding="fsdp2")
    states = held(plan)
    assert sum(states.values()) - states["reference"] == pytest.approx(15.4, abs=0.1)
    assert states["reference"] == pytest.approx(2 * 8.2922 / 8, rel=1e-4)
    assert held(plan, "sampling")["whole policy"] == pytest.approx(16.6, abs=0.1)
    assert held(plan, "reference")["whole reference"] == pytest.approx(16.6, abs=0.1)
    assert "whole policy" not in held(plan, "reference")
    assert plan.fits


def test_an_adapter_has_neither_reference_nor_buckets_worth_naming() -> None:
    states = held(plan_file(STAGE2, hardware(1, 80), ["model.lora_rank=16"]))
    # 28 layers of rank 16: 16 x (sum of inputs and outputs) = 40.4 million parameters
    assert states == pytest.approx(
        {"weights": 2 * 8.2922 + 4 * 0.04037, "gradients": 0.1615, "optimizer": 0.323}, rel=1e-3
    )


@pytest.mark.parametrize(("sharding", "copy"), [("zero2", 2), ("zero3", 2 / 8)])
def test_zero_divides_masters_gradients_and_moments(sharding: Any, copy: float) -> None:
    """ZeRO-2 keeps a whole bfloat16 copy of the weights, ZeRO-3 divides it; gradients wait in bfloat16 and float32."""
    plan = plan_file(STAGE2, hardware(8, 80), sharding=sharding)
    states, learning = held(plan), 7.6156
    assert states["weights"] == pytest.approx(copy * 8.2922 + learning * 4 / 8, rel=1e-4)
    assert states["gradients"] == pytest.approx(learning * 6 / 8, rel=1e-4)
    assert states["optimizer"] == pytest.approx(learning * 8 / 8, rel=1e-4)
    assert ("whole policy" in held(plan, "sampling")) == (sharding == "zero3")


@pytest.mark.parametrize(
    ("stage", "change"),
    [("zero2", "distributed/deepspeed_zero2.json"), ("zero3", "distributed/deepspeed_zero3.json")],
)
def test_sharding_is_read_from_the_settings(stage: str, change: str) -> None:
    assert plan_file(STAGE2, hardware(8, 80), [f"trainer.deepspeed={change}"]).work.sharding == stage
    assert plan_file(STAGE2, hardware(8, 80), ["trainer.fsdp=full_shard"]).work.sharding == "fsdp2"
    assert plan_file(STAGE2, hardware(8, 80)).work.sharding == "none"
    with pytest.raises(UsageError, match="stage 1"):
        plan_file(STAGE2, hardware(8, 80), ["trainer.deepspeed={zero_optimization={stage=1}}"])


def test_logits_are_those_of_a_chunk() -> None:
    """Not those of 8 x 1024 answer tokens, in a training pass and in the reference's; in sampling a row an answer."""
    plan = plan_file(STAGE2, hardware(8, 80), sharding="fsdp2")
    for when in ("update", "reference"):
        assert held(plan, when)["logits"] == pytest.approx(LOGITS_HELD * LOGITS_CHUNK_BYTES / 1e9)
    assert held(plan, "sampling")["logits"] == pytest.approx(4 * 152_064 * 48 / 1e9)


def test_what_is_gathered() -> None:
    """FSDP2: the layer at work, the next one, embedding and head, and the gradients of a layer and the head."""
    text = KNOWN[QWEN7].text
    gathered = 2 * (2 * text.layer + 2 * text.table + text.layer + text.table)
    assert held(plan_file(STAGE2, hardware(8, 80), sharding="fsdp2"), "update")["gathered layers"] == gathered / 1e9
    assert held(plan_file(STAGE2, hardware(8, 80), sharding="zero3"), "update")["gathered layers"] == 2.0


def test_traffic_between_cards() -> None:
    """Without sharding each gradient is summed and handed round; FSDP2 gathers weights thrice and a reference once."""
    for sharding, moved in (("none", 2 * 4 * 7.6156), ("fsdp2", 2 * (2 * 8.2922 + 7.6156) + 2 * 2 * 8.2922)):
        plan = plan_file(STAGE2, hardware(8, 80), sharding=sharding)  # type: ignore[arg-type]
        found = {phase.name: phase.seconds for phase in plan.phases}
        assert found["between cards"] == pytest.approx(moved * 7 / 8 / 300, rel=1e-3)


def test_rollout_and_update_follow_each_other() -> None:
    items = [("always", 1), ("rollout", 2), ("sampling", 3), ("reference", 4), ("update", 5)]
    assert peak(tuple(Item(when, size, when) for when, size in items)) == 1 + max(2 + 4, 5)  # type: ignore[arg-type]


def test_visual_tokens_and_lengths() -> None:
    """16 frames of 105,369 pixels are 8 temporal patches of 134 tokens, twice in a pair; half as many about a
    shuffled clip, but not about a pair."""
    shapes = KNOWN[QWEN7]
    assert visual_tokens(shapes, InferenceSettings(), still=False) == (1072, 8)
    assert visual_tokens(shapes, InferenceSettings(), still=True) == (134, 1)
    work = plan_file(STAGE2, hardware(8, 80), sharding="fsdp2").work
    (pair,) = [kind for kind in work.kinds if kind.task == "compare"]
    (natural,) = [kind for kind in work.kinds if kind.task == "natural"]
    assert (pair.patches, natural.patches) == (8576, 4288) and pair.prompt - natural.prompt == 1072
    assert natural.shuffled and not pair.shuffled
    assert work.cached == max(12 * (natural.prompt + 1024), 8 * (pair.prompt + 1024))


@pytest.mark.slow
def test_a_prompt_is_no_longer_than_planned() -> None:
    """Of nano, with its further views, for every task."""
    from helpers import policy

    _, shapes, look = find_shapes("nano")
    assessor = policy.assessor(ASSESSOR)
    for (prompt, _), example in zip(policy.prompts(assessor, asked := policy.examples(5)), asked, strict=True):
        tokens, _ = visual_tokens(shapes, look, still=example.question.task == "image")
        seen = len(example.question.clips) * tokens
        assert seen * 0.7 <= sum(kind > 0 for kind in prompt.kinds) <= seen


def test_batches_are_cut_as_the_trainer_does() -> None:
    def work(*changes: str, gpus: int = 1) -> Workload:
        return plan_file(STAGE2, hardware(gpus, 80), changes).work

    assert (work().passes, work().rows, work().answers, work().decoded) == (8, 1, 8, 8)
    small = work("answers_per_forward=2")
    assert (small.passes, small.rows, small.answers, small.decoded) == (32, 1, 2, 8)  # a group is graded as a whole
    large = work("answers_per_forward=16")
    assert (large.passes, large.rows, large.answers, large.decoded) == (4, 2, 8, 16)
    shared = work("answers_per_forward=1", gpus=8)
    assert (shared.passes, shared.answers, shared.decoded) == (8, 1, 1)
    with pytest.raises(UsageError, match="answers_per_forward = 8 on 3 processes"):
        work(gpus=3)


SMALL = Shapes(
    "qwen2_5_vl",
    TextShape(2, 8, 16, 2, 1, 4, 32, False, False),
    VisionShape(1, 8, 16, 2, 8, 14, 2, 2, True, 112, 1, 0, 0),
)


def test_seconds_of_an_update_by_hand() -> None:
    """One pass of 2 answers of 10 tokens after 20 text tokens, at 10^12 operations a second, without a tower's work."""
    settings = read_toml(TrainSettings, config_path(STAGE2), ["model.name=nano"])
    work = workload(settings, SMALL, InferenceSettings(), gpus=1)
    kind = Kind("natural", 1, 20, 0, 4, shuffled=False, share=1.0)
    work = replace(work, kinds=(kind,), passes=1, rows=1, answers=2, decoded=2, mean_tokens=10, most_tokens=10)
    work = replace(work, checkpointing=True, reference_pass=True)
    found = {phase.name: phase.seconds for phase in phases(SMALL, work, Rates(1.0, 1.0, 1.0, tokens=100.0))}
    # A layer: 8x8 + 2 (8x4) + 8x8 + 3 (8x16) = 576 weights. Prompt: 2x2x576x20 and attention 4x2x8x200.
    prompt = 2 * 2 * 576 * 20 + 4 * 2 * 8 * 200
    # Both answers: 2x2x576x20 and pairs 2 (10x20 + 50); head 2x32x8 for 20 tokens.
    packed = prompt + 2 * 2 * 576 * 20 + 4 * 2 * 8 * 500
    head = 2 * 32 * 8 * 20
    assert found["clips and prompts"] == pytest.approx(prompt / 1e12)
    assert found["sampling"] == pytest.approx(20 / 100)
    assert found["reference"] == pytest.approx((packed + head) / 1e12)
    assert found["forward and backward"] == pytest.approx((4 * packed + 4 * head) / 1e12)  # 1 + 2 + 1 recomputed
    # An adapter's base gets no gradients: the backward pass is as long as the forward pass.
    found = {phase.name: phase.seconds for phase in phases(SMALL, replace(work, rank=4), Rates(1.0, 1.0, 1.0))}
    assert found["forward and backward"] == pytest.approx((3 * packed + 3 * head) / 1e12)
    # 10 steps, each starting 2 layers, or reading 2 bytes of 1,152 + 256 weights and 32 for each of 2 x 25 tokens.
    assert found["sampling"] == pytest.approx(10 * 2e-3)
    slow = Rates(1.0, 1e-6, 1.0)
    found = {phase.name: phase.seconds for phase in phases(SMALL, work, slow)}
    assert found["sampling"] == pytest.approx(10 * (2 * 1408 + 32 * 50) / 1e3)


def test_updates_are_those_of_the_data() -> None:
    """Three epochs of LSVQ's 28 thousand clips, 8 questions an update; a size that is not known is not guessed."""
    work = plan_file("7b/stage2_natural", hardware(8, 80), sharding="fsdp2").work
    assert work.updates is not None and abs(work.updates - 3 * 28_000 / 8) < 200
    assert plan_file(STAGE2, hardware(8, 80), ["updates=7"]).work.updates == 7
    assert plan_file(STAGE2, hardware(8, 80), ["data.0.split=all"]).days is None


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize(("gpus", "gigabytes"), [(1, 24), (1, 80), (8, 80)])
def test_advice_helps(name: str, gpus: int, gigabytes: float) -> None:
    """Where it does not fit, the named changes make it fit, and none of them alone does if there are several."""
    given = hardware(gpus, gigabytes)
    plan = plan_file(name, given)
    assert plan.changes is not None and plan.fits == (plan.changes == ())
    if "stage3" in name:
        assert "not covered" in plan.note
        return

    def changed(changes: tuple[str, ...]) -> Plan:
        sets = [each.removeprefix("--set ") for each in changes if each.startswith("--set ")]
        sharded: Any = "fsdp2" if any(each.startswith("FSDP2") for each in changes) else None
        return plan_file(name, given, sets, sharding=sharded)

    assert changed(plan.changes).fits
    if len(plan.changes) > 1:
        assert not any(changed((each,)).fits for each in plan.changes)


def test_what_helps_nowhere_is_said() -> None:
    assert plan_file(STAGE2, hardware(1, 8)).changes is None


@pytest.mark.parametrize(
    ("change", "smaller"),
    [
        ("trainer.activation_checkpointing=true", "activations"),
        ("answers_per_forward=4", "activations"),
        ("grpo.max_new_tokens=512", "key/value cache"),
        ("grpo.beta=0", "reference"),
    ],
)
def test_a_setting_lowers_what_it_should(change: str, smaller: str) -> None:
    plain = plan_file(STAGE2, hardware(8, 80), ["trainer.activation_checkpointing=false"], sharding="fsdp2")
    other = plan_file(STAGE2, hardware(8, 80), ["trainer.activation_checkpointing=false", change], sharding="fsdp2")
    before, after = ({item.name: item.bytes for item in each.items} for each in (plain, other))
    assert after.get(smaller, 0) < before[smaller] and other.peak < plain.peak


def test_durations_are_spelled() -> None:
    assert [spelled(days) for days in (24.83, 2.84, 0.5, 0.02)] == ["25 days", "2.8 days", "12 hours", "29 minutes"]


def test_the_driver_s_share_is_in_the_peak() -> None:
    plan = plan_file(STAGE2, hardware(8, 80), sharding="fsdp2")
    assert plan.peak == peak(holdings(plan.shapes, plan.work)) + DRIVER
