"""One GRPO step on a clip, N = 8, with Eq. 4 on shuffled tokens: the stock data flow and ours, phase by phase."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling

from vqinsight.assessor import generate
from vqinsight.assessor.backbone import language_backbone
from vqinsight.assessor.families import FAMILIES, IMAGE_TOKEN, VIDEO_TOKEN, VISION_END, VISION_START
from vqinsight.assessor.generate import complete
from vqinsight.assessor.packing import answer_logprobs, pack
from vqinsight.assessor.prompting import Prompt, PromptBuilder, collate
from vqinsight.assessor.vision import EncodedView, encoder_outputs, pixels, shuffled
from vqinsight.grpo.loss import grpo_loss
from vqinsight.tasks.prompt_sets.standard import STANDARD
from vqinsight.tasks.types import Clip, Question
from vqinsight.video.patches import PixelSpec
from vqinsight.video.sampling import Sampling
from vqinsight.video.shuffle import shuffled_order
from vqinsight.video.views import OverviewViews

N = 8
PHASES = ("vision", "prefill", "sampling", "passes", "backward")
# Layers and widths: vision, then language; the small one has the 7B model's ratio of the two.
SHAPES = {
    "tiny": {"vision": (2, 32, 2, 64), "text": (2, 64, 4, 2, 128)},
    "small": {"vision": (8, 192, 3, 512), "text": (7, 512, 4, 2, 2720)},
    "3b": {"vision": (32, 1280, 16, 3420), "text": (36, 2048, 16, 2, 11008)},
    "7b": {"vision": (32, 1280, 16, 3420), "text": (28, 3584, 28, 4, 18944)},
}


def build(shape: str, tokenizer: Any, dtype: torch.dtype, device: str, words: int | None = None) -> Any:
    """Random weights of that shape; ``words`` widens the vocabulary."""
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
            "num_key_value_heads": kv_heads, "intermediate_size": text_inner, "vocab_size": words or len(tokenizer),
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": section},
            "bos_token_id": None, "eos_token_id": token("<|im_end|>"), "pad_token_id": token("<|endoftext|>"),
        },
        image_token_id=token(IMAGE_TOKEN), video_token_id=token(VIDEO_TOKEN),
        vision_start_token_id=token(VISION_START), vision_end_token_id=token(VISION_END),
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


class Clock:
    """Seconds of each phase: processor time on a CPU, wall-clock time with synchronisation on an accelerator."""

    def __init__(self, device: str) -> None:
        self._device, self._open = device, 0.0
        self.seconds: dict[str, float] = defaultdict(float)

    def now(self) -> float:
        """The time; what was started on an accelerator is waited for."""
        if self._device == "cpu":
            return time.process_time()
        torch.accelerator.synchronize()
        return time.perf_counter()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time inside to a phase."""
        begun = self.now()
        yield
        self.seconds[name] += self.now() - begun


class Step:
    """One clip, one question, and both flows.

    Args:
        tower: whether the vision tower learns, so that a pass with gradients runs it.
    """

    def __init__(
        self, model: Any, reference: Any, tokenizer: Any, answer_tokens: int, frames: int, side: int, *, tower: bool
    ) -> None:
        self.model, self.reference, self.length, self.tower = model, reference, answer_tokens, tower
        model.model.visual.requires_grad_(tower)
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
        # Without an end token all answers have the same length, so that both flows do the same work.
        names = (IMAGE_TOKEN, VIDEO_TOKEN, VISION_START, VISION_END, "<|im_end|>")
        self.suppressed = [tokenizer.convert_tokens_to_ids(name) for name in names]
        self.advantage_A = torch.linspace(-1, 1, N, device=model.device)
        self.order = shuffled_order(self.views[0].grid[0], 0, 0)

    def ours(self, clock: Clock) -> tuple[list[list[int]], torch.Tensor]:
        """Answers and their log-probabilities (N, T): the clip once, the prompt once for sampling and a pass."""
        with torch.no_grad():
            with clock.phase("vision"):
                encoded = tuple(self._encode(view) for view in self.views)
                moved = shuffled(encoded, self.order)
            said = self._sample(clock, [self.prompt] * 2, [encoded, moved], [range(N), range(N // 2)])[:N]
        packed = pack(self.model, [self.prompt], [said], self.pad_id).to(self.model.device)
        features: dict[str, Any] = {"mm_encoder_outputs": encoder_outputs(encoded, BaseModelOutputWithPooling)}
        seen = dict(pixels(encoded, self.model.device)) if self.tower else features
        with clock.phase("passes"):
            with torch.no_grad():
                reference_AT, _ = answer_logprobs(self.reference, packed, **seen)
            logp_AT, _ = answer_logprobs(self.model, packed, **seen)
        self._update(clock, logp_AT, reference_AT, packed.mask_AT)
        return said, logp_AT.detach()

    def stock(self, clock: Clock, said: list[list[int]] | None = None) -> torch.Tensor:
        """Log-probabilities (N, T) of ``said``, or of sampled answers: pixels and prompt again for every answer.

        Its cache is allocated once too, and its log-probabilities are chunked too: the flows differ in what they share.
        """
        with torch.no_grad():
            with clock.phase("vision"):
                encoded = [tuple(self._encode(view) for view in self.views) for _ in range(N)]
                encoded += [shuffled(tuple(self._encode(v) for v in self.views), self.order) for _ in range(N // 2)]
            seeds = [range(i, i + 1) for i in (*range(N), *range(N // 2))]
            sampled = self._sample(clock, [self.prompt] * len(seeds), encoded, seeds)
        answers = said if said is not None else sampled[:N]
        packed = pack(self.model, [self.prompt] * N, [[one] for one in answers], self.pad_id).to(self.model.device)
        seen: dict[str, Any] = dict(pixels([view for views in encoded[:N] for view in views], self.model.device))
        with clock.phase("passes"):
            with torch.no_grad():
                reference_AT, _ = answer_logprobs(self.reference, packed, **seen)
            logp_AT, _ = answer_logprobs(self.model, packed, **seen)
        self._update(clock, logp_AT, reference_AT, packed.mask_AT)
        return logp_AT.detach()

    def _encode(self, view: Any) -> EncodedView:
        patches, grid = view.patches.to(self.model.device, self.model.dtype), torch.tensor([view.grid])
        out = self.model.get_video_features(patches, grid.to(self.model.device), return_dict=True)
        return EncodedView(view, out.pooler_output[0], ())

    def _sample(
        self, clock: Clock, prompts: list[Prompt], encoded: list[tuple[EncodedView, ...]], seeds: list[range]
    ) -> list[list[int]]:
        class Timed(generate.Decoder):
            def __init__(self, *given: Any, **options: Any) -> None:
                with clock.phase("prefill"):
                    super().__init__(*given, **options)

        before, generate.Decoder = generate.Decoder, Timed  # type: ignore[misc]
        begun, prefill = clock.now(), clock.seconds["prefill"]
        try:
            said = complete(
                self.model, prompts, encoded, [list(each) for each in seeds],
                output_type=BaseModelOutputWithPooling, pad_id=self.pad_id, suppressed_tokens=self.suppressed,
                max_new_tokens=self.length, temperature=1.0,
            )  # fmt: skip
        finally:
            generate.Decoder = before  # type: ignore[misc]
        clock.seconds["sampling"] += clock.now() - begun - (clock.seconds["prefill"] - prefill)
        return [one for each in said for one in each]

    def transformers_sampling(self) -> float:
        """Seconds of sampling as transformers does it, with noise from one CPU generator a row: what ours replaced."""
        clock, rows = Clock(str(self.model.device.type)), N + N // 2
        with torch.no_grad():
            encoded = tuple(self._encode(view) for view in self.views)
            inputs = {k: v.to(self.model.device) for k, v in collate([self.prompt], self.pad_id).items()}
            outputs = encoder_outputs(encoded, BaseModelOutputWithPooling)
            cache = self.model(**inputs, mm_encoder_outputs=outputs, use_cache=True, logits_to_keep=1).past_key_values
            cache.crop(-1)
            cache.batch_repeat_interleave(rows)
            language_backbone(self.model).rope_deltas = language_backbone(self.model).rope_deltas.repeat(rows, 1)
            generators = [torch.Generator().manual_seed(row) for row in range(rows)]

            def noisy(_: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
                draws = [torch.empty(scores.shape[-1]).exponential_(generator=each) for each in generators]
                return scores.float() - torch.stack(draws).log().to(scores.device)

            with clock.phase("sampling"):
                self.model.generate(
                    input_ids=inputs["input_ids"].repeat(rows, 1), past_key_values=cache, do_sample=False,
                    attention_mask=inputs["attention_mask"].repeat(rows, 1), max_new_tokens=self.length,
                    suppress_tokens=self.suppressed, logits_processor=[noisy], pad_token_id=self.pad_id,
                )  # fmt: skip
        return clock.seconds["sampling"]

    def _update(self, clock: Clock, logp_AT: torch.Tensor, reference_AT: torch.Tensor, mask_AT: torch.Tensor) -> None:
        loss = grpo_loss(logp_AT, logp_AT.detach(), reference_AT, self.advantage_A, mask_AT, 0.2, 0.001).loss.mean()
        with clock.phase("backward"):
            loss.backward()
        self.model.zero_grad()
