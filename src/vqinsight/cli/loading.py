"""The assessor of a verb: loaded with what the options say, while standard error says what is waited for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqinsight.inference.api import VQInsight


def load_assessor(model: str, **options: Any) -> VQInsight:
    """Load an assessor; ``options`` as for ``vqinsight.load``. nano takes one CPU thread unless told otherwise."""
    if model == "nano":
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: decoding threads keep to it as well
    from vqinsight.inference.api import load
    from vqinsight.report import progress

    with progress.waiting(f"Loading {model}"):
        return load(model, **options, on_message=progress.notice)
