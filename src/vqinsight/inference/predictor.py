"""An assessor as predictor of a benchmark: clips are encoded once per batch, pairs are asked in both orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vqinsight.assessor.vision import EncodedClip
from vqinsight.common.seeds import seed_of
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.evaluation.predictor import Prediction, Setting, from_orders
from vqinsight.inference.api import VQInsight
from vqinsight.ranking.votes import majority_choice, majority_verdict, missing_dimension, missing_reasons
from vqinsight.results import Reply
from vqinsight.tasks.mixture import swapped
from vqinsight.tasks.types import Example, Preference, Question
from vqinsight.video.preprocess import ProcessedClip


class AssessorPredictor:
    """Answers a benchmark's questions with an assessor; an ``evaluation.predictor.Predictor``.

    Args:
        judge: a loaded model.
        samples: 1 takes the most likely answer. Of more, sampled at ``temperature``, the score is the median and the
            verdict the majority; a draw is a tie between clips, and no answer to a yes/no question.
        seed: fixes the sampled answers.
        folder_fps: the frame rate of folders of frames that the model is loaded with, for the record.
    """

    def __init__(
        self,
        judge: VQInsight,
        *,
        samples: int = 1,
        temperature: float = 1.0,
        seed: int = 0,
        folder_fps: float | None = None,
    ) -> None:
        self._assessor, self._samples, self._seed = judge.assessor, samples, seed
        self._temperature = temperature if samples > 1 else 0.0
        made_by = judge.provenance(samples, seed, temperature)
        self.name, self.digest = made_by.model, made_by.model_hash
        served: dict[str, Setting] = {}
        if made_by.host is not None:  # the name is all that tells apart what one server serves
            served = {"engine": made_by.engine, "host": made_by.host, "served": made_by.model, "sent": made_by.sent}
            self.digest = f"{seed_of('/'.join((made_by.host, made_by.model, made_by.model_hash))):016x}"[:12]
        # Neither the batch size nor the device: answers do not depend on them.
        look = self._assessor.clips.settings.model_dump(mode="json", exclude={"batch_tokens", "instruments"})
        self.settings: Mapping[str, Setting] = {
            "family": made_by.family,
            "dtype": made_by.dtype,
            "samples": samples,
            "temperature": made_by.temperature,
            "seed": seed if samples > 1 else None,
            **look,
            "template": made_by.template,
            "views": ", ".join(["overview", *self._assessor.clips.views.extra]),
            "folder_fps": folder_fps,
            "version": made_by.version,
            **served,
        }

    def answer(self, examples: Sequence[Example]) -> list[Prediction]:
        """A prediction for each example, in order; see ``Predictor.answer``."""
        seen = self._see(examples)
        too_long: dict[str, str] = {}  # by example
        asked: list[tuple[Question, tuple[EncodedClip, ...]]] = []
        for example in examples:
            clips = [seen[clip.path] for clip in example.question.clips]
            encoded = tuple(clip for clip in clips if isinstance(clip, EncodedClip))
            if len(encoded) == len(clips):
                try:
                    self._assessor.check_question(example.question, [clip.processed for clip in encoded])
                except UsageError as error:
                    too_long[example.id] = str(error)
                    continue
                asked.append((example.question, encoded))
                if isinstance(example.answer, Preference):
                    asked.append((swapped(example).question, encoded[::-1]))
        replies = iter(self._assessor.ask(asked, samples=self._samples, temperature=self._temperature, seed=self._seed))
        found = []
        for example in examples:
            bad = [seen[clip.path] for clip in example.question.clips]
            errors = dict.fromkeys(str(error) for error in bad if isinstance(error, UnreadableVideo))
            if errors:
                found.append(Prediction("unreadable", reason=" | ".join(errors)))
            elif example.id in too_long:
                found.append(Prediction("missing", reason=too_long[example.id]))
            elif isinstance(example.answer, Preference):
                found.append(_pair(next(replies), next(replies)))
            elif example.question.task == "yesno":
                found.append(_verdict(next(replies)))
            else:
                found.append(self._score(example.question, next(replies)))
        return found

    def _see(self, examples: Sequence[Example]) -> dict[str, EncodedClip | UnreadableVideo]:
        """Encode every clip of a batch of questions, once."""
        paths = list(dict.fromkeys(clip.path for example in examples for clip in example.question.clips))
        found = zip(paths, self._assessor.clips.prefetch(paths), strict=True)
        return {path: self._assessor.encode(clip) if isinstance(clip, ProcessedClip) else clip for path, clip in found}

    def _score(self, question: Question, replies: tuple[Reply, ...]) -> Prediction:
        texts = _texts(replies)
        dims = self._assessor.prompt_set.dimensions(question)
        given = [reply.value for reply in replies if isinstance(reply.value, dict)]
        if not given:
            return Prediction("missing", reason=missing_reasons(replies), texts=texts)
        columns = {dim.key: [value[dim.key] for value in given if dim.key in value] for dim in dims}
        return Prediction(
            scores={key: float(np.median(column)) for key, column in columns.items() if column},
            ranges={dim.key: (dim.low, dim.high) for dim in dims},
            texts=texts,
            missing_dimensions={key: missing_dimension(replies, key) for key, column in columns.items() if not column},
        )


def _pair(forward: tuple[Reply, ...], backward: tuple[Reply, ...]) -> Prediction:
    first, second = majority_choice(forward), majority_choice(backward)
    orders = (("a, b", first, forward), ("b, a", second, backward))
    reasons = [f"{order}: {missing_reasons(said)}" for order, choice, said in orders if choice is None]
    return from_orders(
        first, second, reason="; ".join(reasons) or None, texts=_texts(forward), swapped_texts=_texts(backward)
    )


def _verdict(replies: tuple[Reply, ...]) -> Prediction:
    yes = majority_verdict(replies)
    if yes is None:
        return Prediction("missing", reason=missing_reasons(replies) or "as many yes as no", texts=_texts(replies))
    return Prediction(yes=yes, texts=_texts(replies))


def _texts(replies: Sequence[Reply]) -> tuple[str, ...]:
    return tuple(reply.text for reply in replies)
