"""A client of ``vqinsight serve`` for other people's trainers. This one file can be copied: it imports nothing else.

Trainers pin their own versions of torch and transformers, so the model stays in a process of its own. Every failure
raises ``RewardError``; none becomes a number.

>>> client = Client("http://127.0.0.1:8000", key=None)
>>> client.rewards(["a.mp4"], ["a cat"], ["overall"])  # doctest: +SKIP
[{'overall': 63.3}]
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import time
import urllib.error
import urllib.request
import uuid
import zlib
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any

_BUSY = (429, 503)
_PAUSE = 1.0  # seconds between tries where the server does not say


class RewardError(RuntimeError):
    """A reward that could not be had, and why.

    Attributes:
        status: of the HTTP answer that refused it; None where no such answer came.
        body: the text of that answer, its first 4096 bytes.
    """

    def __init__(self, message: str, status: int | None = None, body: str = "") -> None:
        super().__init__(message)
        self.status, self.body = status, body


class Client:
    """Asks a server for rewards.

    Args:
        url: of the server.
        key: its key, if it has one.
        timeout: seconds of one request.
        patience: seconds in which a server that is busy is asked again, when it says.
        reconnect: seconds in which a connection that fails is made again, as where a server is restarted.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        timeout: float = 600.0,
        patience: float = 600.0,
        reconnect: float = 60.0,
    ) -> None:
        self.url = url.rstrip("/")
        self.timeout, self.patience, self.reconnect = timeout, patience, reconnect
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        # No proxy and no redirect: clips go to the server that was named and to no other.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at a path, such as ``/v1/models``.

        Raises:
            RewardError: there is none.
        """
        try:
            with self._opener.open(
                urllib.request.Request(self.url + path, headers=self._headers), timeout=60
            ) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            raise _refusal(path, error) from None
        except (OSError, ValueError) as error:
            raise RewardError(f"{path}: {error}") from error
        if not isinstance(found, dict):
            raise RewardError(f"{path} answered no object")
        return found

    def rewards(
        self,
        videos: Sequence[Any],
        prompts: Sequence[str],
        names: Sequence[str],
        groups: Sequence[Any] | None = None,
        fps: float | None = None,
    ) -> list[dict[str, float]]:
        """Rewards by name of each video.

        Args:
            videos: each a path, the bytes of a file, or uint8 frames (T, H, W, 3) or (T, 3, H, W) as an array or
                tensor; an image is frames with T = 1.
            groups: key of each video's group for ``win_rate``; by default one prompt is a group.
            fps: frames per second of frames.

        Raises:
            RewardError: the server cannot be reached, or one reward of one video is missing.
        """
        requests = []
        for i, (video, prompt) in enumerate(zip(videos, prompts, strict=True)):
            turn = {"text": prompt, "video_b64": as_text(video, fps)}
            sample: dict[str, Any] = {"history": [turn], "required_rewards": list(names)}
            if groups is not None:
                sample["metadata"] = {"group": str(groups[i])}
            requests.append(sample)
        answer = self.post("/score", {"requests": requests})
        results, errors = answer.get("results"), answer.get("errors")
        if not isinstance(results, list) or not isinstance(errors, list) or len(results) != len(requests):
            raise RewardError("the server's answer has another shape than a reward service's")
        failed = [f"video {i}, {name}: {why}" for i, each in enumerate(errors) for name, why in each.items()]
        if failed:
            raise RewardError("; ".join(failed))
        try:
            return [{name: float(each[name]["score"]) for name in names} for each in results]
        except (KeyError, TypeError, ValueError) as error:
            raise RewardError(f"the server's answer lacks a number ({error!r})") from error

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The JSON of an answer; a busy server is asked again, and so is one whose connection fails.

        All tries have one ``Idempotency-Key``: what the server did before the connection failed is not done again.

        Raises:
            RewardError: with the server's reason.
        """
        headers = {**self._headers, "Idempotency-Key": uuid.uuid4().hex}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        begun, lost = time.monotonic(), None  # lost: when the connection failed first
        while True:
            try:
                with self._opener.open(request, timeout=self.timeout) as answer:
                    found = json.load(answer)
            except urllib.error.HTTPError as error:
                wait = _seconds(error.headers.get("Retry-After"))
                if error.code not in _BUSY or time.monotonic() + wait > begun + self.patience:
                    raise _refusal(path, error) from None
                lost = None
                time.sleep(wait)
                continue
            except (OSError, HTTPException) as error:
                lost = lost or time.monotonic()
                if isinstance(error, TimeoutError) or time.monotonic() + _PAUSE > lost + self.reconnect:
                    raise RewardError(f"{path}: {error}") from error
                time.sleep(_PAUSE)
                continue
            except ValueError as error:
                raise RewardError(f"{path}: {error}") from error
            if not isinstance(found, dict):
                raise RewardError(f"{path} answered no object")
            return found


def _refusal(path: str, error: urllib.error.HTTPError) -> RewardError:
    body = error.read(4096).decode("utf-8", "replace")
    return RewardError(f"{path} answered {error.code}: {body}", error.code, body)


def _seconds(retry_after: str | None) -> float:
    try:
        return max(0.0, float(retry_after or _PAUSE))
    except ValueError:  # a date, as a proxy may send
        return _PAUSE


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def verl_omni(client: Client, name: str = "overall") -> Callable[..., Any]:
    """verl-omni's ``compute_score``: ``async (data_source, solution_image, ground_truth, extra_info) → {"score": …}``.

    ``solution_image`` is one sample's video, (T, 3, H, W), (3, T, H, W) or (T, H, W, 3), or image, without T; uint8 or
    floats in [0, 1]. Each call has one sample, so ``win_rate`` has no group here. The prompt is ``ground_truth``, or
    ``extra_info["prompt"]``.
    """

    async def compute_score(
        data_source: Any,  # noqa: ARG001 - verl-omni's signature
        solution_image: Any,
        ground_truth: str | None = None,
        extra_info: dict[str, Any] | None = None,
        **_: Any,
    ) -> dict[str, float]:
        prompt = ground_truth or (extra_info or {}).get("prompt") or ""
        clip = solution_image if len(solution_image.shape) == 4 else solution_image[None]
        if clip.shape[0] == 3 and 3 not in clip.shape[1::2]:  # neither (T, 3, H, W) nor (T, H, W, 3)
            clip = clip.swapaxes(0, 1)
        [found] = await asyncio.to_thread(client.rewards, [clip], [prompt], [name])
        return {"score": found[name]}

    return compute_score


def flow_grpo(client: Client, name: str = "overall") -> Callable[..., tuple[list[float], dict[str, Any]]]:
    """Flow-GRPO's ``_fn(images, prompts, metadata) → (scores, {})``; samples of one prompt are a group."""

    def _fn(images: Any, prompts: Sequence[str], metadata: Any = None) -> tuple[list[float], dict[str, Any]]:  # noqa: ARG001
        clips = [image if len(image.shape) == 4 else image[None] for image in images]
        return [found[name] for found in client.rewards(clips, list(prompts), [name])], {}

    return _fn


def flow_factory(client: Client, name: str) -> Callable[..., list[float]]:
    """The numbers of Flow-Factory's reward models: all given clips are a group where ``name`` is ``win_rate``.

    A ``PointwiseRewardModel`` or ``GroupwiseRewardModel`` calls it with its ``prompt`` and ``video`` (or ``image``),
    and puts the numbers into its ``RewardModelOutput``.
    """

    def rewards(prompt: Sequence[str], video: Any = None, image: Any = None, **_: Any) -> list[float]:
        clips = list(video) if video is not None else [each[None] for each in image]
        return [found[name] for found in client.rewards(clips, list(prompt), [name], groups=[0] * len(clips))]

    return rewards


def as_text(video: Any, fps: float | None = None) -> str:
    """A video as the server takes it: a file as base64, frames as a data URL of lossless PNGs with their rate.

    Raises:
        RewardError: it is neither a file nor frames.
    """
    if isinstance(video, str | Path):
        try:
            video = Path(video).read_bytes()
        except OSError as error:
            raise RewardError(f"{video}: {error.strerror}") from error
    if isinstance(video, bytes | bytearray | memoryview):
        return base64.b64encode(video).decode()
    frames = list(video)
    if not frames:
        raise RewardError("a video without frames")
    rate = f";fps={fps:g}" if fps else ""
    return f"data:video/png{rate};base64," + ",".join(base64.b64encode(_png(frame)).decode() for frame in frames)


def _png(frame: Any) -> bytes:
    """A PNG of one (H, W, 3) or (3, H, W) frame, uint8 or floats in [0, 1], array or tensor; or of a PIL image."""
    if hasattr(frame, "convert"):
        frame = frame.convert("RGB")
        width, height = frame.size
        return _chunks(width, height, frame.tobytes())
    frame = frame.detach().cpu().numpy() if hasattr(frame, "detach") else frame
    if frame.shape[-1] != 3:
        frame = frame.transpose(1, 2, 0)
    if len(frame.shape) != 3 or frame.shape[-1] != 3:
        raise RewardError(f"a frame of shape {tuple(frame.shape)} is neither (H, W, 3) nor (3, H, W)")
    if str(frame.dtype) != "uint8":
        frame = (frame.clip(0, 1) * 255).round().astype("uint8")
    return _chunks(frame.shape[1], frame.shape[0], frame.tobytes())


def _chunks(width: int, height: int, pixels: bytes) -> bytes:
    rows = b"".join(b"\0" + pixels[i : i + 3 * width] for i in range(0, 3 * width * height, 3 * width))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")
