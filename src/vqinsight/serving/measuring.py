"""Measurements of a clip as JSON and safetensors, between the sandbox and its server."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from safetensors.torch import load, save

from vqinsight.measure.clip import measure_frames
from vqinsight.measure.quantities import QUANTITIES
from vqinsight.measure.types import Measured, MeasuredClip, Moment
from vqinsight.tasks.types import Missing
from vqinsight.video.info import VideoInfo
from vqinsight.video.read import iter_frames

_TIMES = "times"


def measure_packed(info: VideoInfo) -> tuple[dict[str, Any], bytes]:
    """Measure a probed clip; what ``unpacked`` reads.

    Raises:
        UnreadableVideo: a frame cannot be read.
    """
    clip = measure_frames(info, iter_frames(info, range(info.frames)))
    head = {
        "kind": clip.kind,
        "frames": clip.frames,
        "duration": clip.duration,
        "values": {key: _plain(each) for key, each in clip.values.items()},
        "cuts": clip.cuts,
        "warnings": clip.warnings,
    }
    series = {key: torch.from_numpy(values.copy()) for key, values in clip.series.items()}
    return {"measured": head}, save({_TIMES: torch.from_numpy(clip.times.copy()), **series})


def unpacked(name: str, head: dict[str, Any], body: bytes) -> MeasuredClip:
    """The measurements in an answer of the sandbox, of the clip that the client knows as ``name``."""
    given = head["measured"]
    series = {key: values.numpy() for key, values in load(body).items()}
    return MeasuredClip(
        path=name,
        kind=given["kind"],
        frames=given["frames"],
        duration=given["duration"],
        values={key: _measured(key, each) for key, each in given["values"].items()},
        times=series.pop(_TIMES),
        series=series,
        cuts=tuple(given["cuts"]),
        warnings=tuple(given["warnings"]),
    )


def _plain(measured: Measured) -> dict[str, Any]:
    missing = measured.value.reason if isinstance(measured.value, Missing) else None
    return {
        "value": None if missing else measured.value,
        "missing": missing,
        "severity": measured.severity,
        "worst": [asdict(moment) for moment in measured.worst],
    }


def _measured(key: str, plain: dict[str, Any]) -> Measured:
    value = plain["value"] if plain["missing"] is None else Missing(plain["missing"])
    return Measured(QUANTITIES[key], value, plain["severity"], tuple(Moment(**each) for each in plain["worst"]))
