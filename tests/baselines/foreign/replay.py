"""A worker without a system: it answers as a real one did, and only the requests that that one had."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, os.environ["WORKERS"])
import protocol

given = protocol.arguments("model")


def load():
    recorded = json.loads(Path(os.environ["RECORDED"]).read_text(encoding="utf-8"))

    def score(request):
        named = {**request, "file": Path(request["file"]).name}
        for each in recorded["clips"]:
            if each["request"] == named:
                return each["scores"]
        raise ValueError(f"never asked: {named}")

    return score


if __name__ == "__main__":
    protocol.serve(load)
