"""``vqinsight tables``: the paper's tables from stored results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqinsight.errors import UsageError

if TYPE_CHECKING:
    from vqinsight.evaluation.paper_tables import Variant

_DEFAULT = Path("evaluations")


def tables(
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Where vqinsight evaluate and vqinsight vbench left their results; by default evaluations, if it is "
            "there.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default=False, help="Also write a .md, .html or .json file.")
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=MODEL",
            help="For Tables 4 to 6: which stored model (name or digest) is all, no_warmup, no_temporal, no_length, "
            "no_united, base or video_dpo.",
        ),
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Figures of other publications: a CSV with system, benchmark, metric, value and source.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Print the paper's Tables 1 to 6 with your results.

    The paper's figures, and what was measured here beside them; without results the paper's figures alone.
    """
    from rich.console import Console

    from vqinsight.baselines.catalog import SYSTEMS
    from vqinsight.baselines.published import read_figures
    from vqinsight.evaluation.fill_tables import Results, fill, read_results
    from vqinsight.report.files import check_target
    from vqinsight.report.output import plain_endings
    from vqinsight.report.paper_tables import SUFFIXES, RenderedTables, show, write

    with plain_endings("Interrupted."):
        if out is not None:
            check_target(out, "--out", SUFFIXES, [])
        quoted = read_figures(published) if published is not None else ()
        nothing = results is None and not _DEFAULT.is_dir()  # the paper's figures alone
        found = Results((), ()) if nothing else read_results(results or _DEFAULT)
        tabled = RenderedTables(
            fill(
                found,
                variants=dict(_variant(text) for text in variant or ()),
                published=[(f.system, f.benchmark, f.metric, f.value, f.source) for f in quoted],
                titles={name: system.title for name, system in SYSTEMS.items()},
            ),
            found,
        )
        if out is not None:
            write(tabled, out)
        if as_json:
            print(json.dumps(tabled.as_dict()))
        else:
            show(Console(markup=False, highlight=False, emoji=False), tabled)


def _variant(text: str) -> tuple[Variant, str]:
    from vqinsight.evaluation.paper_tables import VARIANTS

    key, _, model = text.partition("=")
    for known in VARIANTS:
        if key == known and model:
            return known, model
    raise UsageError(f"--variant {text}: write KEY=MODEL, the key one of {', '.join(VARIANTS)}.")
