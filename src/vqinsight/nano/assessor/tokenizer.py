"""The embedded model's byte-level BPE, with Qwen's special tokens and chat template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from vqinsight.measure.evidence import evidence
from vqinsight.measure.quantities import QUANTITIES
from vqinsight.measure.types import Measured, MeasuredClip
from vqinsight.nano.assessor.lessons import lesson
from vqinsight.synthetic.foreign_prompts import draw_outside

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TAGS = ("<think>", "</think>", "<answer>", "</answer>")
VOCABULARY = 1024
# Words with their leading space, single digits, runs of punctuation.
_PIECES = r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for item in message.content %}"
    "{% if item.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif item.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ item.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _corpus(lessons: int) -> Iterator[str]:
    """The text of the first conversation lessons, with evidence of random values; the clips are not rendered."""
    rng = np.random.default_rng(0)
    for seed in range(lessons):
        yield _some_evidence(rng)
        yield draw_outside(rng)  # words of users' questions
        for exercise in lesson(seed, "conversation").exercises:
            for message in exercise.messages:
                yield from (item["text"] for item in message["content"] if item["type"] == "text")
            yield exercise.answer
    yield from (str(number) for number in np.arange(101))


def _some_evidence(rng: np.random.Generator) -> str:
    values = {key: Measured(each, float(rng.exponential(5)), None) for key, each in QUANTITIES.items()}
    silent = {key: replace(each, value=0.0) for key, each in values.items() if rng.random() < 0.4}
    clip = MeasuredClip("", "video", 24, 1.0, values | silent, np.arange(24) / 24, {}, (), ())
    return evidence(clip).text


def train_tokenizer(lessons: int = 1500) -> PreTrainedTokenizerFast:
    """Byte-level BPE trained on the text of lessons; any other text is encoded by bytes."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(TAGS),
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(_corpus(lessons), trainer)
    core.add_tokens([AddedToken(tag, normalized=False, special=False) for tag in TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=[token for token in SPECIAL if token not in ("<|im_end|>", "<|endoftext|>")],
        chat_template=CHAT_TEMPLATE,
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
    )
