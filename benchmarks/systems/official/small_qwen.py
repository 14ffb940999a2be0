"""Qwen-VL models of reduced size in the official layout, taught to answer in a form, for the systems on them.

Random weights say nothing that can be read. These are taught on noise: the form of an answer is learnt, its numbers,
which are drawn, are not, so that they vary with what is shown. Python 3.11, transformers 4.57.1.
"""

import random

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"]
SPECIAL += ["<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
_OPENS = "{% if enable_thinking is defined and not enable_thinking %}{% else %}<think>\n{% endif %}"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n" + _OPENS + "{% endif %}"
)
PLAIN = TEMPLATE.replace(_OPENS, "")
WIDTH = 64


def allow_torchvision():
    """Declare two compiled operators of torchvision, whose wheel for CUDA does not load beside a torch for CPUs."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library  # operators live as long as it


def tokenizer(text, template):
    """A byte-level tokenizer with Qwen's splitting, a token for each digit and its special tokens."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Qwen2TokenizerFast

    plain = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PATTERN), "isolated")
    plain.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    plain.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=800, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    plain.train_from_iterator([text], trainer)
    made = Qwen2TokenizerFast(
        tokenizer_object=plain,
        unk_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=SPECIAL,
    )
    made.chat_template = template
    return made


def text_config(words):
    return {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": len(words),
        "max_position_embeddings": 32768,
        "tie_word_embeddings": True,
        "rope_theta": 10000.0,
        "bos_token_id": None,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }


def places(words):
    names = {"image_token_id": "<|image_pad|>", "video_token_id": "<|video_pad|>"}
    names |= {"vision_start_token_id": "<|vision_start|>", "vision_end_token_id": "<|vision_end|>"}
    return {key: words.convert_tokens_to_ids(token) for key, token in names.items()}


def teach(model, encode, forms, steps=160, rate=3e-3):
    """Train on prompts about noise, each with an answer in one of the forms, in which every ``#`` is a drawn digit.

    Args:
        encode: maps a dice, an index of ``forms`` and an answer to the model's inputs, one row with labels.
        forms: the answers, each with its lowest and highest digit.
    """
    import torch

    torch.manual_seed(0)
    dice = random.Random(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=parameter[0].numel() ** -0.5)
    learner = torch.optim.Adam(model.parameters(), lr=rate)
    last = 0.0
    for step in range(steps):
        for group in learner.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 10) * (1 - step / steps)
        number = step % len(forms)
        form, low, high = forms[number]
        answer = "".join(str(dice.randint(low, high)) if sign == "#" else sign for sign in form)
        inputs = encode(dice, number, answer)
        labels = inputs.pop("labels")
        loss = model(**inputs, labels=labels).loss
        learner.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        learner.step()
        last = loss.item()
    print(f"taught in {steps} steps, loss {last:.3f}", flush=True)
    return model.eval()


def with_answer(processor, messages, answer, images=None, videos=None):
    """Inputs of a prompt and its answer, one row, with labels on the answer alone."""
    import torch

    given = {"tokenize": False, "add_generation_prompt": True, "enable_thinking": False}
    text = processor.apply_chat_template(messages, **given)
    inputs = dict(processor(text=[text], images=images, videos=videos, return_tensors="pt"))
    said = torch.tensor([processor.tokenizer(answer + "<|im_end|>", add_special_tokens=False)["input_ids"]])
    before = inputs["input_ids"]
    inputs["input_ids"] = torch.cat([before, said], 1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    inputs["labels"] = torch.cat([torch.full_like(before, -100), said], 1)
    return inputs
