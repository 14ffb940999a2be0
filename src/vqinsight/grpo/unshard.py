"""Gathers sharded weights for a rollout.

With sharded weights every call of a module is a collective operation. In a rollout each process encodes its own clips
and samples answers of different lengths, so the numbers of calls differ and the processes would deadlock. Inside
``unsharded`` every process holds all weights and calls no collective; the cost is their memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch.distributed.fsdp import FSDPModule
from transformers.integrations import is_deepspeed_zero3_enabled


@contextmanager
def unsharded(model: Any) -> Iterator[None]:
    """Gather all weights on every process if FSDP2 or DeepSpeed's ZeRO-3 shards them; otherwise do nothing.

    All processes enter and leave together. What is computed inside has no gradients.

    Args:
        model: the trained model as the Trainer wraps it (``model_wrapped``), or its frozen reference.
    """
    if is_deepspeed_zero3_enabled():
        from deepspeed import DeepSpeedEngine
        from deepspeed.runtime.zero import unwrap_model_for_generation

        # The reference is no engine: DeepSpeed leaves it whole.
        with unwrap_model_for_generation(model) if isinstance(model, DeepSpeedEngine) else nullcontext():
            yield
        return
    parts = [part for part in model.modules() if isinstance(part, FSDPModule)]
    if parts:
        # FSDP treats the first module called as the root, and a rollout first calls the vision tower.
        model(input_ids=torch.zeros(1, 1, dtype=torch.long, device=model.device), use_cache=False)
    for part in parts:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.set_reshard_after_forward(True, recurse=False)
            part.reshard()
