"""Decoding files of strangers in a process of its own for each, with limits on memory, CPU and time.

``python -m vqinsight.serving.sandbox SOCKET`` imports what decoding needs, and forks for each connection. A child takes
one clip, answers, and ends; what it allocates, breaks or hangs in ends with it. Answers are numbers in safetensors and
JSON, so that nothing that a child sends can run in the server.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import select
import signal
import socket
import sys
from dataclasses import asdict
from functools import partial
from typing import Any

from safetensors.torch import save

from vqinsight.assessor.clips import ClipLoader
from vqinsight.errors import UnreadableVideo
from vqinsight.serving.limits import Limits
from vqinsight.serving.restraint import SMALLER, checked, peak, restrain
from vqinsight.video.decode import self_contained_only
from vqinsight.video.preprocess import ProcessedClip, preprocess_frames
from vqinsight.video.read import iter_frames

READY = b"ready\n"
_CLOSE = 128 * 1024 * 1024  # bytes below the limit at which an allocation may have failed


def main() -> None:
    """Serve until standard input ends; the loader and the limits come first, pickled by the server that started us."""
    loader, limits = pickle.load(sys.stdin.buffer)  # from our own parent, never from a client
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(64)
        os.write(1, READY)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                try:
                    listener.close()
                    serve(connection, loader, limits)
                finally:
                    os._exit(0)
            connection.close()


def serve(connection: socket.socket, loader: ClipLoader, limits: Limits) -> None:
    """Answer one request in this process, which is restrained for good."""
    with connection, connection.makefile("rwb") as stream:
        request = json.loads(stream.readline())
        most = restrain(limits)
        head, body = _answer(request, loader, limits)
        if "reason" in head and peak() > most - _CLOSE:  # FFmpeg calls a file damaged that it has no memory for
            head["reason"] = f"it needs more memory than is allowed ({head['reason']})"
        stream.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)


def _answer(request: dict[str, Any], loader: ClipLoader, limits: Limits) -> tuple[dict[str, Any], bytes]:
    try:
        with self_contained_only():
            if request.get("measure"):
                from vqinsight.serving.measuring import measure_packed  # imports OpenCV

                return measure_packed(checked(request["path"], request["fps"], limits))
            clip = decode(request["path"], request["fps"], loader, limits)
    except UnreadableVideo as error:
        return {"reason": error.reason, "remedy": error.remedy}, b""
    except (MemoryError, RuntimeError) as error:  # torch has no error of its own for the memory of the CPU
        return {"reason": f"it cannot be decoded within the limits ({type(error).__name__})", "remedy": SMALLER}, b""
    views = [
        {"kind": v.kind, "grid": v.grid, "seconds_per_grid": v.seconds_per_grid, "times": v.times} for v in clip.views
    ]
    shown = asdict(clip.input) | {"preview": [base64.b64encode(jpeg).decode() for jpeg in clip.input.preview]}
    patches = {str(i): view.patches.contiguous() for i, view in enumerate(clip.views)}
    return {"kind": clip.kind, "input": shown, "views": views}, save(patches)


def decode(path: str, fps: float | None, loader: ClipLoader, limits: Limits) -> ProcessedClip:
    """A file or a folder of frames within the limits, as the model is shown it.

    Raises:
        UnreadableVideo: with the limit that it exceeds, or why it cannot be read.
    """
    info = checked(path, fps, limits)
    return preprocess_frames(
        info, partial(iter_frames, info), loader.settings, loader.spec, loader.views, loader.observe
    )


if __name__ == "__main__":
    main()
