"""Positions of prompts, by hand: text continues behind a clip's last moment, as the checkpoints were trained."""

from __future__ import annotations

from pathlib import Path

import torch
from helpers import policy

from vqinsight.assessor.backbone import language_backbone, prompt_positions


def _prompt(model: object, rows: int) -> dict[str, torch.Tensor]:
    """2 tokens of text, 3 patches in time of 1 x 2 tokens and 2 seconds, 1 of text, a frame of 1 x 1, 2 of text."""
    config = language_backbone(model).config
    ids = [9, 9, *[config.video_token_id] * 6, 9, config.video_token_id, 9, 9]
    kinds = [0, 0, *[2] * 6, 0, 2, 0, 0]
    return {
        "input_ids": torch.tensor([ids] * rows),
        "attention_mask": torch.ones(rows, len(ids), dtype=torch.long),
        "mm_token_type_ids": torch.tensor([kinds] * rows),
        "video_grid_thw": torch.tensor([[3, 2, 4], [1, 2, 2]] * rows),
        "second_per_grid_ts": torch.tensor([2.0, 1.0] * rows),
    }


def test_text_continues_behind_the_last_moment(tmp_path: Path) -> None:
    model = policy.assessor(policy.save("qwen2_5_vl", tmp_path)).loaded.model
    step = 2 * int(language_backbone(model).config.vision_config.tokens_per_second)
    assert step > 1  # or height and width would be as far
    positions = prompt_positions(model, _prompt(model, 2))
    last = 2 + 2 * step
    for row in (0, 1):
        times, heights, widths = positions[:, row].tolist()
        clip = [2, 2, 2 + step, 2 + step, last, last]
        assert times == [0, 1, *clip, last + 1, last + 2, last + 3, last + 4]
        assert heights == [0, 1, *[2] * 6, last + 1, last + 2, last + 3, last + 4]
        assert widths == [0, 1, *[2, 3] * 3, last + 1, last + 2, last + 3, last + 4]


def test_a_model_that_was_trained_otherwise_keeps_its_positions(tmp_path: Path) -> None:
    model = policy.assessor(policy.save("qwen2_5_vl", tmp_path)).loaded.model
    model.config.text_behind_frame = True
    assert prompt_positions(model, _prompt(model, 1))[0, 0].tolist()[8:] == [4, 5, 6, 7]  # 2 columns behind 2
