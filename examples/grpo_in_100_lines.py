"""The method of stage 2 on one page: python examples/grpo_in_100_lines.py [--updates 12] [--questions 4]

The embedded model before reinforcement answers a few questions about synthetic clips. Its answers earn rewards (Eq. 3
to 6), are compared within their group (Eq. 1), and the better ones become more likely (Eq. 2): about a minute.
"""

from __future__ import annotations

import argparse
import copy
import statistics
from pathlib import Path

import torch

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.load import load_model
from vqinsight.assessor.packing import answer_logprobs, pack
from vqinsight.assessor.vision import EncodedClip, encoder_outputs, shuffled
from vqinsight.datasets.synthetic import SyntheticExamples
from vqinsight.grpo.advantage import advantages
from vqinsight.grpo.loss import grpo_loss
from vqinsight.rewards.format import format_reward
from vqinsight.rewards.length import length_reward
from vqinsight.rewards.scoring import multi_score_reward
from vqinsight.rewards.temporal import share_rule
from vqinsight.settings.train import GrpoSettings, RewardSettings
from vqinsight.tasks.types import Example, Score

BASE = Path(__file__).parents[1] / "bases" / "nano"
GRPO = GrpoSettings(temperature=0.7)
REWARDS = RewardSettings(l_min=30, l_max=140)  # this model's answers are short
Answers = list[list[int]]  # token ids
Asked = list[tuple[Example, EncodedClip]]


def correctness(assessor: Assessor, example: Example, texts: list[str], only: str = "") -> list[float]:
    """Eq. 3 and 6: 1 minus the mean error over the dimensions, on the unit scale; 0 for an answer without scores."""
    dimensions = assessor.prompt_set.dimensions(example.question)
    labels = {key: value for key, value in example.answer.values.items() if only in ("", key)}
    read = (assessor.prompt_set.parse(example.question, text) for text in texts)
    values = [answer.values if isinstance(answer, Score) else None for answer in read]
    return [multi_score_reward(said, labels, dimensions, "unit", {}) if said else 0.0 for said in values]


def rewards(assessor: Assessor, example: Example, answers: Answers, mixed: Answers) -> list[float]:
    """What each answer to one question earns; ``mixed`` are answers about the same clip shuffled in time."""
    decode = assessor.loaded.tokenizer.batch_decode
    texts, of_mixed = (decode(ids, skip_special_tokens=True) for ids in (answers, mixed))
    score = correctness(assessor, example, texts)
    off, against = ([1 - each for each in correctness(assessor, example, t, "temporal")] for t in (texts, of_mixed))
    temporal = share_rule(off, against, alpha=REWARDS.alpha, mu=REWARDS.mu, tolerance=REWARDS.tolerance)  # Eq. 4
    length = [length_reward(len(ids), REWARDS.gamma, REWARDS.l_min, REWARDS.l_max) for ids in answers]  # Eq. 5
    return [sum(parts) for parts in zip(map(format_reward, texts), score, temporal, length, strict=True)]


def update(assessor: Assessor, reference: torch.nn.Module, asked: Asked, seed: int) -> float:
    """Sample a group of answers to each question and add the gradient of Eq. 2; returns the mean reward."""
    model, size = assessor.loaded.model, GRPO.group_size
    prompts = [assessor.build(assessor.prompt_set.messages(example.question), [clip]) for example, clip in asked]
    views = [clip.views for _, clip in asked]  # encoded once, whatever the number of answers and updates
    reverse = [shuffled(each, range(each[0].view.grid[0])[::-1]) for each in views]  # features moved: shuffle = tokens
    seeds = [[(seed * len(asked) + row) * size + number for number in range(size)] for row in range(len(asked))]
    answers = assessor.generate(prompts, views, seeds, GRPO.temperature)
    mixed = assessor.generate(prompts, reverse, [row[::2] for row in seeds], GRPO.temperature)
    earned = [rewards(assessor, example, *each) for (example, _), *each in zip(asked, answers, mixed, strict=True)]
    advantage_A = torch.tensor([value for group in earned for value in advantages(group)])  # Eq. 1
    packed = pack(model, prompts, answers, assessor.loaded.tokenizer.pad_token_id)  # a prompt once, answers behind it
    seen = {"mm_encoder_outputs": encoder_outputs([view for each in views for view in each], assessor.output_type)}
    with torch.no_grad():
        reference_AT, _ = answer_logprobs(reference, packed, temperature=GRPO.temperature, **seen)
    logp_AT, _ = answer_logprobs(model, packed, temperature=GRPO.temperature, **seen)
    old_AT = logp_AT.detach()  # every answer is used once, so the policy that sampled it is the one that learns
    found = grpo_loss(logp_AT, old_AT, reference_AT, advantage_A, packed.mask_AT, GRPO.delta, GRPO.beta)  # Eq. 2
    found.loss.mean().backward()
    return statistics.fmean(value for group in earned for value in group)


def main() -> None:
    """Train for some updates and print the mean reward of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=10)
    parser.add_argument("--questions", type=int, default=4)
    given = parser.parse_args()
    assessor = Assessor(load_model(str(BASE), device="cpu", dtype="float32"))
    reference = copy.deepcopy(assessor.loaded.model)
    learning = list(assessor.loaded.model.model.language_model.requires_grad_(True).parameters())
    optimizer = torch.optim.AdamW(learning, lr=1e-4, weight_decay=0.0)
    examples = SyntheticExamples("generated", "train", count=given.questions)
    asked = [(each, assessor.encode(assessor.clips.load(each.question.clips[0].path))) for each in examples]
    for number in range(given.updates):
        reward = update(assessor, reference, asked, number)
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        print(f"update {number + 1:2}: mean reward {reward:.3f}", flush=True)


if __name__ == "__main__":
    main()
