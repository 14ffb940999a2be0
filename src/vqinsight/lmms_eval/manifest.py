"""The entry point of the group ``lmms_eval.models`` by which lmms-eval finds the model ``vqinsight``."""

from __future__ import annotations

from typing import Any


def manifest() -> Any:
    """Names the model and its class, which is imported when it is asked for."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(model_id="vqinsight", chat_class_path="vqinsight.lmms_eval.model.ServedAssessor")
