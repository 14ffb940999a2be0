"""The paper's six tables as data: their columns, and the paper's figures where known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Variant = Literal["all", "no_warmup", "no_temporal", "no_length", "no_united", "base", "video_dpo"]
VARIANTS: dict[Variant, str] = {
    "all": "VQ-Insight",
    "no_warmup": "without image warm-up",
    "no_temporal": "without temporal reward",
    "no_length": "without length reward",
    "no_united": "without united fine-tuning",
    "base": "base generator",
    "video_dpo": "VideoDPO",
}
METRICS = {
    "tau_va": "tau",
    "tau_deutsch": "tau, best threshold",
    "diff": "diff",
    "srcc": "SRCC",
    "plcc": "PLCC",
    "plcc_logistic": "PLCC fitted",
    "quality": "quality",
    "semantic": "semantic",
    "overall": "overall",
}
_IN_PERCENT = ("tau_va", "tau_deutsch", "diff", "quality", "semantic", "overall")


@dataclass(frozen=True)
class Column:
    """One column and the stored figure it shows.

    Attributes:
        group: heading above it: a benchmark, or a dimension of one.
        benchmark, split: as ``vqinsight evaluate`` stores them; ``vbench`` for generators.
        dimension: of scores; ``mean`` is over the dimensions; ``None`` for pairs and generators.
        metric: key of ``METRICS``.
        task: of scores, where a benchmark has several.
    """

    group: str
    benchmark: str
    split: str
    dimension: str | None
    metric: str
    task: str | None = None

    @property
    def key(self) -> str:
        """Its name in a file of published figures: ``tau_va``, ``spatial srcc``, ``srcc``."""
        return self.metric if self.dimension in (None, "quality") else f"{self.dimension} {self.metric}"

    @property
    def place(self) -> str:
        """The benchmark's name in such a file: ``genai_bench``, ``lsvq 1080p``."""
        return f"{self.benchmark} {self.split}" if self.split == "1080p" else self.benchmark

    @property
    def name(self) -> str:
        return METRICS[self.metric]

    @property
    def percent(self) -> bool:
        """Whether it is printed times 100 with two decimals, as in the paper; else with three."""
        return self.metric in _IN_PERCENT


@dataclass(frozen=True)
class PaperTable:
    """One table.

    Attributes:
        number: 1 to 6; ``None`` for a table of the same form that is not in the paper.
        variants: its rows, in the paper's ablations; empty where rows are systems.
        figures: (row, column's group, metric) to the paper's figure, as a share or a correlation. Rows are titles of
            variants.
        notes: where the table is our interpretation.
    """

    number: int | None
    title: str
    columns: tuple[Column, ...]
    variants: tuple[Variant, ...] = ()
    figures: tuple[tuple[str, str, str, float], ...] = ()
    notes: tuple[str, ...] = ()


_FULL = VARIANTS["all"]
_PAIRED, _CORRELATED = ("tau_va", "tau_deutsch", "diff"), ("srcc", "plcc", "plcc_logistic")
_DIMENSIONS = ("spatial", "temporal", "alignment", "mean")
_TAU = (
    "tau is the walk of VideoAlign's code, which the paper's values fit as far as they tell; the best threshold stands "
    "beside it for ours."
)
_PLCC = "Which PLCC the paper means is not stated: its figure stands under the raw one."
_SPLIT = "LGVQ has no official split: the paper's and ours are different clips."


def _pairs(group: str, benchmark: str, split: str) -> tuple[Column, ...]:
    return tuple(Column(group, benchmark, split, None, metric) for metric in _PAIRED)


def _scores(group: str, benchmark: str, split: str, dimension: str, task: str) -> tuple[Column, ...]:
    return tuple(Column(group, benchmark, split, dimension, metric, task) for metric in _CORRELATED)


def _natural(group: str, benchmark: str, split: str) -> tuple[Column, ...]:
    return _scores(group, benchmark, split, "quality", "natural")


def _generated(benchmark: str, split: str, dimensions: tuple[str, ...] = _DIMENSIONS) -> tuple[Column, ...]:
    return tuple(c for key in dimensions for c in _scores(key, benchmark, split, key, "generated"))


GENAI, MONET, MEAN, VBENCH = "GenAI-Bench", "MonetBench", "mean", "VBench"
TABLES = (
    PaperTable(
        1,
        "Preference between generated videos",
        (*_pairs(GENAI, "genai_bench", "test_v1"), *_pairs(MONET, "visionreward", "test")),
        figures=(
            (_FULL, GENAI, "tau_va", 0.5080), (_FULL, GENAI, "diff", 0.7571),
            (_FULL, MONET, "tau_va", 0.6120), (_FULL, MONET, "diff", 0.7451),
        ),
        notes=(_TAU, "MonetBench is read as the test split of VisionRewardDB-Video."),
    ),
    PaperTable(
        2,
        "Scores of generated videos, LGVQ",
        _generated("lgvq", "test"),
        figures=(
            (_FULL, "spatial", "srcc", 0.823), (_FULL, "temporal", "srcc", 0.911), (_FULL, "alignment", "srcc", 0.825),
        ),
        notes=(_SPLIT,),
    ),
    PaperTable(
        3,
        "Scores of natural videos",
        (
            *_natural("LSVQ-test", "lsvq", "test"), *_natural("LSVQ-1080p", "lsvq", "1080p"),
            *_natural("LIVE-VQC", "live_vqc", "test"), *_natural("KoNViD-1k", "konvid", "test"),
        ),
        figures=(
            (_FULL, "LSVQ-test", "srcc", 0.875), (_FULL, "LSVQ-1080p", "srcc", 0.786),
            (_FULL, "LIVE-VQC", "srcc", 0.790), (_FULL, "KoNViD-1k", "srcc", 0.875),
        ),
    ),
    PaperTable(
        4,
        "What the parts of stages 1 and 2 are worth, LGVQ, mean over the dimensions",
        _generated("lgvq", "test", ("mean",)),
        ("no_warmup", "no_temporal", "no_length", "all"),
        (
            (VARIANTS["no_warmup"], MEAN, "plcc", 0.716), (VARIANTS["no_temporal"], MEAN, "plcc", 0.787),
            (VARIANTS["no_length"], MEAN, "plcc", 0.819), (_FULL, MEAN, "plcc", 0.869),
        ),
        (_PLCC, _SPLIT),
    ),
    PaperTable(
        5,
        "What length reward and united fine-tuning are worth to comparisons",
        _pairs(GENAI, "genai_bench", "test_v1"),
        ("no_length", "no_united", "all"),
        (
            (VARIANTS["no_length"], GENAI, "tau_va", 0.4574), (VARIANTS["no_length"], GENAI, "diff", 0.6814),
            (VARIANTS["no_united"], GENAI, "tau_va", 0.5014), (VARIANTS["no_united"], GENAI, "diff", 0.7514),
            (_FULL, GENAI, "tau_va", 0.5080), (_FULL, GENAI, "diff", 0.7571),
        ),
        (_TAU, "Read as GenAI-Bench, by its figures; the last row is that of Table 1."),
    ),
    PaperTable(
        6,
        "Generators, VBench",
        tuple(Column(VBENCH, "vbench", "all", None, metric) for metric in ("quality", "semantic", "overall")),
        ("base", "video_dpo", "no_united", "all"),
        (
            (VARIANTS["base"], VBENCH, "overall", 0.8095), (VARIANTS["video_dpo"], VBENCH, "overall", 0.8167),
            (VARIANTS["no_united"], VBENCH, "overall", 0.8149), (_FULL, VBENCH, "overall", 0.8185),
        ),
    ),
)  # fmt: skip
_SYNTHETIC = (
    "The synthetic set is drawn by this project, its labels are exact: no figure here compares with the paper's."
)
SYNTHETIC_TABLES = (
    PaperTable(
        None,
        "In the form of Table 1: preference between clips of the synthetic set",
        _pairs("synthetic set", "synthetic", "held_out"),
        notes=(_TAU, _SYNTHETIC),
    ),
    PaperTable(
        None,
        "In the form of Table 2: scores of clips of the synthetic set",
        _generated("synthetic", "held_out"),
        notes=(_SYNTHETIC,),
    ),
)
