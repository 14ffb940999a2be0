"""``vqinsight pairs``, ``align`` and ``repair``: an assessor improves a generator."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vqinsight.cli import options as opt
from vqinsight.cli.engine import load_assessor
from vqinsight.errors import UsageError

if TYPE_CHECKING:
    from vqinsight.generator.base import Generator
    from vqinsight.generator.repair import Repair
    from vqinsight.inference.api import VQInsight
    from vqinsight.ranking.candidate_folders import Candidates
    from vqinsight.ranking.pairs_file import Pairs

NOTHING = 1  # exit code: no pair, or no repair
_GENERATOR, _OUTPUT = "Generator", "Output"

GeneratorName = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        callback=opt.known_place,
        help="nano (embedded), a folder, or the hub id of a diffusers pipeline.",
        rich_help_panel=_GENERATOR,
    ),
]


def pairs(
    prompts: Annotated[
        Path,
        typer.Argument(
            metavar="PROMPTS",
            show_default=False,
            help="A text file with one prompt a line; or a folder of clips that exist, one sub-folder a prompt.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="The pairs, .jsonl; a stopped run goes on.",
            rich_help_panel=_OUTPUT,
        ),
    ],
    generator: GeneratorName = "nano",
    candidates: Annotated[
        int, typer.Option(min=2, metavar="N", help="Clips a prompt, N of Eq. 8.", rich_help_panel=_GENERATOR)
    ] = 10,
    batch_size: opt.BatchSize = 8,
    clips: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", show_default=False, help="Where clips go; by default beside FILE.", rich_help_panel=_OUTPUT
        ),
    ] = None,
    videodpo: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Also write metadata.json and pair.json, as VideoDPO's training code reads them.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    mode: Annotated[
        Literal["all", "tournament", "scores"],
        typer.Option(
            help="Judge all pairs, find only best and worst in 3N/2 comparisons, or take the highest and the lowest "
            "score (with --samples 8 or so)."
        ),
    ] = "all",
    check: Annotated[
        int, typer.Option(min=0, metavar="N", help="Prompts that a tournament also judges by all pairs.")
    ] = 20,
    model: opt.Model = "nano",
    adapter: opt.Adapter = None,
    device: opt.Device = "auto",
    dtype: opt.DType = "auto",
    samples: opt.Samples = 1,
    temperature: opt.Temperature = 1.0,
    seed: opt.Seed = 0,
    quiet: opt.Quiet = False,
) -> None:
    """Make preference pairs for DPO.

    Makes clips for each prompt, judges them in pairs, and keeps the most and the least chosen (Eq. 8).
    """
    from vqinsight.report.output import plain_endings

    with (
        plain_endings(
            "Interrupted. What was made and judged is kept; the same command goes on from there.", quiet=quiet
        ),
        ExitStack() as endings,
    ):
        from vqinsight.common.lock import hold_file, hold_folder
        from vqinsight.report import progress
        from vqinsight.report.files import check_folder

        if out.suffix != ".jsonl":
            raise UsageError(f"--out {out}: give a name that ends in .jsonl.")
        folder = clips or out.with_name(f"{out.stem}_clips")
        for place, option in ((out.parent, "--out"), (folder, "--clips"), (videodpo, "--videodpo")):
            if place is not None:
                check_folder(place, option)
        out.parent.mkdir(parents=True, exist_ok=True)
        endings.enter_context(hold_file(out))
        if not prompts.is_dir():
            endings.enter_context(hold_folder(folder))
        if prompts.is_dir():
            from vqinsight.ranking.candidate_folders import read_candidates

            groups, texts = read_candidates(prompts), []
        elif not prompts.is_file():
            raise UsageError(f"{prompts}: cannot be read as text (there is no such file). Give one prompt a line.")
        else:
            from vqinsight.settings.align import PromptSettings
            from vqinsight.training.prompts import read_prompts

            groups, texts = [], read_prompts(PromptSettings(file=prompts))
        from vqinsight.common.device import pick_device
        from vqinsight.ranking.pairs_file import agreement, judge_all, write_videodpo

        device = str(pick_device(device, progress.notice))
        if not prompts.is_dir():
            groups = _make(texts, generator, candidates, batch_size, folder, seed, device)
        judge = load_assessor(model, adapter=adapter, device=device, dtype=dtype)
        with progress.counting("Judging", len(groups), False) as count:
            found = judge_all(
                judge.assessor,
                groups,
                out,
                mode=mode,
                check=check,
                samples=samples,
                temperature=temperature,
                seed=seed,
                on_progress=count,
            )
        if videodpo is not None:
            write_videodpo(videodpo, found.pairs)
        _say_pairs(found, agreement(out), out)
    sys.exit(0 if found.pairs else NOTHING)


def align(
    config: opt.Config, changes: opt.Changes = None, resume: opt.Resume = False, quiet: opt.Quiet = False
) -> None:
    """Align a generator with an assessor (stage 3), as a TOML file says."""
    from vqinsight.report.output import plain_endings
    from vqinsight.training import start_alignment

    with plain_endings("Interrupted. Go on with the same command and --resume.", quiet=quiet):
        final = start_alignment(config, changes or [], resume=resume)
        from vqinsight.training.run import processes  # after the settings were read: it imports torch

        if os.environ.get("RANK", "0") == "0":  # of several processes only the first
            typer.echo(f"The generator is in {final}: use it with --generator {final}")
        processes().destroy_process_group()  # or its threads may end the interpreter with an error


def repair(
    clip: opt.Clip,
    prompt: Annotated[str, typer.Option(metavar="TEXT", show_default=False, help="The text it was made from.")],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="The new clip, .mp4, written only if it is accepted.",
            rich_help_panel=_OUTPUT,
        ),
    ],
    generator: GeneratorName = "nano",
    attempts: Annotated[int, typer.Option(min=1, metavar="N", help="New clips at most.")] = 4,
    words: Annotated[
        str, typer.Option(metavar="TEXT", help="What the prompt gets appended where quality is at fault.")
    ] = "clean and smooth",
    blind: Annotated[
        bool, typer.Option("--blind", help="The control: no critique, the same prompt, made anew.")
    ] = False,
    model: opt.Model = "nano",
    adapter: opt.Adapter = None,
    device: opt.Device = "auto",
    dtype: opt.DType = "auto",
    seed: opt.Seed = 0,
    report: opt.Report = None,
    quiet: opt.Quiet = False,
) -> None:
    """Make a better version of a clip.

    The assessor criticises the clip, the generator makes it again, and the new clip is kept only if it is preferred in
    both orders.
    """
    from vqinsight.report.output import plain_endings

    with plain_endings("Interrupted. The clip is as it was.", quiet=quiet):
        import shutil
        import tempfile

        from vqinsight.report import progress
        from vqinsight.report.files import REPORT_SUFFIXES, check_target, replacing

        check_target(out, "--out", (".mp4",), [clip])
        if report is not None:
            check_target(report, "--report", REPORT_SUFFIXES, [clip])
        from vqinsight.common.device import pick_device
        from vqinsight.generator.repair import repair as mend

        device = str(pick_device(device, progress.notice))
        judge = load_assessor(model, adapter=adapter, device=device, dtype=dtype)
        maker = _open(generator, device)
        with tempfile.TemporaryDirectory() as folder, progress.waiting("Repairing"):
            done = mend(
                maker,
                judge.assessor,
                clip,
                prompt,
                Path(folder),
                attempts=attempts,
                seed=seed,
                words=words,
                blind=blind,
            )
            if done.accepted is not None:
                with replacing(out) as part:
                    shutil.copyfile(done.accepted, part)
        _say_repair(done, out)
        if report is not None:
            _report(judge, done, out, report)
    sys.exit(0 if done.accepted is not None else NOTHING)


def _make(
    texts: list[str], name: str, count: int, batch_size: int, folder: Path, seed: int, device: str
) -> list[Candidates]:
    from vqinsight.generator.candidates import make_candidates
    from vqinsight.report import progress

    generator = _open(name, device)
    with progress.counting("Making clips", len(texts), False) as show:
        return make_candidates(generator, texts, count, folder, seed=seed, batch_size=batch_size, on_progress=show)


def _open(name: str, device: str) -> Generator:
    from vqinsight.generator.load import open_generator
    from vqinsight.report import progress

    with progress.waiting(f"Loading {name}"):
        return open_generator(name, device=device)


def _say_pairs(found: Pairs, agreement: str | None, out: Path) -> None:
    typer.echo(f"{found.summary()}. In {out}.")
    for place in found.missing:
        typer.echo(f"not on the disk: {place}")
    if agreement:
        typer.echo(agreement)


def _say_repair(done: Repair, out: Path) -> None:
    if done.critique is not None:
        typer.echo(f"Critique: {done.critique.text or '(no words)'}")
    if done.plan is None:
        typer.echo("Nothing is found wrong: the clip is left as it is.")
        return
    how = "anew" if done.plan.strength is None else f"from itself, strength {done.plan.strength:g}"
    typer.echo(f"Asked for: {done.plan.text} ({how})")
    for number, attempt in enumerate(done.attempts, start=1):
        verdict = attempt.problem or (
            "preferred in both orders" if attempt.accepted else "not preferred in both orders"
        )
        typer.echo(f"Attempt {number}: {verdict}")
    kept = f"The new clip is in {out}." if done.accepted else "None is accepted: the clip is left as it is."
    typer.echo(kept)


def _report(judge: VQInsight, done: Repair, out: Path, report: Path) -> None:
    """Before and after, with frames, scores and the comparison."""
    from vqinsight.report.html import write_report
    from vqinsight.report.phrases import ResultRecord

    records: list[ResultRecord] = [judge.score(done.clip, done.prompt)]
    if done.accepted is not None:
        records += [judge.score(str(out), done.prompt), judge.compare(done.clip, str(out), done.prompt)]
    write_report(report, records, title="Repair: before and after", command=shlex.join(["vqinsight", *sys.argv[1:]]))
