"""Opens a baseline by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from vqinsight.baselines.base import Baseline
from vqinsight.baselines.catalog import SYSTEMS
from vqinsight.datasets.download import check_choice
from vqinsight.errors import UsageError

GUIDE = "docs/guides/models_and_baselines.md"
# Arguments of ``vqinsight.load`` beside the model: options of every baseline that runs on it. Listed here because the
# check of options must not import torch.
LOAD_OPTIONS = ("adapter", "template", "device", "dtype", "fps", "frames", "max_pixels", "folder_fps", "evidence")


def open_baseline(name: str, **options: Any) -> Baseline:
    """Construct a baseline.

    Args:
        name: key in ``SYSTEMS``.
        options: of the baseline; ``predictions=FILE`` reads any system's answers from a file instead.

    Raises:
        UsageError: as for ``check_baseline``.
        ModelError: a package or weights are missing.
    """
    check_baseline(name, options)
    if "predictions" in options:
        from vqinsight.baselines.published import Published

        return Published(name, options["predictions"])
    return _builder(name)(**options)


def check_baseline(name: str, options: Mapping[str, Any]) -> None:
    """Refuse an unknown system or option before anything is imported for it.

    Raises:
        UsageError: no such system, a system without code and without a predictions file, or a wrong option.
    """
    check_choice("baseline", name, list(SYSTEMS))
    if "predictions" in options:
        if others := sorted(set(options) - {"predictions"}):
            raise UsageError(f"baseline {name}: predictions=FILE takes no other option, such as {others[0]}.")
        return
    parameters = signature(_builder(name)).parameters
    taken = [key for key, each in parameters.items() if each.kind is not each.VAR_KEYWORD]
    if len(taken) < len(parameters):
        taken += LOAD_OPTIONS
    for key in options:
        check_choice(f"option of baseline {name}", key, ["predictions", *taken])
    missing = [key for key, each in parameters.items() if each.default is each.empty and key in taken]
    if lacking := [key for key in missing if key not in options]:
        raise UsageError(f"baseline {name} needs the option {lacking[0]}=VALUE, see {GUIDE}.")


def _builder(name: str) -> Callable[..., Baseline]:
    system = SYSTEMS[name]
    if system.build is None:
        raise UsageError(f"{system.title} has no code here. Give predictions=FILE, see {GUIDE}.")
    return system.build
