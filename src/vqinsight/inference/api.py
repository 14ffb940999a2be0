"""The Python interface: load a model, then score, compare, rank and ask about clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.load import load_model
from vqinsight.common.version import __version__
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.inference import aggregate
from vqinsight.inference.batches import AskAbout, Outcome, answer, attempt, prefetch, score_question
from vqinsight.results import ClipComparison, ClipRanking, ClipScore, ClipVerdict, Provenance, Reply
from vqinsight.settings.reader import parse_settings
from vqinsight.tasks.types import Clip, Question, TaskName
from vqinsight.video.entries import PairGroup
from vqinsight.video.inputs import Source
from vqinsight.video.preprocess import ProcessedClip


def load(
    model: str = "nano",
    *,
    adapter: str | None = None,
    template: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    fps: float | None = None,
    frames: int | None = None,
    max_pixels: int | None = None,
    folder_fps: float | None = None,
    evidence: bool | None = None,
    on_message: Callable[[str], None] | None = None,
) -> VQInsight:
    """Load an assessor.

    Args:
        model: ``"nano"`` (embedded), a folder, or a hub id with optional ``:subfolder``.
        adapter: a LoRA adapter to merge.
        template: prompt set instead of the model's own: standard, released, brief, or a TOML file. With ``released``
            clips are also shown as the released weights were taught, where the model's own settings do not say
            otherwise.
        device, dtype: ``"auto"`` picks CUDA and bfloat16 if there is a card, else the CPU and float32.
        fps: frames sampled per second of clip, within the model's bounds on the count.
        frames: sample exactly this many frames of each clip instead.
        max_pixels: largest height x width of a frame as shown to the model, for each frame of each clip.
        folder_fps: frame rate of folders of frames.
        evidence: whether questions state what is measured on every frame; by default as the model was taught.
        on_message: receives notices such as the memory estimate of large weights.

    Raises:
        ModelError: the model cannot be loaded.
        UsageError: a setting is out of range.
    """
    loaded = load_model(model, adapter=adapter, template=template, device=device, dtype=dtype, on_message=on_message)
    options = {"fps": fps, "max_pixels": max_pixels, "evidence": evidence, "frames": frames}
    given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    given |= {"frames": frames} if fps is not None else {}  # an explicit rate replaces the model's fixed count
    settings = parse_settings(type(loaded.settings), {**loaded.settings.model_dump(), **given}, "settings")
    least = min(settings.min_pixels, settings.max_pixels)
    spec = replace(loaded.spec, max_pixels=settings.max_pixels, min_pixels=least)
    return VQInsight(Assessor(replace(loaded, settings=settings, spec=spec), folder_fps=folder_fps))


class VQInsight:
    """A loaded assessor: score, compare, rank, ask. An unreadable file gives a record; only wrong usage raises."""

    def __init__(self, assessor: Assessor) -> None:
        self.assessor = assessor

    def score_all(
        self,
        clips: Iterable[tuple[Source, str | None]],
        *,
        task: TaskName | None = None,
        samples: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
        on_seconds: Callable[[float], None] | None = None,
    ) -> Iterator[ClipScore]:
        """Score (path, text prompt or ``None``) in order; the next clips are decoded in the background.

        Args:
            clips: an error in place of a path, as a bad row of a list gives it, becomes an unreadable record.
            task: ``"image"``, ``"natural"`` or ``"generated"``; by default an image for a single image, generated for a
                clip with a text prompt, natural for one without.
            samples: 1 takes the most likely answer; more are sampled at ``temperature`` and give median and spread.
            on_seconds: receives, before each record, its share of the time that its window of clips took.

        A clip that makes the decoder or the model fail, memory included, becomes a failed record.
        """
        provenance = self.provenance(samples, seed, temperature)
        sampling = (samples, seed, provenance.temperature)
        for path, prompt, found in self._answers(clips, partial(score_question, task), *sampling, on_seconds):
            yield aggregate.score(path, prompt, task, found, self.assessor.prompt_set, provenance)

    def score(
        self,
        clip: str,
        prompt: str | None = None,
        *,
        task: TaskName | None = None,
        samples: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> ClipScore:
        """Score one clip; see ``score_all``."""
        return next(self.score_all([(clip, prompt)], task=task, samples=samples, seed=seed, temperature=temperature))

    def compare(
        self, a: str, b: str, prompt: str | None = None, *, samples: int = 1, seed: int = 0, temperature: float = 1.0
    ) -> ClipComparison:
        """Ask which of two clips is better, in both orders."""
        _check_different([a, b])
        group = PairGroup(prompt, (a, b), ((0, 1),))
        return next(self.compare_all([group], samples=samples, seed=seed, temperature=temperature))

    def compare_all(
        self,
        groups: Iterable[PairGroup],
        *,
        samples: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
        on_seconds: Callable[[float], None] | None = None,
    ) -> Iterator[ClipComparison]:
        """Compare the pairs of each group in both orders, in order; each clip of a group is decoded and encoded once.
        Failures and ``on_seconds`` as in ``score_all``.
        """
        from vqinsight.inference.pairs import compare_groups  # scoring does not need it

        return compare_groups(self.assessor, groups, self.provenance(samples, seed, temperature), on_seconds)

    def rank(
        self,
        clips: Sequence[Source],
        prompt: str | None = None,
        *,
        samples: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> ClipRanking:
        """Rank clips made from one prompt by all pairs in both orders; each clip is decoded and encoded once.

        Args:
            on_progress: called with (pairs judged, pairs in all).

        Raises:
            UsageError: fewer than two clips, or one named twice.
        """
        from vqinsight.ranking import standings, tally  # imports scipy

        _check_different(clips)
        group = PairGroup(prompt, tuple(clips), tuple(tally.all_pairs(len(clips))))
        compared = []
        for pair in self.compare_all([group], samples=samples, seed=seed, temperature=temperature):
            compared.append(pair)
            if on_progress is not None:
                on_progress(len(compared), len(group.pairs))
        return standings.ranking(prompt, compared, self.provenance(samples, seed, temperature))

    def ask_all(
        self,
        clips: Iterable[tuple[Source, str | None]],
        question: str,
        *,
        samples: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
        on_seconds: Callable[[float], None] | None = None,
    ) -> Iterator[ClipVerdict]:
        """Ask one yes/no question about each clip, in order; failures and ``on_seconds`` as in ``score_all``.

        Raises:
            UsageError: the text is clearly no yes/no question (``tasks.yesno``).
        """
        from vqinsight.tasks.yesno import check_question

        check_question(question)
        provenance = self.provenance(samples, seed, temperature)

        def about(path: str, prompt: str | None, _: ProcessedClip) -> Question:
            return Question("yesno", (Clip(path, prompt),), question)

        sampling = (samples, seed, provenance.temperature)
        for path, prompt, found in self._answers(clips, about, *sampling, on_seconds):
            seen, replies = (found, ()) if isinstance(found, UnreadableVideo) else (found.clip, found.replies)
            yield aggregate.verdict(path, prompt, question, seen, replies, provenance)

    def ask(
        self,
        clip: str,
        question: str,
        prompt: str | None = None,
        *,
        samples: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> ClipVerdict:
        """Ask a yes/no question about one clip."""
        return next(self.ask_all([(clip, prompt)], question, samples=samples, seed=seed, temperature=temperature))

    def ask_about(
        self,
        clip: str,
        questions: Sequence[str],
        prompt: str | None = None,
        *,
        samples: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> list[ClipVerdict]:
        """Ask several yes/no questions about one clip, which is decoded and encoded once.

        Raises:
            UsageError: a text is clearly no yes/no question (``tasks.yesno``).
        """
        from vqinsight.tasks.yesno import check_question

        for text in questions:
            check_question(text)
        provenance = self.provenance(samples, seed, temperature)
        [(path, _, seen)] = prefetch(self.assessor, [(clip, prompt)])
        replies: list[tuple[Reply, ...]] = [()] * len(questions)
        if isinstance(seen, ProcessedClip):
            asked = [(Question("yesno", (Clip(path, prompt),), text), seen) for text in questions]
            found = attempt(path, partial(self._ask, asked, samples, provenance.temperature, seed))
            seen, replies = (found, replies) if isinstance(found, UnreadableVideo) else (seen, found)
        pairs = zip(questions, replies, strict=True)
        return [aggregate.verdict(path, prompt, text, seen, said, provenance) for text, said in pairs]

    def provenance(self, samples: int, seed: int, temperature: float) -> Provenance:
        """Which model answers and how it is asked."""
        loaded = self.assessor.loaded
        return Provenance(
            model=loaded.name,
            model_hash=loaded.digest,
            family=loaded.model.config.model_type,
            template=self.assessor.prompt_set.name,
            samples=samples,
            temperature=temperature if samples > 1 else 0.0,
            seed=seed,
            dtype=str(loaded.model.dtype).removeprefix("torch."),
            device=str(loaded.model.device),
            version=__version__,
        )

    def settings(self, samples: int, seed: int, temperature: float) -> dict[str, Any]:
        """Everything of this model that an answer depends on, ready for JSON."""
        provenance = asdict(self.provenance(samples, seed, temperature))
        provenance["weights"] = provenance.pop("model_hash")
        look = self.assessor.clips.settings.model_dump(mode="json", exclude={"template", "batch_tokens"})
        return {**provenance, "look": {**look, "folder_fps": self.assessor.clips.folder_fps}}

    def scales(self) -> dict[str, list[list[float]]]:
        """Every dimension that the model scores, with the ends of its scale, or of each of its scales."""
        found: dict[str, list[list[float]]] = {}
        for dimensions in self.assessor.prompt_set.scales.values():
            for dimension in dimensions:
                ends = found.setdefault(dimension.key, [])
                if [dimension.low, dimension.high] not in ends:
                    ends.append([dimension.low, dimension.high])
        return found

    def _answers(
        self,
        clips: Iterable[tuple[Source, str | None]],
        question: AskAbout,
        samples: int,
        seed: int,
        temperature: float,
        on_seconds: Callable[[float], None] | None,
    ) -> Iterator[Outcome]:
        """Each clip with the replies to its question, in order."""
        ask = partial(self._ask, samples=samples, temperature=temperature, seed=seed)
        return answer(prefetch(self.assessor, clips), question, ask, on_seconds)

    def _ask(
        self, asked: Sequence[tuple[Question, ProcessedClip]], samples: int, temperature: float, seed: int
    ) -> list[tuple[Reply, ...]]:
        """Replies to questions; a clip that several are about is encoded once."""
        for question, clip in asked:
            self.assessor.check_question(question, [clip])
        shown = {key: (self.assessor.encode(clip),) for key, clip in {id(clip): clip for _, clip in asked}.items()}
        about = [(question, shown[id(clip)]) for question, clip in asked]
        return self.assessor.ask(about, samples=samples, temperature=temperature, seed=seed)


def _check_different(clips: Sequence[Source]) -> None:
    if len(clips) < 2 or len(set(clips)) < len(clips):
        raise UsageError("Name at least two different clips, each of them once.")
