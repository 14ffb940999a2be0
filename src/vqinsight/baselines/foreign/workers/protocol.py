"""A worker's side of the pipe. Standard library only; runs on Python 3.8 and later.

A request is a JSON line on standard input, an answer a line on what was standard output, marked with ``ANSWER``. What
packages print goes to standard error instead, so that it cannot fall between two answers.
"""

import argparse
import json
import os
import pathlib
import resource
import sys

MARK = "ANSWER "


def arguments(*more):
    """The arguments of every worker: ``code``, ``weights``, ``device``, and those of ``more``.

    Args:
        more: names of further options, each of which takes a text.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--code", default=None)
    parser.add_argument("--weights", default=None)
    parser.add_argument("--device", default="auto", help="as torch names it, or auto")
    parser.add_argument("--memory-gib", type=float, default=None)
    for name in more:
        parser.add_argument("--" + name.replace("_", "-"), default=None)
    given = parser.parse_args()
    if given.memory_gib is not None:
        most = int(given.memory_gib * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    if given.code is not None:
        sys.path.insert(0, given.code)
    if given.device == "auto":
        import torch

        given.device = "cuda" if torch.cuda.is_available() else "cpu"
    return given


def serve(load):
    """Answer requests until standard input ends.

    Args:
        load: called once, without arguments; returns the function that answers: a dict with some of ``file``,
            ``frames`` (paths of images, in order), ``fps`` and ``prompt`` becomes a dict of floats by dimension.
            An exception of it is the answer to that request alone.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(said):
        answers.write("\n" + MARK + json.dumps(said) + "\n")
        answers.flush()

    score = load()
    say({"ready": versions()})
    for line in sys.stdin:
        try:
            values = score(json.loads(line))
            said = {"scores": {name: float(value) for name, value in values.items()}}
        except Exception as error:  # noqa: BLE001 - any failure of foreign code is one clip's
            said = {"error": type(error).__name__ + ": " + " ".join(str(error).split())[:300]}
        say({**said, "peak_mib": peak_mib()})


def versions():
    """Versions of what is loaded and decides scores."""
    known = ("torch", "torchvision", "transformers", "decord", "av", "cv2", "timm", "numpy", "PIL")
    loaded = {name: getattr(sys.modules[name], "__version__", "unknown") for name in known if name in sys.modules}
    return {"python": sys.version.split()[0], **{name: str(version) for name, version in loaded.items()}}


def peak_mib():
    """The most memory that this process has taken, in MiB."""
    try:  # getrusage would count the process that started this one, too
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
