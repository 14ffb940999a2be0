"""Worker for t2v-metrics: VQAScore of each frame, averaged. Runs in that package's environment, see ``subprocess``."""

import json
import sys


def main() -> None:
    """Answer one line for each line of standard input."""
    import t2v_metrics
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    metric = t2v_metrics.VQAScore(model=sys.argv[1], device=device)
    for line in sys.stdin:
        asked = json.loads(line)
        with torch.no_grad():
            values = metric(images=asked["frames"], texts=[asked["prompt"]])  # (frames, 1)
        print("\nANSWER", json.dumps({"alignment": float(values.mean())}), flush=True)


if __name__ == "__main__":
    main()
