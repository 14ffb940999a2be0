"""The command line: one thin function a verb. Results go to standard output, everything else to standard error.

Each verb imports what it needs itself, so that help and wrong usage answer at once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from vqinsight.cli import options as opt
from vqinsight.cli.align import align, pairs, repair
from vqinsight.cli.baselines import baselines
from vqinsight.cli.data import data
from vqinsight.cli.evaluate import evaluate
from vqinsight.cli.generate import generate
from vqinsight.cli.tables import tables
from vqinsight.cli.vbench import vbench
from vqinsight.errors import UsageError

if TYPE_CHECKING:
    from vqinsight.inference.api import VQInsight
    from vqinsight.video.inputs import Source

app = typer.Typer(
    name="vqinsight",
    help="Judge the quality of videos and images with a vision-language model that says why.",
    epilog="Clips are video files, images, folders of frames, globs, or a CSV list with the columns path and prompt.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.add_typer(data, name="data")
app.command()(baselines)
app.command()(evaluate)
app.command()(tables)
app.command()(vbench)
app.command()(generate)
app.command()(pairs)
app.command()(align)
app.command()(repair)


def main() -> None:
    """Entry point of the console script and of ``python -m vqinsight``."""
    from vqinsight.report.disk import full_disk_is_no_bug
    from vqinsight.report.progress import take_any_text

    take_any_text()
    with full_disk_is_no_bug():
        app(prog_name="vqinsight")


def _print_version(wanted: bool) -> None:
    if wanted:
        from vqinsight import __version__

        typer.echo(f"vqinsight {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
@opt.asking
def score(
    clips: opt.Clips,
    prompt: opt.Prompt = None,
    task: opt.Task = None,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Score clips: each dimension on its scale, with the reasoning."""
    from vqinsight.report import console, output, progress

    outputs = output.Outputs(asked.json_lines, asked.out, asked.report)
    with output.deliver(outputs, clips, console.show_scores) as take:
        todo = _expand(clips, prompt)
        judge = _load(asked)
        results = judge.score_all(todo, task=task, **asked.pick(*opt.SAMPLING))
        with progress.counting("Scoring", len(todo), asked.json_lines) as count:
            for done, result in enumerate(results, start=1):
                take(result)
                count(done, len(todo))


@app.command()
@opt.asking
def compare(
    a: opt.Clip,
    b: opt.Clip,
    prompt: opt.Prompt = None,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Say which of two clips is better, asked in both orders."""
    from vqinsight.report import console, output, progress
    from vqinsight.video.inputs import refuse_url

    outputs = output.Outputs(asked.json_lines, asked.out, asked.report)
    with output.deliver(outputs, [a, b], console.show_comparisons) as take:
        refuse_url(a)
        refuse_url(b)
        if a == b:
            raise UsageError("Both clips are the same. Name two different ones.")
        judge = _load(asked)
        with progress.waiting("Comparing"):
            result = judge.compare(a, b, prompt, **asked.pick(*opt.SAMPLING))
        take(result)


@app.command()
@opt.asking
def rank(
    clips: opt.Clips,
    prompt: opt.Prompt = None,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Rank clips of one prompt by comparing all pairs in both orders."""
    from vqinsight.report import console, output, progress

    outputs = output.Outputs(asked.json_lines, asked.out, asked.report)
    with output.deliver(outputs, clips, console.show_rankings) as take:
        todo = _expand(clips, prompt)
        paths, texts = [path for path, _ in todo], {text for _, text in todo}
        if len(paths) < 2 or len(texts) > 1:
            raise UsageError(f"A ranking takes at least two clips of one prompt, not {len(paths)} of {len(texts)}.")
        judge = _load(asked)
        pairs = len(paths) * (len(paths) - 1) // 2
        with progress.counting("Comparing pairs", pairs, asked.json_lines) as count:
            result = judge.rank(paths, texts.pop(), **asked.pick(*opt.SAMPLING), on_progress=count)
        take(result)


@app.command()
@opt.asking
def ask(
    clips: opt.Clips,
    question: opt.Question,
    prompt: opt.Prompt = None,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Ask a yes/no question, the last argument, about clips."""
    from vqinsight.report import console, output, progress
    from vqinsight.tasks.yesno import check_question

    outputs = output.Outputs(asked.json_lines, asked.out, asked.report)
    with output.deliver(outputs, clips, console.show_verdicts) as take:
        if not question.strip() or os.path.exists(question):  # noqa: PTH110 - Path.exists fails on long questions
            raise UsageError(f"The last argument must be a question, {question!r} is none.")
        check_question(question)
        todo = _expand(clips, prompt)
        judge = _load(asked)
        results = judge.ask_all(todo, question, **asked.pick(*opt.SAMPLING))
        with progress.counting("Asking", len(todo), asked.json_lines) as count:
            for done, result in enumerate(results, start=1):
                take(result)
                count(done, len(todo))


@app.command()
def train(
    config: opt.Config,
    changes: opt.Changes = None,
    resume: opt.Resume = False,
) -> None:
    """Train an assessor as a TOML file says: stage 1, stage 2, or the supervised baseline."""
    from vqinsight.report.output import plain_endings
    from vqinsight.training import start
    from vqinsight.training.run import processes

    with plain_endings("Interrupted. Go on with the same command and --resume."):
        final = start(config, changes or [], resume=resume)
        if os.environ.get("RANK", "0") == "0":  # of several processes only the first
            typer.echo(f"The model is in {final}: use it with --model {final}")
        processes().destroy_process_group()  # or DeepSpeed's threads end the interpreter with an error


def _expand(clips: list[str], prompt: str | None) -> list[tuple[Source, str | None]]:
    """The clips that are named; what is left out is said on standard error."""
    from vqinsight.report.progress import notice
    from vqinsight.video.inputs import expand_inputs

    found = expand_inputs(clips, prompt)
    for line in found.left_out_lines():
        notice(line)
    return found.clips


def _load(asked: opt.Asking) -> VQInsight:
    import vqinsight
    from vqinsight.report import progress

    with progress.waiting(f"Loading {asked.model}"):
        return vqinsight.load(**asked.pick(*opt.LOADING), on_message=progress.notice)
