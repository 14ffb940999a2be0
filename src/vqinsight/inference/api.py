"""The Python interface: load a model, then score, compare, rank and ask about clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from vqinsight.assessor.assessor import Assessor
from vqinsight.assessor.load import load_model
from vqinsight.common.version import __version__
from vqinsight.errors import UnreadableVideo, UsageError
from vqinsight.inference import aggregate
from vqinsight.inference.batches import AskAbout, Outcome, answer, prefetch
from vqinsight.results import ClipComparison, ClipRanking, ClipScore, ClipVerdict, Provenance, Reply
from vqinsight.settings.reader import parse_settings
from vqinsight.tasks.types import Clip, Question, TaskName
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
        on_message: receives notices such as the memory estimate of large weights.

    Raises:
        ModelError: the model cannot be loaded.
        UsageError: a setting is out of range.
    """
    loaded = load_model(model, adapter=adapter, template=template, device=device, dtype=dtype, on_message=on_message)
    options: dict[str, float | int | None] = {"fps": fps, "frames": frames, "max_pixels": max_pixels}
    given: dict[str, float | int | None] = {key: value for key, value in options.items() if value is not None}
    if fps is not None:
        given["frames"] = frames  # an explicit rate replaces the model's fixed count
    settings = parse_settings(type(loaded.settings), {**loaded.settings.model_dump(), **given}, "settings")
    spec = replace(
        loaded.spec, max_pixels=settings.max_pixels, min_pixels=min(settings.min_pixels, settings.max_pixels)
    )
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
            on_seconds: receives, before each record, its share of the time that its batch took.

        A clip that makes the decoder or the model fail, memory included, becomes a failed record.
        """
        provenance = self.provenance(samples, seed, temperature)

        def question(path: str, prompt: str | None, clip: ProcessedClip) -> Question:
            return score_question(path, prompt, task, clip)

        sampling = (samples, seed, provenance.temperature)
        for path, prompt, found in self._answers(clips, question, *sampling, on_seconds):
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
        self,
        a: str,
        b: str,
        prompt: str | None = None,
        *,
        samples: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
    ) -> ClipComparison:
        """Ask which of two clips is better, in both orders."""
        ranking = self.rank([a, b], prompt, samples=samples, seed=seed, temperature=temperature)
        if ranking.comparisons:
            return ranking.comparisons[0]
        return aggregate.not_compared(a, b, ranking)

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
        from vqinsight.ranking import tally  # imports scipy, which scoring does not need
        from vqinsight.ranking.judge import judge_pairs

        if len(clips) < 2 or len(set(clips)) < len(clips):
            raise UsageError("Name at least two different clips, each of them once.")
        seen = {path: found for path, _, found in prefetch(self.assessor, ((clip, prompt) for clip in clips))}
        encoded = [self.assessor.encode(found) for found in seen.values() if isinstance(found, ProcessedClip)]
        pairs = tally.all_pairs(len(encoded))
        effective_temperature = temperature if samples > 1 else 0.0
        judged = judge_pairs(
            self.assessor,
            encoded,
            pairs,
            prompt,
            samples=samples,
            temperature=effective_temperature,
            seed=seed,
            on_progress=on_progress,
        )
        unreadable = [(path, found) for path, found in seen.items() if isinstance(found, UnreadableVideo)]
        provenance = self.provenance(samples, seed, temperature)
        return aggregate.ranking(prompt, encoded, unreadable, pairs, judged, provenance)

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

        def ask(asked: Sequence[tuple[Question, ProcessedClip]]) -> list[tuple[Reply, ...]]:
            encoded = [(question, (self.assessor.encode(clip),)) for question, clip in asked]
            return self.assessor.ask(encoded, samples=samples, temperature=temperature, seed=seed)

        return answer(prefetch(self.assessor, clips), question, ask, on_seconds)


def score_question(path: str, prompt: str | None, task: TaskName | None, clip: ProcessedClip) -> Question:
    """What is asked to score a clip; without a task its default one."""
    return Question(task or default_task(clip, prompt), (Clip(path, prompt),))


def default_task(clip: ProcessedClip, prompt: str | None) -> TaskName:
    """What is scored unless said otherwise: an image, a generated clip (with a prompt), or a natural one."""
    if clip.kind == "image":
        return "image"
    return "generated" if prompt and prompt.strip() else "natural"
