"""What runs on the workers of a Ray cluster: a loaded model, and the clips that it is given.

Ray imports this module in every worker before the number of threads is set, so torch is imported later.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from vqinsight.errors import ModelError, UnreadableVideo
from vqinsight.results import ClipScore, ClipVerdict, Provenance, read_record
from vqinsight.video.inputs import Source

if TYPE_CHECKING:
    import pyarrow as pa

    from vqinsight.inference.api import VQInsight

ENGINE = "ray"


@dataclass(frozen=True)
class Place:
    """Where and how a worker loads the model.

    Attributes:
        folder: where relative names of clips and models begin.
        threads: the number of threads as in ``OMP_NUM_THREADS``; ``None`` leaves it to Ray.
        loading: arguments of ``vqinsight.load``.
    """

    folder: str
    threads: str | None
    loading: dict[str, Any]

    def load(self, notices: list[str]) -> VQInsight:
        """Load the model; ``notices`` receives what there is to tell.

        Raises:
            ModelError: it cannot be loaded, or the worker's machine has no such folder.
        """
        try:
            os.chdir(self.folder)
        except OSError as error:
            raise ModelError(
                f"A machine of the cluster has no folder {self.folder} ({error.strerror}). Start the command in a "
                "folder that all machines share."
            ) from None
        if self.threads is not None:
            os.environ["OMP_NUM_THREADS"] = self.threads  # torch reads it when it is imported
        from vqinsight.inference.api import load

        return load(**self.loading, on_message=notices.append)


@dataclass(frozen=True)
class About:
    """What the driver has to know of a model that only the workers load.

    Attributes:
        provenance: of one answer to a question.
        settings, scales: of ``VQInsight``.
        notices: what loading told.
    """

    provenance: Provenance
    settings: dict[str, Any]
    scales: dict[str, list[list[float]]]
    notices: tuple[str, ...]


def describe(place: Place) -> About:
    """Load the model and say what it is."""
    notices: list[str] = []
    model = place.load(notices)
    provenance = replace(model.provenance(1, 0, 0.0), engine=ENGINE)
    return About(provenance, model.settings(1, 0, 0.0), model.scales(), tuple(notices))


class Worker:
    """Judges blocks of clips with a model that it loads once.

    Args:
        verb: score or ask.
        asked: arguments of ``VQInsight.score_all`` or ``ask_all``.
    """

    def __init__(self, place: Place, verb: str, asked: dict[str, Any]) -> None:
        self._judge = getattr(place.load([]), f"{verb}_all")
        self._asked = asked

    def __call__(self, block: pa.Table) -> pa.Table:
        """Results of the clips of a ``clip_block``, for ``read_results``."""
        import pyarrow as pa
        import torch

        shares: list[float] = []  # the share of each clip comes just before it
        records, seconds = [], []
        try:
            for record in self._judge(_clips(block), **self._asked, on_seconds=shares.append):
                records.append(json.dumps(record.as_dict()))
                seconds.append(shares[-1])
        except torch.AcceleratorError:  # the device is lost, for this process: Ray starts another one
            os._exit(1)
        return pa.table({"place": block["place"], "record": pa.array(records, pa.string()), "seconds": seconds})


def clip_block(clips: Sequence[tuple[int, Source, str | None]]) -> pa.Table:
    """Clips by place, as a table that takes any name."""
    import pyarrow as pa

    named = [
        (source.path, prompt, source.reason, source.remedy)
        if isinstance(source, UnreadableVideo)
        else (source, prompt, None, None)
        for _, source, prompt in clips
    ]
    return pa.table({"place": [place for place, _, _ in clips], "clip": [json.dumps(each) for each in named]})


def read_block(block: pa.Table) -> Iterable[tuple[int, ClipScore | ClipVerdict, float]]:
    """Place, result and share of the seconds of each clip that a worker judged."""
    for row in block.to_pylist():
        record = cast("ClipScore | ClipVerdict", read_record(json.loads(row["record"])))  # workers compare nothing
        yield row["place"], replace(record, provenance=replace(record.provenance, engine=ENGINE)), row["seconds"]


def _clips(block: pa.Table) -> list[tuple[Source, str | None]]:
    rows = (json.loads(text) for text in block["clip"].to_pylist())
    return [
        (path if reason is None else UnreadableVideo(path, reason, remedy), prompt)
        for path, prompt, reason, remedy in rows
    ]
