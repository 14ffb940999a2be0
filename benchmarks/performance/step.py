"""The cost of one GRPO step on a clip, N = 8, with Eq. 4: the stock data flow against ours.

Stock: pixels and prompt are repeated for every answer, in sampling, in the shuffled group, and in the policy's and the
reference's log-probabilities. Ours: the clip is encoded once, the prompt is forwarded once for sampling and once for
each pass of log-probabilities, and the shuffled group uses the same features in another order.

``python -m benchmarks.performance.step`` compares CPU seconds on a small model of 7B proportions;
``--shape 3b`` and ``--shape 7b`` are random weights of the real sizes, for an accelerator, with tokens per second,
peak memory and model FLOP utilisation.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from benchmarks.results import store
from vqinsight.assessor.families import FAMILIES, IMAGE_TOKEN, VIDEO_TOKEN
from vqinsight.assessor.generate import complete, language_backbone
from vqinsight.assessor.packing import answer_logprobs, pack
from vqinsight.assessor.prompting import Prompt, PromptBuilder, collate
from vqinsight.assessor.vision import EncodedView, encoder_outputs, shuffled
from vqinsight.grpo.loss import grpo_loss
from vqinsight.nano.assessor.tokenizer import train_tokenizer
from vqinsight.tasks.prompt_sets.standard import STANDARD
from vqinsight.tasks.types import Clip, Question
from vqinsight.video.patches import PixelSpec
from vqinsight.video.sampling import Sampling
from vqinsight.video.shuffle import shuffled_order
from vqinsight.video.views import OverviewViews

N = 8
PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bfloat16, by the manufacturer
# Layers and widths: vision, then language; the small one has the 7B model's ratio of the two.
SHAPES = {
    "small": {"vision": (8, 192, 3, 512), "text": (7, 512, 4, 2, 2720)},
    "3b": {"vision": (32, 1280, 16, 3420), "text": (36, 2048, 16, 2, 11008)},
    "7b": {"vision": (32, 1280, 16, 3420), "text": (28, 3584, 28, 4, 18944)},
}


def build(shape: str, tokenizer: Any, dtype: torch.dtype, device: str) -> Any:
    """Random weights of that shape, scaled so that answers differ between clips."""
    depth, width, heads, inner = SHAPES[shape]["vision"]
    layers, hidden, text_heads, kv_heads, text_inner = SHAPES[shape]["text"]
    token = tokenizer.convert_tokens_to_ids
    section = [hidden // text_heads // 8, hidden // text_heads * 3 // 16, hidden // text_heads * 3 // 16]
    config = Qwen2_5_VLConfig(
        vision_config={
            "depth": depth, "hidden_size": width, "num_heads": heads, "intermediate_size": inner,
            "out_hidden_size": hidden, "fullatt_block_indexes": list(range(depth // 4 - 1, depth, max(depth // 4, 1))),
        },
        text_config={
            "num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": text_heads,
            "num_key_value_heads": kv_heads, "intermediate_size": text_inner, "vocab_size": len(tokenizer),
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": section},
            "bos_token_id": None, "eos_token_id": token("<|im_end|>"), "pad_token_id": token("<|endoftext|>"),
        },
        image_token_id=token(IMAGE_TOKEN), video_token_id=token(VIDEO_TOKEN),
        vision_start_token_id=token("<|vision_start|>"), vision_end_token_id=token("<|vision_end|>"),
    )  # fmt: skip
    torch.manual_seed(0)
    previous = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    with torch.device(device):
        model = Qwen2_5_VLForConditionalGeneration(config)
    torch.set_default_dtype(previous)
    model.generation_config.eos_token_id = token("<|im_end|>")
    model.generation_config.pad_token_id = token("<|endoftext|>")
    model.model.visual.requires_grad_(False)
    return model.eval()


class Counters:
    """Counts the work of each part of the model."""

    def __init__(self, *models: Any) -> None:
        self.clips = self.tokens = self.patches = 0
        for model in models:
            language_backbone(model).visual.register_forward_pre_hook(self._vision, with_kwargs=True)
            language_backbone(model).language_model.layers[0].register_forward_pre_hook(self._text, with_kwargs=True)

    def _vision(self, module: Any, args: Any, kwargs: Any) -> None:  # noqa: ARG002
        self.clips += len(kwargs["grid_thw"])
        self.patches += int(kwargs["grid_thw"].prod(1).sum())

    def _text(self, module: Any, args: Any, kwargs: Any) -> None:  # noqa: ARG002
        hidden = args[0] if args else kwargs["hidden_states"]
        self.tokens += hidden.shape[0] * hidden.shape[1]

    def take(self) -> dict[str, int]:
        """The counts since the last call."""
        found = {"vision_clips": self.clips, "vision_patches": self.patches, "language_tokens": self.tokens}
        self.clips = self.tokens = self.patches = 0
        return found


class Step:
    """One clip, one question and the objects that both flows share."""

    def __init__(self, model: Any, reference: Any, tokenizer: Any, answer_tokens: int, frames: int, side: int) -> None:
        self.model, self.reference, self.tokenizer, self.length = model, reference, tokenizer, answer_tokens
        spec = PixelSpec(14, 2, 2, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), side * side, side * side)
        pictures = np.random.default_rng(0).integers(0, 255, (frames, side, side, 3), dtype=np.uint8)
        indices, times = tuple(range(frames)), tuple(i / 2 for i in range(frames))
        sampling = Sampling(indices, times, 2.0, frames, 2.0, frames / 2, "all")
        self.views = OverviewViews().build(enumerate(pictures), sampling, spec)
        builder = PromptBuilder(
            tokenizer, IMAGE_TOKEN, VIDEO_TOKEN, lambda view: FAMILIES["qwen2_5_vl"].placeholder(view, spec)
        )
        question = Question("generated", (Clip("clip", "a red ball rolls down a hill"),))
        self.prompt = builder.build(STANDARD.messages(question), [self.views])
        self.pad_id = tokenizer.pad_token_id
        end = tokenizer.convert_tokens_to_ids("<|im_end|>")
        names = (IMAGE_TOKEN, VIDEO_TOKEN, "<|vision_start|>", "<|vision_end|>")
        # Without an end token all answers have the same length, so that both flows do the same work.
        self.suppressed_tokens = [*(tokenizer.convert_tokens_to_ids(name) for name in names), end]
        self.advantage_A = torch.linspace(-1, 1, N, device=model.device)
        self.order = shuffled_order(self.views[0].grid[0], 0, 0)

    def update(self, logp_AT: torch.Tensor, reference_AT: torch.Tensor, mask_AT: torch.Tensor) -> None:
        """Loss and gradients."""
        grpo_loss(logp_AT, logp_AT.detach(), reference_AT, self.advantage_A, mask_AT, 0.2, 0.001).loss.mean().backward()
        self.model.zero_grad()

    def ours(self) -> tuple[list[list[int]], torch.Tensor]:
        """Answers and their log-probabilities (N, T)."""
        model = self.model
        with torch.no_grad():
            encoded = tuple(self._encode(view) for view in self.views)
            moved = shuffled(encoded, self.order)
            said = complete(
                model, [self.prompt, self.prompt], [encoded, moved], [list(range(N)), list(range(N // 2))],
                output_type=_output_type(), pad_id=self.pad_id, suppressed_tokens=self.suppressed_tokens,
                max_new_tokens=self.length, temperature=1.0,
            )[0]  # fmt: skip
        packed = pack(model, [self.prompt], [said], self.pad_id).to(model.device)
        vision: dict[str, Any] = {"mm_encoder_outputs": encoder_outputs(encoded, _output_type())}
        with torch.no_grad():
            reference_AT, _ = answer_logprobs(self.reference, packed, **vision)
        logp_AT, _ = answer_logprobs(model, packed, **vision)
        self.update(logp_AT, reference_AT, packed.mask_AT)
        return said, logp_AT.detach()

    def _encode(self, view: Any) -> EncodedView:
        patches, grid = view.patches.to(self.model.device, self.model.dtype), torch.tensor([view.grid])
        out = self.model.get_video_features(patches, grid.to(self.model.device), return_dict=True)
        return EncodedView(view, out.pooler_output[0], ())

    def stock(self, said: list[list[int]] | None = None) -> torch.Tensor:
        """Log-probabilities (N, T) of ``said``, or of newly sampled answers."""
        model = self.model
        grid = self.views[0].grid
        patches = self.views[0].patches
        runs = patches.view(grid[0], -1, patches.shape[-1])
        moved = runs[torch.tensor(self.order)].flatten(0, 1)
        with torch.no_grad():
            sampled = self._sample(patches, N)
            self._sample(moved, N // 2)
        answers = said if said is not None else sampled
        inputs = self._rows([self.prompt] * N, patches, answers)
        with torch.no_grad():
            reference_AT = self._logprobs(self.reference, inputs, answers)
        logp_AT = self._logprobs(model, inputs, answers)
        self.update(logp_AT, reference_AT, torch.ones_like(logp_AT))
        return logp_AT.detach()

    def _rows(self, prompts: list[Prompt], patches: torch.Tensor, answers: list[list[int]] | None) -> dict[str, Any]:
        inputs: dict[str, Any] = dict(collate(prompts, self.pad_id, left=answers is None, answers=answers))
        inputs["pixel_values_videos"] = patches.repeat(len(prompts), 1).to(self.model.dtype)
        return {key: value.to(self.model.device) for key, value in inputs.items()}

    def _sample(self, patches: torch.Tensor, count: int) -> list[list[int]]:
        inputs = self._rows([self.prompt] * count, patches, None)
        out = self.model.generate(
            **inputs, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=self.length,
            suppress_tokens=self.suppressed_tokens, pad_token_id=self.pad_id,
        )  # fmt: skip
        found: list[list[int]] = out[:, inputs["input_ids"].shape[1] :].tolist()
        return found

    def _logprobs(self, model: Any, inputs: dict[str, Any], answers: list[list[int]]) -> torch.Tensor:
        language_backbone(model).rope_deltas = None
        logits = model(**inputs, use_cache=False, logits_to_keep=self.length + 1).logits[:, :-1].float()
        ids = torch.tensor(answers, device=logits.device)
        return logits.log_softmax(-1).gather(-1, ids[..., None])[..., 0]


def _output_type() -> type[Any]:
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    return BaseModelOutputWithPooling


def flops(model: Any, tokens: int, patches: int, learned: int) -> float:
    """2 per weight and token for a forward pass, 4 more for a backward pass, without attention scores."""
    text = sum(p.numel() for p in language_backbone(model).language_model.parameters())
    vision = sum(p.numel() for p in language_backbone(model).visual.parameters())
    return 2.0 * text * tokens + 2.0 * vision * patches + 4.0 * text * learned


def main() -> None:
    """Measure and print; ``--json`` also writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--answer-tokens", type=int, default=96)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--side", type=int, default=280, help="of a frame, in pixels")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    tokenizer = train_tokenizer(lessons=20)
    model = build(given.shape, tokenizer, dtype, device)
    reference = copy.deepcopy(model)
    step = Step(model, reference, tokenizer, given.answer_tokens, given.frames, given.side)
    visual = sum(kind > 0 for kind in step.prompt.kinds)
    counters = Counters(model, reference)
    said, ours = step.ours()  # warm-up, and the answers for comparing the flows
    gap = (ours - step.stock(said)).abs().max().item()
    counters.take()
    found: dict[str, Any] = {}
    for name, run in (("stock", step.stock), ("ours", step.ours)):
        cpu, wall = [], []
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        for _ in range(given.repeats):
            begun, clock = time.process_time(), time.perf_counter()
            run()
            if device == "cuda":
                torch.cuda.synchronize()
            cpu.append(time.process_time() - begun)
            wall.append(time.perf_counter() - clock)
        work = {key: value // given.repeats for key, value in counters.take().items()}
        found[name] = {"cpu_s": statistics.median(cpu), "wall_s": statistics.median(wall), **work}
        if device == "cuda":
            learned = N * (given.answer_tokens + (len(step.prompt.ids) if name == "stock" else 0))
            learned += len(step.prompt.ids) if name == "ours" else 0
            spent = flops(model, work["language_tokens"], work["vision_patches"], learned)
            card = torch.cuda.get_device_name()
            peak = next((value for key, value in PEAK_FLOPS.items() if key in card), None)
            found[name] |= {
                "peak_memory_gib": torch.cuda.max_memory_allocated() / 2**30,
                "answer_tokens_per_s": 1.5 * N * given.answer_tokens / found[name]["wall_s"],
                "flop_utilisation": spent / found[name]["wall_s"] / peak if peak else None,
                "device": card,
            }
    clock_name = "wall_s" if device == "cuda" else "cpu_s"
    ratio = found["stock"][clock_name] / found["ours"][clock_name]
    report = {
        "shape": given.shape,
        "visual_tokens": visual,
        "prompt_tokens": len(step.prompt.ids),
        "answer_tokens": given.answer_tokens,
        "answers": N,
        "threads": torch.get_num_threads(),
        **found,
        "ratio": ratio,
        "largest_log_probability_difference": gap,
    }
    store(report, given.json)


if __name__ == "__main__":
    main()
