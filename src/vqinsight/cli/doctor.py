"""``vqinsight doctor``: what is installed here, and which device ``auto`` picks."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import Annotated, Any

import typer

_PACKAGES = ("torch", "transformers", "accelerate", "peft", "av", "numpy")
_GIB = 2**30


def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False) -> None:
    """Say what is installed, and which device is used."""
    found = examine()
    if as_json:
        print(json.dumps(found))
        return
    rows = [("python", found["python"]), *found["packages"].items(), ("FFmpeg in av", found["ffmpeg"])]
    rows += [("device", found["device"]), ("memory", found["memory"]), ("CPU threads", found["threads"])]
    for name, value in rows:
        print(f"{name:14} {value if value is not None else 'not installed'}")
    print("\nOptional extras")
    for name, extra in found["extras"].items():
        missing = f"lacks {', '.join(extra['missing'])}: {extra['install']}" if extra["missing"] else "installed"
        print(f"{name:14} {missing}")


def examine() -> dict[str, Any]:
    """Versions, device and extras, ready for JSON; ``None`` for what is not installed."""
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in ("vqinsight", *_PACKAGES)},
        "ffmpeg": _ffmpeg(),
        **_device(),
        "extras": _extras(),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _ffmpeg() -> str | None:
    try:
        import av
    except ImportError:
        return None
    return str(av.ffmpeg_version_info)


def _device() -> dict[str, Any]:
    from vqinsight.errors import ModelError

    try:
        import torch

        from vqinsight.common.device import free_memory, pick_device
    except ImportError:
        return {"device": None, "memory": None, "threads": None}
    try:
        device = pick_device()
    except ModelError as error:
        return {"device": str(error), "memory": None, "threads": torch.get_num_threads()}
    name = f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)
    free = free_memory(device)
    memory = f"{free / _GIB:.1f} GiB free" if free is not None else "unknown"
    return {"device": name, "memory": memory, "threads": f"{torch.get_num_threads()} of {os.cpu_count()}"}


def extra_names() -> list[str]:
    """The optional extras of this package."""
    return list(metadata("vqinsight").get_all("Provides-Extra") or [])


def _extras() -> dict[str, dict[str, Any]]:
    """Each optional extra with the requirements that are not met, and the line that installs it."""
    from packaging.requirements import Requirement

    found: dict[str, dict[str, Any]] = {
        extra: {"missing": [], "install": f"pip install 'vqinsight[{extra}]'"} for extra in extra_names()
    }
    for text in requires("vqinsight") or ():
        requirement = Requirement(text)
        marker, installed = requirement.marker, _version(requirement.name)
        met = installed is not None and requirement.specifier.contains(installed, prereleases=True)
        if met or marker is None or marker.evaluate({"extra": ""}):  # the last two: no part of an extra
            continue
        for extra, entry in found.items():
            if marker.evaluate({"extra": extra}):
                entry["missing"].append(f"{requirement.name}{requirement.specifier}")
    return found
