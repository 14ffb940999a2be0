"""What score, ask and watch share: clips are judged one after the other, and what was judged is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqinsight.cli import options as opt
from vqinsight.cli.engine import open_judge, open_ray
from vqinsight.errors import UsageError
from vqinsight.report import console, output, progress
from vqinsight.report.picks import NO_PICKS, Picks, overall_of_row
from vqinsight.results import ClipScore, ClipVerdict
from vqinsight.tasks.types import TaskName
from vqinsight.video.entries import Entry, entries
from vqinsight.video.inputs import Source, expand_inputs

if TYPE_CHECKING:
    from rich.console import Console

    from vqinsight.calibration.scale import Scale
    from vqinsight.inference.api import VQInsight
    from vqinsight.inference.ray_engine import RayJudge
    from vqinsight.report.store import ResultStore

Clips = list[tuple[Source, str | None]]


@dataclass(frozen=True)
class Verb:
    """One way to judge clips.

    Attributes:
        doing: for the progress bar.
        asked: what is asked, for the settings beside results; with the name of the verb.
        judge: gives the results of clips, in order; takes a model, clips, and the options of sampling.
        show: prints results as text.
        check: refuses wrong usage before anything is loaded.
        fits: refuses the settings of a judge.
    """

    doing: str
    asked: dict[str, Any]
    judge: Callable[..., Iterator[Any]]
    show: Callable[[Console, list[Any]], None]
    check: Callable[[], None] = lambda: None
    fits: Callable[[dict[str, Any]], None] = lambda settings: None  # noqa: ARG005 - every verb but one fits all


def scoring(task: TaskName | None, verbose: bool, scale: Scale | None = None) -> Verb:
    """Score clips, on a user's scale too where one is given."""
    show = partial(console.show_scores, verbose=verbose)

    def judge(model: VQInsight, clips: Clips, **options: Any) -> Iterator[Any]:
        scored = model.score_all(clips, task=task, **options)
        if scale is None:
            return scored
        return map(scale.apply, scored)

    asked = {"verb": "score", "task": task}
    if scale is None:
        return Verb("Scoring", asked, judge, show)
    asked["scale"] = f"{scale.name} {scale.digest}"
    return Verb("Scoring", asked, judge, show, fits=scale.check)


def open_scale(name: str, *, quiet: bool) -> Scale:
    """A user's scale; one that is no better than knowing nothing is reported on standard error."""
    from vqinsight.calibration.scale import load_scale
    from vqinsight.report.calibration_report import verdicts

    with output.plain_endings("Interrupted.", quiet=quiet):
        scale = load_scale(name)
        if not scale.better:
            progress.notice(f"The scale {scale.name}: {' '.join(verdicts(scale))}")
        return scale


def asking(question: str, verbose: bool) -> Verb:
    """Ask a question about clips."""

    def check() -> None:
        from vqinsight.tasks.yesno import check_question

        if not question.strip() or os.path.exists(question):  # noqa: PTH110 - Path.exists fails on long questions
            raise UsageError(f"The last argument must be a question, {question!r} is none.")
        check_question(question)

    def judge(model: VQInsight, clips: Clips, **options: Any) -> Iterator[Any]:
        return model.ask_all(clips, question, **options)

    show = partial(console.show_verdicts, verbose=verbose)
    return Verb("Asking", {"verb": "ask", "question": question}, judge, show, check)


def judge_clips(
    verb: Verb,
    clips: list[str],
    prompt: str | None,
    asked: opt.Asking,
    out: str | None,
    picks: Picks = NO_PICKS,
    timeline: float | None = None,
) -> None:
    """Judge the clips of the arguments, and exit.

    Args:
        out: a result file, or a folder of results; both go on where a run was stopped.
        timeline: seconds of the windows that are judged in place of whole clips.
    """
    folder = is_folder(out)
    outputs = output.Outputs(
        asked.json_lines, Path(out) if out else None, asked.report, asked.quiet, picks, folder, kept=out is not None
    )
    with output.deliver(outputs, clips, verb.show) as take:
        verb.check()
        todo = expand(clips, prompt, repeated=folder)
        if timeline is not None:
            from vqinsight.video.windows import in_windows  # only for windows

            todo = list(in_windows(todo, timeline, folder_fps=asked.folder_fps))
        if folder and outputs.out is not None and asked.engine == "ray":
            with open_ray(asked) as ray:
                _on_ray(verb, ray, entries(todo), asked, outputs, take)
            return
        judge = open_judge(asked)
        verb.fits(judge.settings(**asked.pick(*opt.SAMPLING)))
        if outputs.out is None:
            with closing(_judged(verb, judge, todo, asked)) as judged:
                for result in judged:
                    take(result)
        elif folder:
            rows = entries(todo)
            with open_results(verb, judge, asked, outputs.out) as store:
                to_folder(verb, judge, rows, asked, store, take)
                tell_folder(store, rows, outputs, take)
        else:
            _to_file(verb, judge, entries(todo), asked, outputs.out, take)


def is_folder(out: str | None) -> bool:
    """Whether an output is a folder of results: by a slash at the end, as it is one, or without a suffix."""
    if out is None:
        return False
    from vqinsight.report.files import RESULT_SUFFIXES

    suffix = Path(out).suffix.lower()
    if out.endswith(("/", os.sep)) or not suffix:
        return True
    return suffix not in RESULT_SUFFIXES and os.path.isdir(out)  # noqa: PTH112 - is_dir fails on long names


def expand(clips: list[str], prompt: str | None, *, repeated: bool = False) -> Clips:
    """The clips of the arguments; what is left out is reported on standard error."""
    found = expand_inputs(clips, prompt, repeated=repeated)
    for line in found.left_out_lines():
        progress.notice(line)
    return found.clips


@contextmanager
def open_results(verb: Verb, judge: VQInsight | RayJudge, asked: opt.Asking, folder: Path) -> Iterator[ResultStore]:
    """The store of a folder for what this model is asked; see ``report.store.open_store``."""
    from vqinsight.report.store import open_store

    with open_store(
        folder, _settings(verb, judge, asked), judge.scales() if verb.asked["verb"] == "score" else {}
    ) as it:
        yield it


def to_folder(
    verb: Verb,
    judge: VQInsight,
    rows: Sequence[Entry],
    asked: opt.Asking,
    store: ResultStore,
    take: Callable[[Any], None],
) -> None:
    """Judge the clips that the store does not have, and commit them."""
    left = [entry for entry in rows if not store.has(entry)]
    shares: list[float] = []  # the share of each clip comes just before it
    clips = [(entry.source, entry.prompt) for entry in left]
    with closing(_judged(verb, judge, clips, asked, log=True, on_seconds=shares.append)) as judged:
        for entry, result in zip(left, judged, strict=True):
            store.add(entry, result, shares[-1] if shares else None)
            take(result)
    store.commit()


def _on_ray(
    verb: Verb,
    judge: RayJudge,
    rows: Sequence[Entry],
    asked: opt.Asking,
    outputs: output.Outputs,
    take: output.Taker[Any],
) -> None:
    """As ``to_folder``; results are committed in the order in which workers finish."""
    assert outputs.out is not None
    about = {key: value for key, value in verb.asked.items() if key != "verb"}
    with open_results(verb, judge, asked, outputs.out) as store:
        left = [entry for entry in rows if not store.has(entry)]
        clips = [(entry.source, entry.prompt) for entry in left]
        finished = judge.judge_all(verb.asked["verb"], clips, about, **asked.pick(*opt.SAMPLING))
        with progress.counting(verb.doing, len(left), asked.json_lines, log=True) as count:
            for done, (place, result, seconds) in enumerate(finished, start=1):
                store.add(left[place], result, seconds)
                take(result)
                count(done, len(left))
        store.commit()
        tell_folder(store, rows, outputs, take)


def tell_folder(store: ResultStore, rows: Sequence[Entry], outputs: output.Outputs, take: output.Taker[Any]) -> None:
    """Say how all clips of the source stand, and judge the run by them."""
    found = [store.known[entry.id] for entry in rows]
    take.failed |= any(row["status"] != "ok" for row in found)
    take.below |= any(outputs.picks.fails(overall_of_row(row)) for row in found)
    if not outputs.json_lines:
        console.show_kept(output.text_console(), f"{outputs.out}", found, outputs.picks)


def _to_file(
    verb: Verb, judge: VQInsight, rows: Sequence[Entry], asked: opt.Asking, out: Path, take: Callable[[Any], None]
) -> None:
    from vqinsight.report.kept_file import open_kept

    with open_kept(out, _settings(verb, judge, asked)) as kept:
        earlier = {entry.id: kept.earlier(entry) for entry in rows}
        left = [(entry.source, entry.prompt) for entry in rows if earlier[entry.id] is None]
        with closing(_judged(verb, judge, left, asked, log=True)) as judged:
            for entry in rows:
                before = earlier[entry.id]
                result = before if before is not None else next(judged)
                kept.add(entry, result, again=before is not None)
                take(result)


def _settings(verb: Verb, judge: VQInsight | RayJudge, asked: opt.Asking) -> dict[str, Any]:
    return verb.asked | judge.settings(**asked.pick(*opt.SAMPLING))


def _judged(
    verb: Verb,
    judge: VQInsight,
    clips: Clips,
    asked: opt.Asking,
    *,
    log: bool = False,
    on_seconds: Callable[[float], None] | None = None,
) -> Generator[ClipScore | ClipVerdict, None, None]:
    options = asked.pick(*opt.SAMPLING) | ({"on_seconds": on_seconds} if on_seconds else {})
    with progress.counting(verb.doing, len(clips), asked.json_lines, log=log) as count:
        for done, result in enumerate(verb.judge(judge, clips, **options), start=1):
            yield result
            count(done, len(clips))
