"""``vqinsight evaluate``: run a model, or another system, on a benchmark."""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vqinsight.cli import options as opt
from vqinsight.cli.baselines import baseline_options
from vqinsight.cli.engine import OPTIONS, open_judge
from vqinsight.errors import UsageError

if TYPE_CHECKING:
    from vqinsight.evaluation.prediction_file import Header
    from vqinsight.evaluation.predictor import PredictedExample, Predictor
    from vqinsight.report.evaluation_report import EvaluationRun

NOTHING_MEASURED = 1  # exit code
_BENCHMARK, _OUTPUT = "The benchmark", "Output"


@opt.asking
def evaluate(
    bench: Annotated[
        str | None,
        typer.Argument(
            metavar="BENCH",
            show_default=False,
            help="koniq, lgvq, lsvq, live_vqc, konvid, genai_bench, visionreward (MonetBench), table, or synthetic.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Where it was downloaded to; for table the .csv or .jsonl file. The synthetic set needs none.",
            rich_help_panel=_BENCHMARK,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Instead of the test split; lsvq also has 1080p.",
            rich_help_panel=_BENCHMARK,
        ),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Only questions of this kind: image, natural, generated, compare, yesno. May be given several times.",
            rich_help_panel=_BENCHMARK,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            show_default=False,
            help="Only so many questions; of the synthetic set, so many of each task (100 if absent).",
            rich_help_panel=_BENCHMARK,
        ),
    ] = None,
    scale: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH",
            show_default=False,
            help="The range of a table's scores, where it does not say.",
            rich_help_panel=_BENCHMARK,
        ),
    ] = None,
    unpack: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Where to write clips that lie inside Parquet files.",
            rich_help_panel=_BENCHMARK,
        ),
    ] = None,
    baseline: opt.Baseline = None,
    baseline_option: opt.BaselineOptions = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="The result, .json; predictions and plots lie beside it. By default in the folder evaluations.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    stored: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            show_default=False,
            help="Make the figures again from predictions (.parquet), without model and clips; writes what is named.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Measure agreement with human labels on a benchmark.

    Asks a benchmark's questions and says how far the answers agree with people's. A run that was stopped goes on.
    """
    from vqinsight.report.output import plain_endings

    with (
        plain_endings(
            "Interrupted. What was answered is kept; the same command goes on from there.", quiet=asked.quiet
        ),
        ExitStack() as endings,
    ):
        _check(bench, out, asked.report, stored)
        from vqinsight.common.lock import hold_file

        if out is not None:
            endings.enter_context(hold_file(out))
        options = _check_judge(baseline, baseline_option or [], asked)
        if stored is not None:
            if data is not None:
                raise UsageError("--from needs no clips: leave out --data.")
            run = _again(bench, stored)
        else:
            from vqinsight.evaluation.benchmarks import load_benchmark
            from vqinsight.report import progress

            with progress.waiting(f"Reading {bench}"):
                read = {key: value for key, value in (("scale", scale), ("unpack", unpack)) if value is not None}
                exam = load_benchmark(str(bench), data, split, tasks=task or (), count=limit, options=read)
            judge = _load(asked, endings) if baseline is None else _open(baseline, options)
            if out is None:
                out = _place(exam.benchmark, exam.split, data, judge)
                endings.enter_context(hold_file(out))
            run = _ask(judge, exam, out, asked.json_lines)
        _deliver(run, out, asked.report, asked.json_lines)
    sys.exit(0 if run.summary.measured else NOTHING_MEASURED)


def _check(bench: str | None, out: Path | None, report: Path | None, stored: Path | None) -> None:
    """Refuse wrong usage before anything is loaded."""
    from vqinsight.report.files import REPORT_SUFFIXES, check_target

    if bench is None and stored is None:
        raise UsageError("Name a benchmark, such as: vqinsight evaluate synthetic")
    if stored is not None and not stored.is_file():
        raise UsageError(f"--from {stored}: no such file.")
    if out is not None:
        check_target(out, "--out", (".json",), [])
    if report is not None:
        check_target(report, "--report", REPORT_SUFFIXES, [])


def _again(bench: str | None, stored: Path) -> EvaluationRun:
    from vqinsight.evaluation.prediction_file import read_predictions

    header, rows = read_predictions(stored)
    if bench not in (None, header.benchmark):
        raise UsageError(f"{stored} holds predictions for {header.benchmark}, not for {bench}.")
    return _measure(header, rows, None)


def _check_judge(baseline: str | None, given: list[str], asked: opt.Asking) -> dict[str, Any]:
    """The baseline's options. Options that do not apply to the baseline or the model are refused."""
    if baseline is None:
        if given:
            raise UsageError("--baseline-option goes with --baseline.")
        return {}
    unused = [
        name for name in (*opt.LOADING, *OPTIONS, *opt.SAMPLING) if getattr(asked, name) != getattr(opt.Asking(), name)
    ]
    if unused:
        names = ", ".join("--" + name.replace("_", "-") for name in unused)
        raise UsageError(
            f"--baseline {baseline} takes its options as --baseline-option KEY=VALUE; {names} is for --model."
        )
    return baseline_options(baseline, given)


def _load(asked: opt.Asking, endings: ExitStack) -> Predictor:
    judge = open_judge(asked)
    from vqinsight.inference.predictor import AssessorPredictor

    if asked.engine == "endpoint":
        from vqinsight.inference.endpoint.judge import EndpointJudge

        assert isinstance(judge, EndpointJudge)
        endings.callback(judge.report)

    return AssessorPredictor(judge, **asked.pick(*opt.SAMPLING), folder_fps=asked.folder_fps)


def _open(baseline: str, options: dict[str, Any]) -> Predictor:
    from vqinsight.baselines.open import open_baseline
    from vqinsight.baselines.predictor import BaselinePredictor
    from vqinsight.report import progress

    with progress.waiting(f"Opening {baseline}"):
        return BaselinePredictor(open_baseline(baseline, **options), options)


def _place(benchmark: str, split: str, data: Path | None, judge: Predictor) -> Path:
    """The default folder of a run: the same for the same questions to the same model."""
    name = data.stem if benchmark == "table" and data is not None else benchmark
    folder = Path("evaluations")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be made here ({error.strerror}). Give --out.") from error
    return folder / f"{name}_{split}_{judge.digest}.json"


def _ask(judge: Predictor, exam: Any, out: Path, as_json: bool) -> EvaluationRun:
    from vqinsight.baselines.predictor import BaselinePredictor
    from vqinsight.evaluation.prediction_file import Header, PredictionFile
    from vqinsight.evaluation.run import run_benchmark
    from vqinsight.report import progress

    header = Header.of(judge, exam.benchmark, exam.split)
    file = PredictionFile(out.with_name(f"{out.stem}.predictions.parquet"), header)
    with progress.counting("Asking", len(exam.examples), as_json) as count:
        rows = run_benchmark(judge, exam.examples, file, on_progress=count)
    notes = judge.notes(exam.examples) if isinstance(judge, BaselinePredictor) else ()
    if others := file.others(exam.examples):
        notes = (*notes, f"{others} kept predictions belong to no question of this run and are in no figure")
    return _measure(header, rows, replace(exam, notes=(*exam.notes, *notes)))


def _measure(header: Header, rows: list[PredictedExample], exam: Any) -> EvaluationRun:
    from vqinsight.evaluation.summary import summarise
    from vqinsight.report import progress
    from vqinsight.report.evaluation_report import EvaluationRun

    with progress.waiting("Measuring"):
        summary = summarise(rows)
    return EvaluationRun(header, summary, exam, shlex.join(["vqinsight", *sys.argv[1:]]))


def _deliver(run: EvaluationRun, out: Path | None, report: Path | None, as_json: bool) -> None:
    from rich.console import Console

    from vqinsight.report.evaluation_report import show, write

    files = write(run, out, report)
    if as_json:
        print(json.dumps(run.as_dict()))
    else:
        show(Console(markup=False, highlight=False, emoji=False), run, files)
