"""``vqinsight arena``: raters vote on pairs of clips; their agreement, and tables to train on."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vqinsight.cli import options as opt
from vqinsight.cli.command import Command, Group
from vqinsight.cli.serve import MODULES
from vqinsight.errors import UsageError
from vqinsight.tasks.types import Missing

if TYPE_CHECKING:
    from vqinsight.web.arena.pages import Arena

# In place of the synthetic pairs; the other tasks stay, so that they are not forgotten.
_TRAIN = """vqinsight train nano/stage2 --set model.name=nano --set 'data.2={{dataset="table",dir="{}",weight=4}}'"""
_HERE = "http://127.0.0.1:8080"
_PLAIN: dict[str, Any] = {"no_args_is_help": True, "add_completion": False, "pretty_exceptions_enable": False}

arena = typer.Typer(cls=Group, help="Let people vote on pairs of clips, and learn from them.", **_PLAIN)
raters = typer.Typer(cls=Group, help="Who may vote.", **_PLAIN)
arena.add_typer(raters, name="raters")

Votes = Annotated[Path, typer.Argument(metavar="VOTES", show_default=False, help="The file of votes.")]
Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="The rater's.")]


@arena.command(cls=Command)
def serve(
    votes: Votes,
    clips: opt.Clips,
    prompt: opt.Prompt = None,
    host: opt.Host = "127.0.0.1",
    port: opt.Port = 8080,
    api_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            envvar="VQINSIGHT_API_KEY",
            show_default=False,
            show_envvar=True,
            help="The password that browsers ask for, before the rater's link counts.",
        ),
    ] = None,
    allow_host: opt.AllowHost = None,
    quiet: opt.Quiet = False,
) -> None:
    """Serve the arena alone, without a model: the pairs of a list, or all pairs of each prompt's clips."""
    from vqinsight.cli.pairing import pairs_to_vote
    from vqinsight.common.extras import needed
    from vqinsight.report.output import plain_endings
    from vqinsight.serving.place import check_place

    with plain_endings("Ended.", quiet=quiet):
        check_place(host, api_key)
        for module in MODULES:
            needed(module, "web")
        from vqinsight.serving.run import log_requests
        from vqinsight.web.arena.site import run_arena

        pairs = pairs_to_vote(clips, prompt)
        if not quiet:
            log_requests(logging.WARNING)  # the page asks often
        with _opened(votes, pairs) as found:
            run_arena(
                found,
                host=host,
                port=port,
                key=api_key,
                hosts=allow_host or [],
                on_bound=lambda address: typer.echo(f"Raters vote on {address}/arena"),
            )


@contextmanager
def opened_arena(votes: Path, folder: Path | None) -> Iterator[Arena]:
    """The arena of the clips of a folder.

    Raises:
        UsageError: there is no folder, or no pair in it.
    """
    from vqinsight.cli.pairing import pairs_to_vote

    if folder is None:
        raise UsageError("--arena needs --folder, whose clips raters vote on.")
    with _opened(votes, pairs_to_vote([str(folder)], None)) as found:
        yield found


@contextmanager
def _opened(votes: Path, pairs: list[Any]) -> Iterator[Arena]:
    from vqinsight.report import progress
    from vqinsight.web.arena.asked import asked_pairs
    from vqinsight.web.arena.raters import raters as all_raters
    from vqinsight.web.arena.site import open_arena

    asked = asked_pairs(pairs)
    for name, reason in asked.left_out.items():
        progress.notice(f"Left out, {reason}: {name}")
    with open_arena(votes, asked) as (found, changed):
        if changed:
            progress.notice(f"Changed since votes were possible, and the votes stay: {', '.join(changed)}")
        count = len([rater for rater in all_raters(found.store) if rater.is_active])
        progress.notice(f"{len(asked.pairs)} pairs, {count} raters. Add one: vqinsight arena raters add {votes} NAME")
        yield found


@raters.command("add", cls=Command)
def add_one(
    votes: Votes,
    name: Name,
    address: Annotated[
        str, typer.Option(metavar="URL", help="Where raters reach the server; the link begins with it.")
    ] = _HERE,
) -> None:
    """Add a rater and print the link to send: whoever has it votes under this name. It cannot be shown again."""
    from vqinsight.report.output import plain_endings
    from vqinsight.web.arena.raters import add_rater
    from vqinsight.web.arena.votes import open_votes

    with plain_endings("Interrupted."), open_votes(votes, make=True) as store:
        typer.echo(f"{address.rstrip('/')}/arena#token={add_rater(store, name)}")


@raters.command("list", cls=Command)
def list_all(votes: Votes) -> None:
    """Print the raters, with how many pairs each has judged."""
    from vqinsight.report.output import plain_endings
    from vqinsight.web.arena.raters import raters as all_raters
    from vqinsight.web.arena.votes import open_votes

    with plain_endings("Interrupted."), open_votes(votes) as store:
        present = [vote.rater for vote in store.present()]
        for rater in all_raters(store):
            revoked = "" if rater.is_active else ", revoked"
            typer.echo(f"{rater.name}: {present.count(rater.id)} pairs{revoked}")


@raters.command("revoke", cls=Command)
def revoke(votes: Votes, name: Name) -> None:
    """End a rater's link and sessions at once; the votes stay."""
    from vqinsight.report.output import plain_endings
    from vqinsight.web.arena.raters import revoke_rater
    from vqinsight.web.arena.votes import open_votes

    with plain_endings("Interrupted."), open_votes(votes) as store:
        revoke_rater(store, name)
        typer.echo(f"{name} votes no more. 'vqinsight arena raters add' gives a new link.")


@arena.command(cls=Command)
def agreement(
    votes: Votes,
    verdicts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help="What vqinsight compare or rank wrote with --out."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Say how far raters agree with each other, and the assessor with them."""
    from dataclasses import asdict

    from vqinsight.report.output import plain_endings
    from vqinsight.web.arena import agreement as measures
    from vqinsight.web.arena.verdicts import read_verdicts
    from vqinsight.web.arena.votes import open_votes

    with plain_endings("Interrupted."), open_votes(votes) as store:
        present = store.present()
        between = measures.rater_agreement(present)
        judge = None
        if verdicts is not None:
            said = read_verdicts(verdicts, store.clips(), store.pairs())
            judge = measures.assessor_agreement(measures.majorities(present), said)
    if as_json:
        report: dict[str, Any] = {"raters": asdict(between) | {"alpha": _or_reason(between.alpha)}}
        if judge is not None:
            report["assessor"] = asdict(judge) | {"share": _or_reason(judge.share)}
        print(json.dumps(report))
        return
    alpha = f"{between.alpha:.3f}" if isinstance(between.alpha, float) else f"none: {between.alpha.reason}"
    if between.interval is not None:
        alpha += f" [{between.interval.low:.3f}, {between.interval.high:.3f}]"
    typer.echo(
        f"Krippendorff's alpha {alpha} ({between.pairs} pairs with two votes or more, {between.votes} votes, "
        f"{between.raters} raters)"
    )
    if between.sided:
        typer.echo(f"The left clip was chosen in {between.left} of {between.sided} votes for a side")
    if judge is not None:
        share = f"{judge.share:.1%}" if isinstance(judge.share, float) else f"none: {judge.share.reason}"
        typer.echo(
            f"The assessor agrees with the majority on {share} ({judge.agrees} of {judge.agrees + judge.differs} pairs "
            f"that both decide); apart from these {judge.ties} ties of the assessor, {judge.missing} without a verdict"
        )


@arena.command(cls=Command)
def export(
    votes: Votes,
    out: Annotated[Path, typer.Option(metavar="DIR", show_default=False, help="The folder for both tables.")],
) -> None:
    """Write pairs.csv for training and ratings.csv for calibrate; say what is left out."""
    from vqinsight.report.output import plain_endings
    from vqinsight.web.arena import export as tables
    from vqinsight.web.arena.votes import open_votes

    with plain_endings("Interrupted."), open_votes(votes) as store:
        done = tables.export_votes(store, out)
    typer.echo(f"{out / tables.PAIRS}: {done.pairs} pairs with the label of most raters")
    typer.echo(
        f"Left out: {done.ties} ties, {done.unlabelled} pairs that nobody decided, {done.lost} pairs without files"
    )
    for name in done.absent:
        typer.echo(f"There is no {name}", err=True)
    typer.echo(f"Votes in no label: {done.both_bad} both bad, {done.skips} skipped; they stay in {votes}")
    typer.echo(f"{out / tables.RATINGS}: {done.rated} clips with their strength, by prompt")
    if done.pairs:
        typer.echo(f"Train on them: {_TRAIN.format(out / tables.PAIRS)}")


def _or_reason(value: float | Missing) -> float | dict[str, str]:
    return {"missing": value.reason} if isinstance(value, Missing) else value
