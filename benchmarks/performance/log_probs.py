"""Memory and time of log-probabilities: 8 answers of 1024 tokens, a vocabulary of 152,064, forward and backward pass.

The plain way holds all logits in float32, and several times over in the backward pass; ours holds a chunk. Each way
runs in a process of its own, whose peak memory is measured beyond the states, the head's weights and their gradients.
Where the plain way needs more than is free, it is measured on fewer tokens: it grows with them.

``python -m benchmarks.performance.log_probs --json results/log_probs.json``
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.results import store
from vqinsight.assessor.log_probs import token_log_probs

WORDS = 152_064


def measure(way: str, tokens: int, width: int) -> dict[str, Any]:
    """Peak bytes and processor seconds of one way."""
    torch.manual_seed(0)
    hidden = torch.randn(tokens, width, requires_grad=True)
    weight = (torch.randn(WORDS, width) * width**-0.5).requires_grad_()
    ids = torch.randint(WORDS, (tokens,))
    hidden.grad, weight.grad = torch.zeros_like(hidden), torch.zeros_like(weight)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    begun = time.process_time()
    if way == "plain":
        logits = (hidden @ weight.T).float()
        total = logits.logsumexp(-1)
        logp = logits.gather(-1, ids[:, None])[:, 0] - total
        with torch.no_grad():
            (total - (logits.softmax(-1) * logits).sum(-1)).mean()
    else:
        logp, _ = token_log_probs(hidden, weight, ids)
    logp.mean().backward()
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return {"way": way, "tokens": tokens, "width": width, "peak_bytes": peak, "cpu_s": seconds}


def main() -> None:
    """Measure each way in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=512, help="of the hidden states")
    parser.add_argument("--plain-tokens", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--tokens", type=int, nargs="+", default=[1024, 2048, 8192])
    parser.add_argument("--one", nargs=2, metavar=("WAY", "TOKENS"), help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one[0], int(given.one[1]), given.width)))
        return
    rows = []
    for way, sizes in (("plain", given.plain_tokens), ("chunked", given.tokens)):
        for tokens in sizes:
            command = [sys.executable, "-m", "benchmarks.performance.log_probs", "--width", str(given.width)]
            run = subprocess.run([*command, "--one", way, str(tokens)], capture_output=True, text=True, check=True)
            rows.append(json.loads(run.stdout))
            print(rows[-1], flush=True)
    plain = [row for row in rows if row["way"] == "plain"]
    per_token = (plain[-1]["peak_bytes"] - plain[0]["peak_bytes"]) / (plain[-1]["tokens"] - plain[0]["tokens"])
    found = {"vocabulary": WORDS, "rows": rows, "plain_bytes_at_8192_tokens": per_token * 8192}
    store(found, given.json)


if __name__ == "__main__":
    main()
