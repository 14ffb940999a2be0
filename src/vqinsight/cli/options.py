"""Options that several verbs share, each with its help, range and panel in ``--help``."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from vqinsight.cli import engine as eng
from vqinsight.errors import UsageError

LOADING = ("model", "adapter", "template", "device", "dtype", "fps", "frames", "max_pixels", "folder_fps", "evidence")
SAMPLING = ("samples", "temperature", "seed")

_MODEL, _FRAMES, _ANSWERS, _OUTPUT = "Model", "What is looked at", "How answers are drawn", "Output"
_NETWORK = "Network"


def above_zero(value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"{value:g} is not a number above 0.")
    return value


def _known_template(value: str | None) -> str | None:
    from vqinsight.tasks.prompt_sets import prompt_set

    try:
        if value is not None:
            prompt_set(value)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None
    return value


def known_place(value: str | None) -> str | None:
    from vqinsight.common.files import is_missing_folder

    if value is not None and is_missing_folder(value) and is_missing_folder(value.rpartition(":")[0] or value):
        raise typer.BadParameter(f"{value}: there is no such folder. A finished training leaves its model in 'final'.")
    return value


Config = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG", show_default=False, help="A TOML file, or one that ships: nano/stage2, 7b/stage2_natural, …"
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replaces a setting of the file: --set grpo.group_size=4"),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="Another system instead of --model: technical, always_a, … (vqinsight baselines lists them).",
        rich_help_panel=_MODEL,
    ),
]
BaselineOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--baseline-option",
        metavar="KEY=VALUE",
        show_default=False,
        help="An option of the baseline, such as model=DIR or predictions=FILE.",
        rich_help_panel=_MODEL,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run that lies in the settings' out folder.")]
Clips = Annotated[
    list[str], typer.Argument(metavar="CLIP", show_default=False, help="Videos, images, folders, globs, lists, tars.")
]
Question = Annotated[str, typer.Argument(metavar="QUESTION", show_default=False, help="'Is the motion reasonable?'")]
ClipOrList = Annotated[
    str,
    typer.Argument(metavar="A", show_default=False, help="A clip, or a list: path_a and path_b, or two rows a prompt."),
]
OtherClip = Annotated[str | None, typer.Argument(metavar="B", show_default=False, help="The other clip.")]
Clip = Annotated[str, typer.Argument(show_default=False, help="A video, an image or a folder of frames.")]
Prompt = Annotated[
    str | None, typer.Option(metavar="TEXT", help="The text the clips were generated from.", show_default=False)
]
Task = Annotated[
    Literal["natural", "generated", "image"] | None,
    typer.Option(help="What to score: by default image for an image, generated with a prompt, else natural."),
]
Model = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        callback=known_place,
        help="nano (embedded), a folder, or a hub id, with :subfolder where needed.",
        rich_help_panel=_MODEL,
    ),
]
Adapter = Annotated[
    str | None,
    typer.Option(
        metavar="DIR", callback=known_place, help="A LoRA adapter on top of the model.", rich_help_panel=_MODEL
    ),
]
Template = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        callback=_known_template,
        help="How to ask: standard, released, brief, or a TOML file; by default what the model was taught.",
        rich_help_panel=_MODEL,
    ),
]
Device = Annotated[
    str, typer.Option(metavar="NAME", help="auto (CUDA, else the CPU), cpu, cuda:1, mps.", rich_help_panel=_MODEL)
]
DType = Annotated[
    Literal["auto", "float32", "bfloat16", "float16"], typer.Option(help="Arithmetic.", rich_help_panel=_MODEL)
]
Fps = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        callback=above_zero,
        help="Frames looked at per second of a clip, within the model's bounds on their number.",
        rich_help_panel=_FRAMES,
    ),
]
Frames = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Exactly this many frames of each clip instead.", rich_help_panel=_FRAMES),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=784,
        metavar="N",
        help="Largest height x width of each frame of a clip as shown to the model (a frame, not a clip in total).",
        rich_help_panel=_FRAMES,
    ),
]
FolderFps = Annotated[
    float | None,
    typer.Option(metavar="RATE", callback=above_zero, help="Frame rate of folders of frames.", rich_help_panel=_FRAMES),
]
Evidence = Annotated[
    bool | None,
    typer.Option(
        "--evidence/--no-evidence",
        show_default=False,
        help="Tell the model what is measured on every frame; by default as it was taught.",
        rich_help_panel=_FRAMES,
    ),
]
Samples = Annotated[
    int,
    typer.Option(min=1, metavar="K", help="Answers drawn a question; 1 is the most likely.", rich_help_panel=_ANSWERS),
]
Temperature = Annotated[
    float,
    typer.Option(metavar="T", callback=above_zero, help="For more than one answer.", rich_help_panel=_ANSWERS),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Fixes the answers drawn.", rich_help_panel=_ANSWERS)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line instead of text.", rich_help_panel=_OUTPUT)]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="The reasoning and all details of every clip.", rich_help_panel=_OUTPUT),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress, notices or warnings on standard error.", rich_help_panel=_OUTPUT),
]
BatchSize = Annotated[
    int,
    typer.Option("--batch-size", min=1, metavar="N", help="Clips made together; lower it when memory runs out."),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Also write a .csv, .jsonl or .parquet file.", rich_help_panel=_OUTPUT),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="PLACE",
        help="Also write a .csv, .jsonl or .parquet file, or a folder of Parquet parts (results/). The same command "
        "goes on after a stop.",
        rich_help_panel=_OUTPUT,
    ),
]
ResultFolder = Annotated[
    Path,
    typer.Option(
        "--out", metavar="FOLDER", show_default=False, help="Folder of Parquet parts.", rich_help_panel=_OUTPUT
    ),
]
FailBelow = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=100,
        metavar="SCORE",
        help="Exit with 3 if an overall score (0-100) is lower, or a score is missing.",
        rich_help_panel=_OUTPUT,
    ),
]
Sort = Annotated[bool, typer.Option("--sort", help="Show the best first.", rich_help_panel=_OUTPUT)]
Worst = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Show the N clips with the lowest overall score.", rich_help_panel=_OUTPUT),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Also write a self-contained .html page.", rich_help_panel=_OUTPUT),
]
Host = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Another than loopback needs a key.", rich_help_panel=_NETWORK)
]
Port = Annotated[
    int, typer.Option(min=0, max=65535, metavar="N", help="0 takes any that is free.", rich_help_panel=_NETWORK)
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A further name that the server is called by.", rich_help_panel=_NETWORK),
]


@dataclass(frozen=True)
class Asking:
    """The shared options: model, input, where the model runs, sampling of answers, and output."""

    model: Model = "nano"
    adapter: Adapter = None
    template: Template = None
    device: Device = "auto"
    dtype: DType = "auto"
    fps: Fps = None
    frames: Frames = None
    max_pixels: MaxPixels = None
    folder_fps: FolderFps = None
    evidence: Evidence = None
    engine: eng.Engine = "local"
    url: eng.Url = None
    api_key_env: eng.ApiKeyEnv = None
    concurrency: eng.Concurrency = 8
    deadline: eng.Deadline = 300.0
    address: eng.Address = None
    actors: eng.Actors = None
    samples: Samples = 1
    temperature: Temperature = 1.0
    seed: Seed = 0
    json_lines: Json = False
    out: Out = None
    report: Report = None
    quiet: Quiet = False

    def pick(self, *names: str) -> dict[str, Any]:
        """Some of the options as keyword arguments."""
        return {name: getattr(self, name) for name in names}


def asking(verb: Callable[..., None]) -> Callable[..., None]:
    """Expand the last parameter of a verb, an ``Asking``, to one option per field.

    An option that the verb declares replaces the shared one of that name, which keeps its default.
    """
    own = list(inspect.signature(verb, eval_str=True).parameters.values())[:-1]
    hints = get_type_hints(Asking, include_extras=True)
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(Asking)
        if field.name not in {parameter.name for parameter in own}
    ]

    @functools.wraps(verb)
    def wrapped(*arguments: Any, **options: Any) -> None:
        common = Asking(**{parameter.name: options.pop(parameter.name) for parameter in shared})
        verb(*arguments, **options, asked=common)

    parameters = [*(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own), *shared]
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped
