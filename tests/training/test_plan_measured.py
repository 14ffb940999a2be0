"""The plan against bytes of tensors: a step of the real trainer on a small model, in float32 on the CPU."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import policy
from torch.utils.flop_counter import FlopCounterMode
from transformers import TrainerCallback

from vqinsight.assessor.backbone import language_backbone
from vqinsight.settings.train import TrainSettings
from vqinsight.training import run
from vqinsight.training.plan.duration import _patch, _prefill
from vqinsight.training.plan.known import find_shapes
from vqinsight.training.plan.memory import activation_bytes, counts, holdings, layer_bytes
from vqinsight.training.plan.shapes import Shapes
from vqinsight.training.plan.workload import Workload, workload
from vqinsight.training.stage2_temporal import TASKS, rubric

NEAR = 0.15


def size(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().nbytes()


@dataclass
class Measured(TrainerCallback):
    """Bytes of one update.

    Attributes:
        saved: what the forward pass of the language model saves for the backward pass, by storage.
        kept: the same with those inputs of its layers that outlive it.
        seen: what that of the vision tower saves.
    """

    weights: int = 0
    gradients: int = 0
    optimizer: int = 0
    reference: int = 0
    rows: int = 0
    tokens: int = 0
    saved: dict[int, int] = field(default_factory=dict)
    kept: dict[int, int] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    patches: int = 0
    inputs: list[Any] = field(default_factory=list)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self.weights = sum(size(each) for each in model.parameters())
        self.gradients = sum(size(each.grad) for each in model.parameters() if each.grad is not None)

    def on_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **_: Any) -> None:
        moments = [kept for each in optimizer.state.values() for kept in each.values()]
        self.optimizer = sum(size(kept) for kept in moments if isinstance(kept, torch.Tensor) and kept.ndim)


@contextmanager
def watched(model: Any, found: Measured) -> Iterator[None]:
    """Count the unique storages that training passes of language model and tower save, weights apart."""
    weights = {each.untyped_storage().data_ptr() for each in model.parameters()}
    backbone = language_backbone(model)
    text, tower = backbone.language_model, backbone.visual

    def saving(call: Any, into: dict[int, int]) -> Any:
        def keep(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.untyped_storage().data_ptr() not in weights:
                into[tensor.untyped_storage().data_ptr()] = size(tensor)
            return tensor

        def forward(*args: Any, **kwargs: Any) -> Any:
            if not torch.is_grad_enabled():
                return call(*args, **kwargs)
            if "inputs_embeds" in kwargs:
                found.rows, found.tokens = kwargs["inputs_embeds"].shape[:2]
            else:
                found.patches = len(args[0])
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                out = call(*args, **kwargs)
            alive = [tensor for each in found.inputs if (tensor := each()) is not None]
            found.kept = found.saved | {each.untyped_storage().data_ptr(): size(each) for each in alive}
            return out

        return forward

    def enter(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if torch.is_grad_enabled():
            given = (*args, kwargs.get("hidden_states"), *kwargs["position_embeddings"])
            found.inputs += [weakref.ref(each) for each in given if isinstance(each, torch.Tensor)]

    text.forward, tower.forward = saving(text.forward, found.saved), saving(tower.forward, found.seen)
    hooks = [layer.register_forward_pre_hook(enter, with_kwargs=True) for layer in text.layers]
    yield
    del text.forward, tower.forward  # the class's again
    for hook in hooks:
        hook.remove()


Step = Callable[..., tuple[Measured, Shapes, Workload]]


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Step:
    """One update of stage 2 on a model folder, measured, with its shapes and the planned work of the same tokens."""

    def make(
        folder: Path, *, rank: int = 0, dtype: str = "float32", train_vision: bool = False, **trainer: Any
    ) -> tuple[Measured, Shapes, Workload]:
        settings = TrainSettings.model_validate(
            {
                "stage": "temporal",
                "out": tmp_path / "run",
                "updates": 1,
                "questions_per_update": 2,
                "answers_per_forward": 8,
                "model": {
                    "name": str(folder),
                    "dtype": dtype,
                    "lora_rank": rank,
                    "train_vision": train_vision,
                    "attention": "sdpa",
                },
                "data": [{"dataset": "synthetic", "task": "generated"}],
                "grpo": {"group_size": 4, "max_new_tokens": 24},
                "trainer": trainer,
            }
        )
        found = Measured()

        def measure(trained: Any, assessor: Any, *_: Any, **__: Any) -> Path:
            trained.add_callback(found)
            with watched(assessor.loaded.model, found):
                trained.train()
            if trained._reference is not None:
                found.reference = sum(size(each) for each in trained._reference.parameters())
            return tmp_path

        monkeypatch.setattr(run, "train_and_save", measure)
        run.train_grpo(settings, TASKS, rubric(settings.rewards), resume=False)
        _, shapes, look = find_shapes(str(folder))
        planned = workload(settings, shapes, look, gpus=1)
        assert found.tokens <= planned.packed
        same = replace(planned.kinds[0], prompt=found.tokens)
        return found, shapes, replace(planned, kinds=(same,), rows=found.rows, new_tokens=0)

    return make


FAMILIES = ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"]


STATES = ("weights", "gradients", "optimizer", "reference")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "rank"), [("qwen2_5_vl", 0), ("qwen3_vl", 4), ("qwen2_vl", 4)], ids=["all", "adapter", "adapter, old"]
)
def test_a_real_step_takes_what_is_planned(step: Step, tmp_path: Path, family: str, rank: int) -> None:
    same_bytes(*step(policy.save(family, tmp_path / "model"), rank=rank))


def same_bytes(found: Measured, shapes: Shapes, work: Workload) -> None:
    """States to the byte, activations nearly."""
    planned = {item.name: item.bytes for item in holdings(shapes, work) if item.when == "always"}
    assert planned == {name: size for name in STATES if (size := getattr(found, name))}
    masks = work.rows * work.packed**2 * 4 * shapes.text.layers
    assert sum(found.saved.values()) == pytest.approx(activation_bytes(shapes, work) + masks, rel=NEAR)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "rank", "dtype"), [("qwen2_5_vl", 0, "float32"), ("qwen3_vl", 4, "bfloat16")])
def test_under_autocast(step: Step, tmp_path: Path, family: str, rank: int, dtype: str) -> None:
    """Float32 weights that learn, and an adapter on bfloat16 ones; casts of weights are saved, too."""
    found, shapes, work = step(policy.save(family, tmp_path / "model"), rank=rank, dtype=dtype, bf16=True)
    assert work.half
    masks = work.rows * work.packed**2 * 2 * shapes.text.layers
    cast = work.adapter or shapes.text.layers * shapes.text.layer_matrices
    planned = activation_bytes(shapes, work) + masks + 2 * cast
    assert sum(found.saved.values()) == pytest.approx(planned, rel=NEAR)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["qwen2_5_vl", pytest.param("qwen3_vl", marks=pytest.mark.full)])
def test_a_tower_that_learns(step: Step, tmp_path: Path, family: str) -> None:
    found, shapes, work = step(policy.save(family, tmp_path / "model"), train_vision=True)
    assert work.train_vision and found.seen
    one = replace(work, rows=1, kinds=(replace(work.kinds[0], patches=found.patches, prompt=0),))
    tower = activation_bytes(shapes, one) - activation_bytes(shapes, replace(one, train_vision=False))
    assert sum(found.seen.values()) == pytest.approx(tower, rel=NEAR)


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("name", ["Qwen2.5-VL-3B-Instruct", "Qwen3-VL-4B-Instruct"])
def test_a_real_step_in_the_official_layout(step: Step, shared: Path, tmp_path: Path, name: str) -> None:
    """Of the true vocabulary, narrower and shallower."""
    same_bytes(*step(real_layout(shared, tmp_path, name)))


def real_layout(shared: Path, tmp_path: Path, name: str) -> Path:
    import subprocess
    import sys

    subprocess.run([sys.executable, shared / "tools" / "real_layouts.py", tmp_path, name], check=True)
    folder = tmp_path / name
    (folder / "vqinsight.json").write_text('{"frames": 4, "max_pixels": 3136, "min_pixels": 3136}')
    return folder


@pytest.mark.slow
def test_recomputed_activations(step: Step, tmp_path: Path) -> None:
    """Only the inputs of the layers outlive the forward pass, and ends of the model."""
    found, shapes, work = step(policy.save("qwen2_5_vl", tmp_path / "model"), activation_checkpointing=True)
    assert work.checkpointing
    inside = work.rows * work.packed * layer_bytes(shapes, work)
    assert sum(found.kept.values()) == pytest.approx(activation_bytes(shapes, work) - inside, rel=NEAR)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_cache_and_the_operations(tmp_path: Path, family: str) -> None:
    """Of a prompt about a clip: bytes of keys and values, operations of tower and language model."""
    folder = policy.save(family, tmp_path)
    assessor = policy.assessor(folder, attention="eager")
    (prompt, views), *_ = policy.prompts(assessor, policy.examples(1, start=2))
    model = assessor.loaded.model
    _, shapes, look = find_shapes(str(folder))
    settings = TrainSettings.model_validate(
        {
            "stage": "temporal",
            "out": tmp_path,
            "updates": 1,
            "questions_per_update": 1,
            "model": {"name": str(folder), "dtype": "float32"},
            "data": [{"dataset": "synthetic", "task": "compare"}],
            "grpo": {"group_size": 8},
        }
    )
    length = len(prompt.ids)
    work = workload(settings, shapes, look, gpus=1)
    work = replace(work, decoded=1, new_tokens=0, kinds=(replace(work.kinds[0], prompt=length),))
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        out = model(input_ids=torch.tensor([prompt.ids]), use_cache=True, logits_to_keep=1)
    cache = sum(size(each) for layer in out.past_key_values.layers for each in (layer.keys, layer.values))
    assert {item.name: item.bytes for item in holdings(shapes, work)}["key/value cache"] == cache
    half_of_pairs = 4 * shapes.text.layers * shapes.text.heads * shapes.text.head_width * length**2 / 2
    head = 2 * shapes.text.table
    assert counted.get_total_flops() == pytest.approx(_prefill(shapes, work.kinds[0]) + half_of_pairs + head, rel=0.02)
    view = views[0].view
    encode = model.get_image_features if view.kind == "image" else model.get_video_features
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        encode(view.patches, torch.tensor([view.grid]))
    kind = replace(work.kinds[0], frame=view.grid[1] * view.grid[2])
    assert counted.get_total_flops() == pytest.approx(_patch(shapes, kind) * len(view.patches), rel=NEAR)


@pytest.mark.parametrize("targets", ["all-linear", TrainSettings.model_fields["model"].default.lora_targets])
@pytest.mark.parametrize("family", FAMILIES)
def test_adapters_are_counted_as_peft_makes_them(tmp_path: Path, family: str, targets: str) -> None:
    folder = policy.save(family, tmp_path)
    settings = TrainSettings.model_validate(
        {
            "stage": "temporal",
            "out": tmp_path,
            "model": {"name": str(folder), "lora_rank": 4, "lora_targets": targets},
            "data": [{"dataset": "synthetic"}],
        }
    )
    made = run.build_trainable_assessor(settings).loaded.model
    _, shapes, _ = find_shapes(str(folder))
    assert shapes.adapter(4, targets) == sum(each.numel() for each in made.parameters() if each.requires_grad)
    assert shapes.parameters == sum(each.numel() for each in made.get_base_model().parameters()) - shapes.adapter(
        4, targets
    )


def test_a_tower_that_learns_is_counted(tmp_path: Path) -> None:
    folder = policy.save("qwen2_5_vl", tmp_path)
    _, shapes, look = find_shapes(str(folder))
    for rank in (0, 4):
        settings = TrainSettings.model_validate(
            {
                "stage": "temporal",
                "out": tmp_path,
                "model": {"name": str(folder), "train_vision": True, "lora_rank": rank},
                "data": [{"dataset": "synthetic"}],
            }
        )
        made = run.build_trainable_assessor(settings).loaded.model
        count = counts(shapes, workload(settings, shapes, look, gpus=1))
        learning = sum(each.numel() for each in made.parameters() if each.requires_grad)
        assert (count.learning, count.frozen) == (learning, sum(each.numel() for each in made.parameters()) - learning)
