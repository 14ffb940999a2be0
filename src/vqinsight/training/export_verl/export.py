"""Everything that verl needs to train by a configuration of ours, in one folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from vqinsight.assessor.recognise import inference_settings
from vqinsight.common.files import atomic_path, write_atomic
from vqinsight.common.lock import hold_folder
from vqinsight.errors import TrainingError, UnreadableVideo, UsageError
from vqinsight.rewards.rubric import Rubric
from vqinsight.settings.reader import read_toml
from vqinsight.settings.shipped import config_path
from vqinsight.settings.train import TrainSettings
from vqinsight.tasks.prompt_file import write_prompt_set
from vqinsight.tasks.prompt_set import PromptSet
from vqinsight.tasks.types import Example, TaskName
from vqinsight.training import stage1_warmup, stage2_temporal
from vqinsight.training.data import mixture
from vqinsight.training.export_verl import frames, launch, reward, rows
from vqinsight.training.plan.known import find_shapes
from vqinsight.video.info import SYNTHETIC
from vqinsight.video.patches import PixelSpec

_PROMPTS = "prompts.toml"
_ROWS = 1000  # of a block of Parquet
_REWARD = '''"""The reward function that verl loads; what it needs is in rewards.json beside it."""

from pathlib import Path

from vqinsight.training.export_verl.reward import Reward

_reward = Reward(Path(__file__).parent)


def compute_score(data_source, solution_str, ground_truth, extra_info, **_):
    return _reward(solution_str, ground_truth, extra_info)
'''


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        questions: rows of ``train.parquet``.
        clips: distinct clips with frames.
        failed: for each clip that cannot be read its path and the reason; its questions are left out.
        differences: what verl does otherwise than our trainer.
    """

    questions: int
    clips: int
    failed: list[str]
    differences: list[str]


def export_verl(
    config: str | Path,
    changes: Sequence[str],
    out: Path,
    *,
    without_temporal: bool,
    on_progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write ``train.parquet``, ``frames/``, ``reward.py``, ``rewards.json`` and ``launch.sh`` to ``out``.

    The same command goes on after a stop.

    Args:
        without_temporal: leave Eq. 4 out; a configuration with it is refused otherwise.
        on_progress: called with the number of clips that are done and of all.

    Raises:
        UsageError: settings that verl cannot train by.
        TrainingError: more unreadable clips than ``max_failed`` allows.
    """
    settings = read_toml(TrainSettings, config_path(config), changes)
    tasks, rubric = _stage(settings)
    _check(settings, rubric, without_temporal=without_temporal)
    place = settings.model.name
    place, _, subfolder = (place, "", "") if Path(place).exists() else place.partition(":")
    look, asked = inference_settings(place, subfolder, settings.model.template)
    _, shapes, own = find_shapes(settings.model.name)
    if own.instruments is not None:
        raise UsageError(f"{settings.model.name} is shown more than frames, which verl cannot do. Train it here.")
    if look.evidence:
        raise UsageError(f"{settings.model.name} is told what is measured, which verl cannot do. Train it here.")
    vision, most = shapes.vision, look.max_pixels
    plain = ((0.0,) * 3, (1.0,) * 3)  # verl normalises
    spec = PixelSpec(vision.patch, vision.temporal_patch, vision.merge, *plain, min(look.min_pixels, most), most)
    out = out.resolve()
    with hold_folder(out):
        examples = mixture(settings, tasks)
        paths = list(dict.fromkeys(clip.path for example in examples for clip in example.question.clips))
        if any(path.startswith(SYNTHETIC) for path in paths):
            raise UsageError("Synthetic clips are no files: verl cannot be given them. Name a dataset with files.")
        done = [0]

        def count() -> None:
            done[0] += 1
            if on_progress is not None:
                on_progress(done[0], len(paths))

        made = frames.write_all(paths, out / "frames", look, spec, max(settings.workers, 1), count)
        clips = {path: clip for path, clip in made.items() if isinstance(clip, frames.ClipFrames)}
        failed = {path: error for path, error in made.items() if isinstance(error, UnreadableVideo)}
        _report_failures(out, failed)
        # Qwen3-VL is told the time of each frame, other families the time between them.
        timed = look.seconds_per_grid is not None and shapes.family != "qwen3_vl"
        shown_fps = spec.temporal_patch_size / look.seconds_per_grid if timed and look.seconds_per_grid else None
        with atomic_path(out / "train.parquet") as part:
            written, longest = _write_rows(part, examples, asked, clips, shown_fps, spec.factor)
        left = len(examples) - written
        if left > settings.max_failed * len(examples) or not written:
            (out / "train.parquet").unlink()
            raise TrainingError(
                f"{left} of {len(examples)} questions name clips that cannot be read, more than the "
                f"{settings.max_failed:.0%} that max_failed allows. All are in {out / 'failures.jsonl'}."
            )
        told = launch.differences(settings, without_temporal="temporal" in rubric.weights)
        template = _PROMPTS if asked.base else asked.name
        if asked.base:
            write_atomic(out / _PROMPTS, write_prompt_set(asked))
        parts = tuple(name for name in rubric.weights if name != "temporal")
        kept = reward.RewardFile(template=template, parts=parts, rewards=settings.rewards)
        write_atomic(out / reward.FILE, kept.model_dump_json(indent=2) + "\n")
        write_atomic(out / "reward.py", _REWARD)
        start = out / "launch.sh"
        write_atomic(start, launch.script(settings, out, -(-longest // 64) * 64, told))
        start.chmod(0o755)
    return Exported(written, len(clips), [str(error) for error in failed.values()], told)


def _stage(settings: TrainSettings) -> tuple[tuple[TaskName, ...], Rubric]:
    if settings.stage == "warmup":
        return stage1_warmup.TASKS, stage1_warmup.rubric(settings.rewards)
    if settings.stage == "temporal":
        return stage2_temporal.TASKS, stage2_temporal.rubric(settings.rewards)
    raise UsageError("verl reinforces: stage 'sft' has nothing to export. Train it here, with vqinsight train.")


def _check(settings: TrainSettings, rubric: Rubric, *, without_temporal: bool) -> None:
    if "temporal" in rubric.weights and not without_temporal:
        raise UsageError(
            "The temporal reward (Eq. 4) compares answers with those about the shuffled clip, which verl never sees. "
            "Export without it: --without-temporal, or --set rewards.temporal=0."
        )
    if settings.grpo.anchor != "answer":
        raise UsageError("grpo.anchor = 'reasoning' is not in verl, whose KL term holds whole answers.")
    if (Path(settings.model.name) / "adapter_config.json").is_file():
        raise UsageError(f"{settings.model.name} is an adapter, and verl starts from whole weights: merge it first.")


def _write_rows(
    file: Path,
    examples: Sequence[Example],
    asked: PromptSet,
    clips: Mapping[str, frames.ClipFrames],
    shown_fps: float | None,
    token_side: int,
) -> tuple[int, int]:
    """Write the questions whose clips are all there; returns their number and a bound on the tokens of a prompt."""
    written, longest = 0, 0
    with pq.ParquetWriter(file, rows.SCHEMA) as writer:
        for start in range(0, len(examples), _ROWS):
            block = []
            for position in range(start, min(start + _ROWS, len(examples))):
                example = examples[position]
                mine = [clips[clip.path] for clip in example.question.clips if clip.path in clips]
                if len(mine) == len(example.question.clips):
                    block.append(rows.row(position, example, asked, clips, shown_fps))
                    longest = max(longest, rows.most_tokens(block[-1], mine, token_side))
            writer.write_table(pa.Table.from_pylist(block, schema=rows.SCHEMA))
            written += len(block)
    return written, longest


def _report_failures(out: Path, failed: dict[str, UnreadableVideo]) -> None:
    file = out / "failures.jsonl"
    if failed:
        lines = [json.dumps({"path": path, "reason": each.reason}, ensure_ascii=False) for path, each in failed.items()]
        write_atomic(file, "\n".join(lines) + "\n")
    else:
        file.unlink(missing_ok=True)
