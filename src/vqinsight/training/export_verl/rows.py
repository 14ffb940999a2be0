"""One question a row, in the layout that verl's dataset reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from vqinsight.errors import UsageError
from vqinsight.tasks.labels import rescale_label
from vqinsight.tasks.prompt_set import PromptSet, shared_prompt
from vqinsight.tasks.types import Example
from vqinsight.training.export_verl.frames import ClipFrames
from vqinsight.training.export_verl.labels import write_label

_PLACES = ("<image>", "<video>", "<audio>")  # what verl replaces in a message
_MESSAGE = pa.struct({"role": pa.string(), "content": pa.string()})
_VIDEO = pa.struct(
    {
        "video": pa.list_(pa.string()),
        "fps": pa.float64(),
        "frames_indices": pa.list_(pa.int64()),
        "total_num_frames": pa.int64(),
        "sample_fps": pa.float64(),
    }
)
_EXTRA = {name: pa.string() for name in ("split", "id", "task", "prompt", "text")}
SCHEMA = pa.schema(
    {
        "data_source": pa.string(),
        "prompt": pa.list_(_MESSAGE),
        "images": pa.list_(pa.struct({"image": pa.string()})),
        "videos": pa.list_(_VIDEO),
        "ability": pa.string(),
        "reward_model": pa.struct({"style": pa.string(), "ground_truth": pa.string()}),
        "extra_info": pa.struct({"index": pa.int64(), **_EXTRA}),
    }
)


def row(
    position: int, example: Example, asked: PromptSet, clips: Mapping[str, ClipFrames], shown_fps: float | None
) -> dict[str, Any]:
    """A question with its label on the question's scales.

    Args:
        position: in the run; verl keeps the order.
        clips: the frames by path.
        shown_fps: frames a second given to the model instead of those of its sampling.

    Raises:
        UsageError: a wording contains what verl takes for a clip.
    """
    question = example.question
    frames = [clips[clip.path] for clip in question.clips]
    prompt = [
        {"role": message["role"], "content": "".join(_text(item, frames) for item in message["content"])}
        for message in asked.messages(question)
    ]
    label = rescale_label(example.answer, example.scale, asked.dimensions(question))
    return {
        "data_source": f"vqinsight/{question.task}",
        "prompt": prompt,
        "images": [{"image": clip.files[0]} for clip in frames if clip.kind == "image"],
        "videos": [_video(clip, shown_fps) for clip in frames if clip.kind == "video"],
        "ability": "quality",
        "reward_model": {"style": "rule", "ground_truth": write_label(label)},
        "extra_info": {
            "index": position,
            "split": "train",
            "id": example.id,
            "task": question.task,
            "prompt": shared_prompt(question),
            "text": question.text,
        },
    }


def most_tokens(made: Mapping[str, Any], clips: Sequence[ClipFrames], token_side: int) -> int:
    """An upper bound on the tokens of a row's prompt: visual ones exactly, text by its bytes."""
    visual = sum(
        # Frames lie two and two in a token, and Qwen3-VL writes a time before each pair.
        -(-len(clip.indices) // 2) * (clip.width * clip.height // token_side**2 + _STAMP)
        for clip in clips
    )
    return visual + sum(len(message["content"].encode()) + _CHAT for message in made["prompt"])


_STAMP, _CHAT = 16, 16  # tokens of a time, and of the chat template around a message


def _text(item: Mapping[str, Any], frames: Sequence[ClipFrames]) -> str:
    if item["type"] == "clip":
        return f"<{frames[item['index']].kind}>"
    text: str = item["text"]
    if found := [place for place in _PLACES if place in text]:
        raise UsageError(f"The wording contains {found[0]}, which verl takes for a clip. Change the template.")
    return text


def _video(clip: ClipFrames, shown_fps: float | None) -> dict[str, Any]:
    indices, fps, total = list(clip.indices), clip.fps, clip.total
    if shown_fps is not None:
        indices, fps, total = list(range(len(indices))), shown_fps, len(indices)
    # The last key is for verl's own loading of frames; the others are for a processor.
    times = {"fps": fps, "frames_indices": indices, "total_num_frames": total, "sample_fps": len(indices) / total * fps}
    return {"video": clip.files, **times}
