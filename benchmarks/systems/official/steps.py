"""What a file of this folder does, as one program in the environment of a system. Standard library only.

``python NAME.py reduce --code CLONE --weights FOLDER`` writes randomly initialised weights of reduced size into the
folder, in the official layout.

``python NAME.py official --code CLONE --weights FOLDER FILE...`` calls the system's own inference on each file, with
the text of ``--prompt``, and prints one line for all: ``OFFICIAL`` and a JSON list with a dict of floats by dimension
for each file.
"""

import argparse
import json
import sys
from pathlib import Path


def main(reduce, official):
    """Run the step that the command line names.

    Args:
        reduce: takes the clone and the folder of weights.
        official: takes clone, folder and the lists of files and of prompts; returns a dict for each file.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["reduce", "official"])
    parser.add_argument("files", nargs="*")
    parser.add_argument("--code")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--prompt", default="a cat")
    given = parser.parse_intermixed_args()  # files may stand after options
    if given.code:
        sys.path.insert(0, given.code)
    Path(given.weights).mkdir(parents=True, exist_ok=True)
    if given.step == "reduce":
        reduce(given.code, given.weights)
        return
    found = official(given.code, given.weights, given.files, [given.prompt] * len(given.files))
    plain = [{name: float(value) for name, value in each.items()} for each in found]
    print("\nOFFICIAL " + json.dumps(plain), flush=True)
