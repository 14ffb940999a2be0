"""Prediction files: one Parquet file per predictor and split, one item per row, with all that the figures need.

The file is replaced atomically, so it is complete at any moment. An interrupted run continues from it, and the figures
can be computed again without the model or the clips.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from vqinsight.common.files import atomic_path
from vqinsight.errors import UsageError
from vqinsight.evaluation.predictor import PredictedExample, Prediction, Predictor, Setting
from vqinsight.results import NO_SERVER
from vqinsight.tasks.types import Answer, Clip, Example, Preference, Question, Score, Verdict

FORMAT = "vqinsight predictions 2"
_KEY = b"vqinsight"
_WRITING = 20  # during a run at most 1 / _WRITING of its time is spent on writing
_CLIP = pa.struct([("path", pa.string()), ("prompt", pa.string())])
_COLUMNS = {
    "id": pa.string(),
    "task": pa.string(),
    "source": pa.string(),
    "group": pa.string(),
    "clips": pa.list_(_CLIP),
    "question": pa.string(),
    "low": pa.float64(),
    "high": pa.float64(),
    "label_choice": pa.string(),
    "label_yes": pa.bool_(),
    "outcome": pa.string(),
    "reason": pa.string(),
    "margin": pa.float64(),
    "forward": pa.string(),
    "swapped": pa.string(),
    "yes": pa.bool_(),
    "ranges": pa.string(),
    "missing_dimensions": pa.string(),
    "texts": pa.list_(pa.string()),
    "swapped_texts": pa.list_(pa.string()),
    "model": pa.string(),
    "digest": pa.string(),
    "settings": pa.string(),
}
_LABEL, _PREDICTED = "label_", "predicted_"


@dataclass(frozen=True)
class Header:
    """The common properties of all predictions of a file.

    Attributes:
        benchmark, split: names.
        judge, digest, settings: of the predictor (see ``Predictor``).
    """

    benchmark: str
    split: str
    judge: str
    digest: str
    settings: Mapping[str, Setting]

    @classmethod
    def of(cls, judge: Predictor, benchmark: str, split: str) -> Header:
        """The header for a predictor on a split."""
        return cls(benchmark, split, judge.name, judge.digest, dict(judge.settings))

    def differences(self, other: Header) -> list[str]:
        """The differences between two headers, one phrase each. Names of predictors are ignored."""
        mine, others = ({**asdict(h), **h.settings} for h in (self, other))
        for each in (mine, others):
            del each["settings"], each["judge"]
        keys = dict.fromkeys([*mine, *others])
        return [f"{k} {mine.get(k)}, not {others.get(k)}" for k in keys if mine.get(k) != others.get(k)]


class PredictionFile:
    """Collects predictions; a context manager that writes everything on exit, also after an error.

    Args:
        path: a ``.parquet`` file; existing rows are kept.

    Raises:
        UsageError: it belongs to another predictor or other settings, or is no prediction file.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path, self.header = path, header
        self._rows: dict[str, PredictedExample] = {}
        self._unsaved, self._saved_at, self._cost = False, 0.0, 0.0
        if path.exists():
            stored, rows = read_predictions(path)
            if found := stored.differences(header):
                raise UsageError(
                    f"{path} holds other predictions: {'; '.join(found)}. They are not mixed: choose another --out, or "
                    "remove the file."
                )
            self._rows = {row.example.id: row for row in rows}

    def __enter__(self) -> PredictionFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._unsaved:
            self._write()

    def of(self, examples: Iterable[Example]) -> list[PredictedExample]:
        """The stored predictions of these examples, in order, with the examples as given."""
        found = ((example, self._rows.get(_text(example.id))) for example in examples)
        return [PredictedExample(example, row.prediction) for example, row in found if row is not None]

    def others(self, examples: Iterable[Example]) -> int:
        """Number of stored predictions of other examples."""
        return len(self._rows.keys() - {_text(example.id) for example in examples})

    def open_questions(self, examples: Sequence[Example]) -> list[Example]:
        """The examples to ask: those without a row, with unreadable clips, or that a server left without an answer.

        Raises:
            UsageError: a stored row has the id of an example but another question or label.
        """
        wanted, changed = [], []
        for example in examples:
            row = self._rows.get(_text(example.id))
            if row is None or row.prediction.outcome == "unreadable" or NO_SERVER in (row.prediction.reason or ""):
                wanted.append(example)
            if row is not None and _essence(row.example) != _essence(example):
                changed.append(example.id)
        if changed:
            raise UsageError(
                f"{self.path}: {len(changed)} items have another question or label than when they were answered, the "
                f"first is {changed[0]}. Choose another --out, or remove the file."
            )
        return wanted

    def add(self, answered: Iterable[PredictedExample]) -> None:
        """Add rows; they are written at once while that is cheap, and on leaving the context in any case."""
        self._rows |= {_text(row.example.id): row for row in answered}
        self._unsaved = True
        if time.monotonic() - self._saved_at >= _WRITING * self._cost:
            self._write()

    def _write(self) -> None:
        start = time.monotonic()
        write_predictions(self.path, self.header, list(self._rows.values()))
        self._unsaved, self._saved_at = False, time.monotonic()
        self._cost = self._saved_at - start


def write_predictions(path: Path, header: Header, rows: Sequence[PredictedExample]) -> None:
    """Write a file atomically, with the columns ``label_KEY`` and ``predicted_KEY`` for each dimension.

    Raises:
        UsageError: it cannot be written.
    """
    plain = [_plain(row, header) for row in rows]
    scores = dict.fromkeys(key for row in plain for key in row if key not in _COLUMNS)
    fields = [*_COLUMNS.items(), *((key, pa.float64()) for key in scores)]
    schema = pa.schema(fields, {_KEY: json.dumps({"format": FORMAT, **asdict(header)}).encode()})
    try:
        with atomic_path(path) as part:
            parquet.write_table(pa.Table.from_pylist(plain, schema), part)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror or error}). Check the disk.") from error


def read_predictions(path: Path) -> tuple[Header, list[PredictedExample]]:
    """Read a file written by ``write_predictions``.

    Raises:
        UsageError: the file does not exist or is no prediction file.
    """
    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]}).") from error
    stored = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    if (found := stored.pop("format", None)) != FORMAT:
        what = f"is of the form {found!r}, not {FORMAT!r}" if found else "holds no predictions"
        raise UsageError(f"{path}: {what}. Give a file that this version of vqinsight evaluate has written.")
    rows = [_answered(row) for row in table.to_pylist()]
    repeated = [name for name, times in Counter(row.example.id for row in rows).items() if times > 1]
    if repeated:
        raise UsageError(f"{path}: {len(repeated)} ids stand twice, such as {repeated[0]}. Keep one row of each.")
    return Header(**stored), rows


def _plain(row: PredictedExample, header: Header) -> dict[str, Any]:
    example, said = row.example, row.prediction
    plain: dict[str, Any] = {
        "id": example.id,
        "task": example.question.task,
        "source": example.source,
        "group": example.group,
        "clips": [{"path": clip.path, "prompt": clip.prompt} for clip in example.question.clips],
        "question": example.question.text,
        **dict(zip(("low", "high"), example.scale or (None, None), strict=True)),
        "outcome": said.outcome,
        "reason": said.reason,
        "margin": said.margin,
        "forward": said.forward,
        "swapped": said.swapped,
        "yes": said.yes,
        "ranges": json.dumps(said.ranges) if said.ranges is not None else None,
        "missing_dimensions": json.dumps(said.missing_dimensions) if said.missing_dimensions else None,
        "texts": list(said.texts),
        "swapped_texts": list(said.swapped_texts),
        "model": header.judge,
        "digest": header.digest,
        "settings": json.dumps(header.settings),
    }
    match example.answer:
        case Score(values):
            plain |= {_LABEL + key: float(value) for key, value in values.items()}
        case Preference(choice):
            plain["label_choice"] = choice
        case Verdict(yes):
            plain["label_yes"] = yes
    plain |= {_PREDICTED + key: float(value) for key, value in (said.scores or {}).items()}
    cleaned: dict[str, Any] = _text(plain)
    return cleaned


def _answered(row: Mapping[str, Any]) -> PredictedExample:
    def values(prefix: str) -> dict[str, float]:
        names = (name for name in row if name.startswith(prefix) and name not in _COLUMNS)
        return {name.removeprefix(prefix): row[name] for name in names if row[name] is not None}

    answer: Answer
    if row["label_choice"] is not None:
        answer = Preference(row["label_choice"])
    elif row["label_yes"] is not None:
        answer = Verdict(row["label_yes"])
    else:
        answer = Score(values(_LABEL))
    question = Question(row["task"], tuple(Clip(**clip) for clip in row["clips"]), row["question"])
    scale = (row["low"], row["high"]) if row["low"] is not None else None
    example = Example(row["id"], question, answer, scale, row["group"], row["source"])
    ranges = json.loads(row["ranges"]) if row["ranges"] is not None else None
    said = Prediction(
        outcome=row["outcome"],
        scores=values(_PREDICTED) or None,
        ranges={key: (low, high) for key, (low, high) in ranges.items()} if ranges is not None else None,
        margin=row["margin"],
        forward=row["forward"],
        swapped=row["swapped"],
        yes=row["yes"],
        reason=row["reason"],
        texts=tuple(row["texts"]),
        swapped_texts=tuple(row["swapped_texts"]),
        missing_dimensions=json.loads(row["missing_dimensions"] or "{}"),
    )
    return PredictedExample(example, said)


def _essence(example: Example) -> Any:
    """The identity of an example, independent of the folder of its clips."""
    question = example.question
    prompts = [clip.prompt for clip in question.clips]
    return _text([question.task, question.text, prompts]), example.answer, example.scale


def _text(value: Any) -> Any:
    """Text without lone surrogates, which stand for undecodable bytes in file names and which UTF-8 cannot encode."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_text(item) for item in value]
    if isinstance(value, dict):
        return {key: _text(item) for key, item in value.items()}
    return value
