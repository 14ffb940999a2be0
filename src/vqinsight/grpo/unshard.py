"""Sharded weights, made whole for a rollout.

With sharded weights every call of a module is a meeting of all processes. In a rollout each encodes its own clips and
samples its own answers, of which none has as many as another, so they would wait for each other for ever. Inside
``unsharded`` every process holds all weights and waits for nobody; the price is their memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.distributed.fsdp import FSDPModule
from transformers.integrations import is_deepspeed_zero3_enabled


@contextmanager
def unsharded(model: Any, reference: Any = None) -> Iterator[None]:
    """All weights on every process, if FSDP2 or DeepSpeed's ZeRO-3 shards them; otherwise nothing happens.

    Entered and left by all processes together. Gradients of what is computed inside are not to be had.

    Args:
        model: what learns, as the Trainer calls it (``model_wrapped``).
        reference: its frozen copy, if there is one.
    """
    if is_deepspeed_zero3_enabled():
        from deepspeed.runtime.zero import unwrap_model_for_generation

        with unwrap_model_for_generation(model):  # the reference is not sharded by DeepSpeed
            yield
        return
    sharded: list[Any] = [each for each in (model, reference) if isinstance(each, FSDPModule)]
    parts = [part for each in sharded for part in each.modules() if isinstance(part, FSDPModule)]
    for each in sharded:
        # The first module that is called counts as the outermost, and a rollout begins inside, with the vision tower.
        each(input_ids=torch.zeros(1, 1, dtype=torch.long, device=each.device), use_cache=False)
    for part in parts:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.set_reshard_after_forward(True, recurse=False)
            part.reshard()
