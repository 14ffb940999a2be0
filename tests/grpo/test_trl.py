"""The yardstick: on the same image rollouts our loss and gradients are those of TRL's GRPO.

TRL is used for images only: given a video it samples with the clip and then computes log-probabilities without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import policy

from vqinsight.assessor.packing import answer_logprobs, pack
from vqinsight.assessor.prompting import collate, pad
from vqinsight.assessor.vision import encoder_outputs
from vqinsight.datasets.synthetic import SyntheticExamples
from vqinsight.grpo.loss import grpo_loss

trl = pytest.importorskip("trl", reason="TRL is not installed: pip install trl==1.16.0")
BETA, DELTA = 0.04, 0.2


def _gradients(model: Any) -> dict[str, torch.Tensor]:
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


def test_loss_and_gradients_equal_trl(tmp_path: Path) -> None:
    """Two images with four answers each, sampled by an older policy so that the clip acts, and a reference."""
    from datasets import Dataset

    assessor = policy.assessor(policy.save("qwen2_5_vl", tmp_path / "model"))
    model, pad_id = assessor.loaded.model, assessor.loaded.tokenizer.pad_token_id
    model.requires_grad_(True)
    model.model.visual.requires_grad_(False)
    built = policy.prompts(assessor, [SyntheticExamples("image")[i] for i in (0, 1)])
    said = policy.answers(assessor, [4, 4])
    advantage_A = torch.tensor([1.2, -0.7, 0.3, -0.8, -1.1, 0.9, 0.5, -0.3])

    packed = pack(model, [prompt for prompt, _ in built], said, pad_id)
    views = [view for _, mine in built for view in mine]
    vision = {"mm_encoder_outputs": encoder_outputs(views, assessor.output_type)}
    logp_AT, _ = answer_logprobs(model, packed, **vision)
    noise = torch.Generator().manual_seed(0)
    old_AT = logp_AT.detach() + 0.3 * torch.randn(logp_AT.shape, generator=noise)
    reference_AT = logp_AT.detach() + 0.3 * torch.randn(logp_AT.shape, generator=noise)
    result = grpo_loss(logp_AT, old_AT, reference_AT, advantage_A, packed.mask_AT, DELTA, BETA)
    ours = result.loss.mean()
    ours.backward()
    our_gradients = _gradients(model)
    assert result.clipped.max() > 0  # the clip does act

    arguments = trl.GRPOConfig(
        output_dir=str(tmp_path / "trl"),
        loss_type="grpo",
        beta=BETA,
        epsilon=DELTA,
        use_bias_correction_kl=False,
        num_generations=4,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=1,
        report_to="none",
        use_cpu=True,
        bf16=False,
    )
    yardstick = trl.GRPOTrainer(
        model=model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=arguments,
        train_dataset=Dataset.from_dict({"prompt": ["x"] * 8}),
        processing_class=assessor.loaded.tokenizer,
    )
    yardstick.current_gradient_accumulation_steps = 1
    answers = [one for each in said for one in each]
    prompts = [prompt for (prompt, _), each in zip(built, said, strict=True) for _ in each]
    batch = collate(prompts, pad_id)
    completion_ids = pad(answers, pad_id, left=False)
    inputs = {
        "prompt_ids": batch["input_ids"],
        "prompt_mask": batch["attention_mask"],
        "completion_ids": completion_ids,
        "completion_mask": pad([[1] * len(one) for one in answers], 0, left=False),
        "advantages": advantage_A,
        "old_per_token_logps": old_AT,
        "ref_per_token_logps": reference_AT,
        "pixel_values": torch.cat(
            [view.view.patches for (_, mine), each in zip(built, said, strict=True) for _ in each for view in mine]
        ),
        "image_grid_thw": batch["image_grid_thw"],
        "num_images": [len(mine) for (_, mine), each in zip(built, said, strict=True) for _ in each],
        "mm_token_type_ids": torch.cat((batch["mm_token_type_ids"], torch.zeros_like(completion_ids)), dim=1),
    }
    model.train()
    theirs = yardstick._compute_loss(yardstick.model, inputs)
    theirs.backward()
    their_gradients = _gradients(model)

    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)
    assert our_gradients.keys() == their_gradients.keys() and our_gradients
    for name, gradient in their_gradients.items():
        assert (our_gradients[name] - gradient).norm() <= 1e-4 * gradient.norm() + 1e-8, name
