"""Results: frozen records of scores, comparisons, rankings and verdicts that convert to plain dicts.

Every record holds its ``Provenance`` and what the model was shown (``ClipInput``). An unreadable file or a missing
answer is a record with a status, never a number.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal

from vqinsight.errors import UsageError
from vqinsight.tasks.types import Choice, Dimension, TaskName
from vqinsight.video.record import ClipInput, read_input

SCHEMA_VERSION = 2  # of records and of the rows of tables: the names and meanings of their fields
# ok: an answer, with one dimension of a score at least; missing: the model gave no usable answer; failed: an error
# while the clip was decoded, encoded or answered
Status = Literal["ok", "unreadable", "missing", "failed"]
# Begins the reason of an answer that is missing because a server could not be reached in time.
NO_SERVER = "no answer from the server"
PREVIEW = "preview"  # frames for reports: never part of the plain dict


@dataclass(frozen=True)
class Provenance:
    """Which model answered, and how it was asked.

    Attributes:
        model: name, folder or hub id as the user gave it.
        model_hash: 12 hex digits that change with the weights.
        family: transformers' model type.
        template: name of the prompt set.
        samples: answers sampled per question; 1 with temperature 0 is the most likely answer.
        temperature: of sampling; 0 takes the most likely token.
        seed: fixes the sampled answers, independent of the batch.
        dtype, device: number format and device of the computation.
        version: version of this package.
        engine: where the model runs: ``local``, ``ray`` (on a worker), or ``endpoint``: a server, whose ``dtype`` and
            ``device`` are unknown.
        host: of an endpoint, its name and port.
        sent: of an endpoint, how frames were sent.
    """

    model: str
    model_hash: str
    family: str
    template: str
    samples: int
    temperature: float
    seed: int
    dtype: str
    device: str
    version: str
    engine: str = "local"
    host: str | None = None
    sent: str | None = None


@dataclass(frozen=True)
class Record:
    """Base class of all results."""

    def as_dict(self) -> dict[str, Any]:
        """Nested dicts, lists, numbers, strings and ``None``, ready for JSON, with ``schema_version``; previews are
        left out.
        """
        return {"schema_version": SCHEMA_VERSION, **_plain(self)}


def asked_again(status: Status, error: str | None) -> bool:
    """Whether a run that goes on asks again: a failure or a silent server tells nothing of the clip."""
    return status == "failed" or (status == "missing" and NO_SERVER in (error or ""))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.name != PREVIEW}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True)
class Tokens(Record):
    """What a request took, as its server counted."""

    prompt: int
    completion: int

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt + other.prompt, self.completion + other.completion)


@dataclass(frozen=True)
class Reply(Record):
    """One completion of the model and its parsed value.

    Attributes:
        text: the raw completion.
        reasoning: the part before the answer.
        value: values of the dimensions that have one, ``"A"``/``"B"``/``"tie"``, or a bool; ``None`` when missing.
        missing: why there is no value, or ``None``.
        tokens: of an endpoint, what the request of this reply took; ``None`` for the further samples of one request.
        missing_dimensions: why a dimension is not in ``value``, where others are.
    """

    text: str
    reasoning: str
    value: dict[str, float] | Choice | bool | None
    missing: str | None
    tokens: Tokens | None = None
    missing_dimensions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CalibratedScore(Record):
    """A clip's value on a user's scale (``vqinsight.calibration``).

    Attributes:
        scale: its name.
        value: in units of the user's ratings; ``None`` where there is none.
        low, high: the range in which 80 of 100 ratings lie, by cross-validation.
        note: why there is no value, or what it lacks.
    """

    scale: str
    value: float | None
    low: float | None
    high: float | None
    note: str | None = None


@dataclass(frozen=True)
class ClipScore(Record):
    """The score of one clip.

    Attributes:
        scores: value of each dimension that has one (the median over the samples that have it), ``None`` unless status
            is ok.
        missing_dimensions: of a clip that was asked about, every other dimension, with the reason.
        overall: mean of the dimensions in ``scores`` brought to 0–100, or ``None``.
        overall_of: the names of these dimensions. Overalls of different dimensions do not compare.
        spread: by dimension, half the range between the 10th and 90th percentile of the samples that have it; ``None``
            for one sample.
        dimensions: the dimensions asked for, with range; higher is better for all.
        reasoning: of the sample nearest the median.
        replies: every sample.
        error: one line that says what is wrong when status is not ok.
        calibrated: the value on a user's scale, where one is asked for.
    """

    path: str
    prompt: str | None
    task: TaskName
    status: Status
    error: str | None
    scores: dict[str, float] | None
    missing_dimensions: dict[str, str]
    overall: float | None
    overall_of: tuple[str, ...]
    spread: dict[str, float] | None
    dimensions: tuple[Dimension, ...]
    reasoning: str | None
    replies: tuple[Reply, ...]
    input: ClipInput | None
    provenance: Provenance
    calibrated: CalibratedScore | None = None


@dataclass(frozen=True)
class ClipComparison(Record):
    """Two clips compared, asked in both orders.

    Attributes:
        verdict: ``"A"`` or ``"B"`` (the clip ``a`` or ``b``) when both orders agree, else ``"tie"``; ``None`` if
            missing.
        consistent: whether both orders named the same clip; ``None`` if either is missing.
        order_bias: share of answers that chose the clip shown first, minus one half: +0.5 always the first, 0 none.
        forward: replies to (a, b); "A" is the clip ``a``.
        swapped: replies to (b, a), unchanged: "A" is the clip ``b``.
    """

    a: str
    b: str
    prompt: str | None
    status: Status
    error: str | None
    verdict: Choice | None
    consistent: bool | None
    order_bias: float | None
    forward: tuple[Reply, ...]
    swapped: tuple[Reply, ...]
    input_a: ClipInput | None
    input_b: ClipInput | None
    provenance: Provenance


@dataclass(frozen=True)
class Standing(Record):
    """One clip's place in a ranking: rank (1 is best, shared on ties), wins of Eq. 8, Bradley-Terry strength."""

    path: str
    status: Status
    error: str | None
    rank: int | None
    wins: float | None
    strength: float | None
    input: ClipInput | None


@dataclass(frozen=True)
class ClipRanking(Record):
    """Clips of one prompt ranked by all pairs.

    Attributes:
        standings: best first, unreadable clips last.
        comparisons: every pair in both orders.
        cycles: groups of clips with circular preferences.
        order_bias: over all answers, as in ``ClipComparison``.
        clips_encoded: number of clips that the vision tower encoded, each once.
    """

    prompt: str | None
    standings: tuple[Standing, ...]
    comparisons: tuple[ClipComparison, ...]
    cycles: tuple[tuple[str, ...], ...]
    order_bias: float | None
    clips_encoded: int
    provenance: Provenance


@dataclass(frozen=True)
class ClipVerdict(Record):
    """The answer to a yes/no question: ``yes`` is the majority of the samples, ``share_yes`` their share."""

    path: str
    prompt: str | None
    question: str
    status: Status
    error: str | None
    yes: bool | None
    share_yes: float | None
    reasoning: str | None
    replies: tuple[Reply, ...]
    input: ClipInput | None
    provenance: Provenance


def without_previews(record: Any) -> Any:
    """The record without frames for reports, which fill memory for many clips."""
    if isinstance(record, ClipRanking):
        standings, comparisons = (tuple(map(without_previews, each)) for each in (record.standings, record.comparisons))
        return replace(record, standings=standings, comparisons=comparisons)
    seen = {name: getattr(record, name, None) for name in ("input", "input_a", "input_b")}
    return replace(record, **{name: replace(each, preview=()) for name, each in seen.items() if each is not None})


Judged = ClipScore | ClipVerdict | ClipComparison


def read_record(plain: dict[str, Any]) -> Judged:
    """The record that ``as_dict`` made ``plain`` of, without previews.

    Raises:
        UsageError: it is of another schema.
    """
    given = dict(plain)
    if (schema := given.pop("schema_version", None)) != SCHEMA_VERSION:
        raise UsageError(f"a record of schema {schema} is not read as one of schema {SCHEMA_VERSION}")
    given["provenance"] = Provenance(**given["provenance"])
    for key in {"input", "input_a", "input_b"} & given.keys():
        given[key] = given[key] and read_input(given[key])
    for key in {"replies", "forward", "swapped"} & given.keys():
        given[key] = tuple(_reply(**reply) for reply in given[key])
    if "verdict" in given:
        return ClipComparison(**given)
    if "question" in given:
        return ClipVerdict(**given)
    given["overall_of"] = tuple(given["overall_of"])
    given["dimensions"] = tuple(Dimension(**dimension) for dimension in given["dimensions"])
    if given.get("calibrated") is not None:
        given["calibrated"] = CalibratedScore(**given["calibrated"])
    return ClipScore(**given)


def _reply(tokens: dict[str, int] | None = None, **rest: Any) -> Reply:
    return Reply(**rest, tokens=None if tokens is None else Tokens(**tokens))
