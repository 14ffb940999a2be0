"""Packages of optional extras, imported on use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from vqinsight.errors import ModelError


def needed(module: str, extra: str) -> Any:
    """Import a package of an optional extra.

    Raises:
        ModelError: it is not installed; the message has the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        lacking = f"{error.name} is not installed" if error.name == module else f"{module} needs {error.name}"
        raise ModelError(f"{lacking}. Install it: pip install 'vqinsight[{extra}]'") from error
