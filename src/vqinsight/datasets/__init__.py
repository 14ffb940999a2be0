"""Datasets: reads unmodified downloads as labelled questions, one file per dataset. In reading order:

* ``download``: the result of reading a dataset
* ``rows``: reads label files
* ``places``: finds clips on the disk
* ``check``: checks a download before training
* ``koniq``: KonIQ-10k
* ``lsvq``: LSVQ
* ``live_vqc``: LIVE-VQC
* ``konvid``: KoNViD-1k
* ``fastvqa``: FAST-VQA's lists
* ``lgvq``: LGVQ
* ``genai_bench``: GenAI-Bench
* ``visionreward``: VisionRewardDB-Video
* ``vidprom``: VidProM's prompts
* ``table``: a table of your own
* ``synthetic``: the synthetic set
* ``varied``: its varied clips

``DATASETS`` lists them all. None of these modules imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vqinsight.datasets import (
    fastvqa,
    genai_bench,
    koniq,
    konvid,
    lgvq,
    live_vqc,
    lsvq,
    table,
    vidprom,
    visionreward,
)
from vqinsight.datasets.download import Download, Prompts

__all__ = ["DATASETS", "Dataset", "Download", "Prompts"]


@dataclass(frozen=True)
class Dataset:
    """A dataset that can be read.

    Attributes:
        title: its official name.
        holds: its content, in one phrase.
        layout: the files by which its folder is recognised.
        splits: values of ``split`` for ``load``; the last is ``all`` where it exists.
        recognise: whether this folder (for ``table``, this file) looks like it. Opens no clip.
        load: ``load(folder, split, **options)``; see each module for its options.
        options: names of the options on the command line.
    """

    title: str
    holds: str
    layout: str
    splits: tuple[str, ...]
    recognise: Callable[[Path], bool]
    load: Callable[..., Download | Prompts]
    options: tuple[str, ...] = ()


DATASETS: dict[str, Dataset] = {
    "koniq": Dataset(
        "KonIQ-10k", "photographs, MOS 1–100", " or ".join(koniq.FILES), koniq.SPLITS, koniq.recognise, koniq.load
    ),
    "lsvq": Dataset(
        "LSVQ", "user videos, MOS 0–100", f"{lsvq.TRAIN_TEST}, {lsvq.LARGE}", lsvq.SPLITS, lsvq.recognise, lsvq.load
    ),
    "live_vqc": Dataset(
        "LIVE-VQC", "user videos, MOS 0–100", live_vqc.FILE, live_vqc.SPLITS, live_vqc.recognise, live_vqc.load
    ),
    "konvid": Dataset("KoNViD-1k", "user videos, MOS 1–5", konvid.FILE, konvid.SPLITS, konvid.recognise, konvid.load),
    "fastvqa": Dataset(
        "FAST-VQA lists",
        "user videos, score lists in text",
        " or ".join(fastvqa.FILES.values()),
        fastvqa.SPLITS,
        fastvqa.recognise,
        fastvqa.load,
        ("scale",),
    ),
    "lgvq": Dataset(
        "LGVQ",
        "generated videos: spatial, temporal, alignment, 0–100",
        f"{lgvq.SCORES}, {lgvq.PROMPTS}",
        lgvq.SPLITS,
        lgvq.recognise,
        lgvq.load,
    ),
    "visionreward": Dataset(
        "VisionRewardDB-Video",
        "pairs of generated videos; yes/no questions",
        "regression/*.parquet, test/*.parquet, train/*.parquet",
        visionreward.SPLITS,
        visionreward.recognise,
        visionreward.load,
    ),
    "genai_bench": Dataset(
        "GenAI-Bench (video)",
        "pairs of generated videos",
        "video_generation/test_v1-*.parquet",
        genai_bench.SPLITS,
        genai_bench.recognise,
        genai_bench.load,
        ("unpack",),
    ),
    "vidprom": Dataset(
        "VidProM", "prompts to generate from", vidprom.FILE, vidprom.SPLITS, vidprom.recognise, vidprom.load
    ),
    "table": Dataset(
        "a table of your own",
        "scores, pairs, or yes/no questions",
        "a .csv or .jsonl file",
        table.SPLITS,
        table.recognise,
        table.load,
        ("scale",),
    ),
}
