"""A worker without a system: it answers what the text prompt asks for, through the real protocol."""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, os.environ["WORKERS"])
import protocol

given = protocol.arguments("after")


def load():
    print("a package greets")
    if (Path(given.weights) / "broken").exists():
        raise RuntimeError("these weights are of another model")

    def score(request):
        asked = request["prompt"] or ""
        if asked == "crash":
            print("CUDA error: an illegal memory access", file=sys.stderr)
            os._exit(3)
        if asked == "hang":
            time.sleep(600)
        if asked == "fail":
            raise ValueError("no face\nin frame 3")
        if asked == "noise":
            os.write(1, b"ANSWER {not json\n")  # past Python, as a C library prints
            print("ANSWER", {"scores": {"quality": 0}})
        if asked == "nan":
            return {"quality": float("nan")}
        if asked == "other":
            return {"beauty": 1.0}
        if asked == "memory":
            return {"quality": len(bytearray(2**30))}
        return {"quality": len(request.get("frames", [])) + bool(request.get("file"))}

    return score


if __name__ == "__main__":
    protocol.serve(load)
