"""The command line: one thin function per verb. Results go to standard output, everything else to standard error.

Each verb imports what it needs, so that help and usage errors are fast.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Annotated, Any, cast

import typer

from vqinsight.cli import options as opt
from vqinsight.cli.command import Command, Group

_JUDGE, _TRAIN, _MAKE, _INSPECT = "Judge clips", "Train and evaluate", "Make and align", "Inspect"

# Verb: the module in this folder that holds a function of that name, and its panel in --help; in the order of --help.
VERBS: dict[str, tuple[str, str]] = {
    "score": ("main", _JUDGE),
    "compare": ("main", _JUDGE),
    "rank": ("main", _JUDGE),
    "compare-systems": ("compare_systems", _JUDGE),
    "ask": ("main", _JUDGE),
    "measure": ("measure", _JUDGE),
    "calibrate": ("calibrate", _JUDGE),
    "watch": ("watch", _JUDGE),
    "serve": ("serve", _JUDGE),
    "web": ("web", _JUDGE),
    "arena": ("arena", _JUDGE),
    "train": ("main", _TRAIN),
    "plan": ("plan", _TRAIN),
    "export": ("export", _TRAIN),
    "evaluate": ("evaluate", _TRAIN),
    "align": ("align", _MAKE),
    "generate": ("generate", _MAKE),
    "pairs": ("align", _MAKE),
    "repair": ("align", _MAKE),
    "tables": ("tables", _INSPECT),
    "vbench": ("vbench", _INSPECT),
    "baselines": ("baselines", _INSPECT),
    "data": ("data", _INSPECT),
    "models": ("models", _INSPECT),
    "configs": ("configs", _INSPECT),
    "lmms-eval-path": ("lmms", _INSPECT),
    "doctor": ("doctor", _INSPECT),
    "bench": ("bench", _INSPECT),
}


class LazyGroup(Group):
    """``VERBS``, each imported on use."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """The verbs, in the order of ``--help``."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb, or ``None`` where there is none of that name."""
        if cmd_name not in VERBS:
            for verb in VERBS:  # typer looks for the nearest name in ``commands``
                self.get_command(ctx, verb)
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _command(cmd_name)
        return self.commands[cmd_name]


def _command(name: str) -> Any:
    module, panel = VERBS[name]
    verb = getattr(import_module(f"vqinsight.cli.{module}"), name.replace("-", "_"))
    if isinstance(verb, typer.Typer):
        app = verb
    else:
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(name, cls=Command)(verb)
    command = cast(Any, typer.main.get_command(app))
    command.name, command.rich_help_panel = name, panel
    return command


app = typer.Typer(
    name="vqinsight",
    cls=LazyGroup,
    help="Judge the quality of videos and images with a vision-language model that says why.",
    epilog="Clips are video files, images, folders of frames, globs, tars, or a list (CSV, JSON lines, Parquet) with "
    "the columns path and prompt.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def main() -> None:
    """Entry point of the console script and of ``python -m vqinsight``."""
    from vqinsight.report.output import full_disk_is_no_bug
    from vqinsight.report.progress import take_any_text

    take_any_text()
    with full_disk_is_no_bug():
        app(prog_name="vqinsight")


Timeline = Annotated[
    float | None,
    typer.Option(
        "--timeline",
        min=0.1,
        callback=opt.above_zero,
        metavar="SECONDS",
        show_default=False,
        help="Score windows of this length one after the other, each as a clip of its own: clip.mp4#t=10,20.",
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        "--scale",
        metavar="NAME|FILE",
        show_default=False,
        help="Add the value on a scale that vqinsight calibrate made.",
        rich_help_panel="Output",
    ),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        from vqinsight.common.version import __version__

        typer.echo(f"vqinsight {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@opt.asking
def score(
    clips: opt.Clips,
    prompt: opt.Prompt = None,
    task: opt.Task = None,
    timeline: Timeline = None,
    scale: Scale = None,
    out: opt.Target = None,
    fail_below: opt.FailBelow = None,
    sort: opt.Sort = False,
    worst: opt.Worst = None,
    verbose: opt.Verbose = False,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Score clips on each dimension, with the reasoning."""
    from vqinsight.cli.judging import judge_clips, open_scale, scoring
    from vqinsight.report.picks import Picks

    if sort and worst is not None:
        raise typer.BadParameter("--sort and --worst are two orders. Leave out one.")
    if scale is not None and asked.engine == "ray":
        raise typer.BadParameter("--scale measures clips here. Leave out --engine ray.")
    verb = scoring(task, verbose, None if scale is None else open_scale(scale, quiet=asked.quiet))
    judge_clips(verb, clips, prompt, asked, out, Picks(sort, worst, fail_below), timeline)


@opt.asking
def compare(
    a: opt.ClipOrList,
    b: opt.OtherClip = None,
    prompt: opt.Prompt = None,
    out: opt.Target = None,
    verbose: opt.Verbose = False,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Say which of two clips is better, asked in both orders."""
    from vqinsight.cli.pairing import compare_clips

    compare_clips([a] if b is None else [a, b], prompt, asked, out, verbose=verbose)


@opt.asking
def rank(
    clips: opt.Clips,
    prompt: opt.Prompt = None,
    out: opt.Target = None,
    verbose: opt.Verbose = False,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Rank the clips of each prompt: all pairs, in both orders."""
    from vqinsight.cli.pairing import rank_clips

    rank_clips(clips, prompt, asked, out, verbose=verbose)


@opt.asking
def ask(
    clips: opt.Clips,
    question: opt.Question,
    prompt: opt.Prompt = None,
    out: opt.Target = None,
    verbose: opt.Verbose = False,
    asked: opt.Asking = opt.Asking(),  # noqa: B008 - frozen
) -> None:
    """Ask a yes/no question about clips."""
    from vqinsight.cli.judging import asking, judge_clips

    judge_clips(asking(question, verbose), clips, prompt, asked, out)


def train(
    config: opt.Config,
    changes: opt.Changes = None,
    resume: opt.Resume = False,
    quiet: opt.Quiet = False,
) -> None:
    """Train an assessor: stage 1, stage 2 or SFT, as a TOML file says."""
    from vqinsight.report.output import plain_endings
    from vqinsight.training import start

    with plain_endings("Interrupted. Go on with the same command and --resume.", quiet=quiet):
        final = start(config, changes or [], resume=resume)
        from vqinsight.training.run import processes  # after the settings were read: it imports torch

        if os.environ.get("RANK", "0") == "0":  # of several processes only the first
            typer.echo(f"The model is in {final}: use it with --model {final}")
        processes().destroy_process_group()  # or DeepSpeed's threads end the interpreter with an error
