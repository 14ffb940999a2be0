"""Questions in the shape of OpenAI's chat completions, and what comes back."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vqinsight.inference.endpoint.frames import JPEG_QUALITY, Codec, FileView
from vqinsight.results import Tokens
from vqinsight.video.views import View

_SHOWN = 200  # characters of a server's words in a message


@dataclass(frozen=True)
class Form:
    """How frames are sent.

    Attributes:
        video: as one video part; else as images, each after its time.
        codec: of each frame.
        timed: whether the server takes the times of a video, as ``video_options``.
        cut: whether the server leaves out frames of a video of the longest kind.
    """

    video: bool
    codec: Codec
    timed: bool = False
    cut: bool = False

    def __str__(self) -> str:
        frames = "PNG frames" if self.codec == "png" else f"JPEG frames (quality {JPEG_QUALITY}, 4:4:4)"
        if not self.video:
            return f"{frames} as images with times"
        left_out = ", of which the server leaves some out" if self.cut else ""
        return f"{frames} as one video {'with' if self.timed else 'without'} times{left_out}"


# In the order in which they are tried: a model knows the times of a video only, and PNG loses nothing.
FORMS = (Form(True, "png"), Form(True, "jpeg"), Form(False, "png"), Form(False, "jpeg"))


@dataclass(frozen=True)
class Completion:
    """One sampled answer: its text, the reasoning if the server keeps it apart, or why there is no text."""

    text: str
    reasoning: str | None = None
    missing: str | None = None


def chat(
    messages: Sequence[dict[str, Any]],
    clips: Sequence[Sequence[View]],
    form: Form,
    evidence: Sequence[str | None] = (),
) -> list[dict[str, Any]]:
    """Chat messages with the frames in them.

    Args:
        messages: from ``PromptSet.messages``.
        clips: the views of each clip, ``FileView`` all of them.
        evidence: as for ``PromptBuilder.build``.
    """
    plain = []
    for message in messages:
        parts: list[dict[str, Any]] = []
        for item in message["content"]:
            if item["type"] == "clip":
                index = item["index"]
                parts += [part for view in clips[index] for part in _parts(view, form)]
                if evidence and evidence[index]:
                    parts.append({"type": "text", "text": evidence[index]})
            else:
                parts.append({"type": "text", "text": item["text"]})
        only_text = len(parts) == 1 and parts[0]["type"] == "text"  # some servers take a system message as text alone
        plain.append({"role": message["role"], "content": parts[0]["text"] if only_text else parts})
    return plain


def video_options(clips: Sequence[Sequence[View]], seconds_per_grid: float | None) -> dict[str, Any]:
    """What vLLM calls ``media_io_kwargs``: that every frame counts, and when each is shown.

    A request has one for all of its videos: clips whose frames are not shown at the same times get their mean rate.

    Args:
        clips: the views of each clip, ``FileView`` all of them.
        seconds_per_grid: fixed seconds between temporal patches of two frames, or ``None`` for the clips' own.
    """
    own = {view.sampling for views in clips for view in views if isinstance(view, FileView) and view.sampling}
    if not own:
        return {}
    times: dict[str, Any]
    if seconds_per_grid is not None:
        times = {"fps": 2 / seconds_per_grid}
    elif len(own) > 1:
        times = {"fps": sum(sampling.fps for sampling in own) / len(own)}
    else:
        [sampling] = own
        # Counted in thousandths of a frame, so that frames that repeat or are unevenly spaced have their times too.
        rate = 1000 * sampling.source_fps
        indices = [round(time * rate) for time in sampling.times]
        times = {"fps": rate, "frames_indices": indices, "total_num_frames": 1000 * sampling.source_frames}
    return {"video": {"num_frames": -1, **times}}


def _parts(view: View, form: Form) -> list[dict[str, Any]]:
    assert isinstance(view, FileView)
    files = [base64.b64encode(file).decode() for file in view.files]
    images = [{"type": "image_url", "image_url": {"url": f"data:image/{form.codec};base64,{file}"}} for file in files]
    if view.kind == "image":
        return images
    if form.video:
        # By this type vLLM knows a list of frames, whatever their format.
        return [{"type": "video_url", "video_url": {"url": f"data:video/jpeg;base64,{','.join(files)}"}}]
    times = [{"type": "text", "text": f"frame at {round(time, 2):g} s:"} for time in view.times]
    return [part for pair in zip(times, images, strict=True) for part in pair]


def read(body: str, wanted: int) -> tuple[list[Completion], Tokens | None]:
    """The completions of a response, at most ``wanted`` and at least one, and what they took. Never raises."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):  # RecursionError: too deeply nested brackets
        return [_missing("the response is no complete JSON")], None
    choices = data.get("choices") if isinstance(data, dict) else None
    if not isinstance(choices, list) or not choices:
        error = data.get("error") if isinstance(data, dict) else None
        why = said(error.get("message") if isinstance(error, dict) else error)
        return [_missing("the response has no choices" + (f": {why}" if why else ""))], _tokens(data)
    return [_completion(choice) for choice in choices[:wanted]], _tokens(data)


def said(words: Any) -> str:
    """A server's own words, on one line of bounded length."""
    return " ".join(str(words or "").split())[:_SHOWN]


def _completion(choice: Any) -> Completion:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        return _missing("a choice without a message")
    text = message.get("content")
    if not isinstance(text, str) or not text.strip():
        cut = " within the limit of tokens" if choice.get("finish_reason") == "length" else ""
        why = said(message.get("refusal"))
        return _missing(f"the answer has no text{cut}" + (f": {why}" if why else ""))
    apart = message.get("reasoning_content") or message.get("reasoning")
    return Completion(text, apart if isinstance(apart, str) else None)


def _missing(reason: str) -> Completion:
    return Completion("", None, reason)


def _tokens(data: Any) -> Tokens | None:
    usage = data.get("usage") if isinstance(data, dict) else None
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if isinstance(prompt, int) and isinstance(completion, int) and min(prompt, completion) >= 0:
        return Tokens(prompt, completion)
    return None
