"""DOVER's own script for one video, ``evaluate_one_video.py``, and its function for the three scores."""

import random
import runpy
import sys
import tempfile
from pathlib import Path

import steps

SEED = 42  # as in the worker


def reduce(code, weights):
    """Random weights with scores around the middle of the scale."""
    import shrink
    import torch
    import yaml
    from dover.models import DOVER

    torch.manual_seed(0)
    shrink.dover()
    network = DOVER(**yaml.safe_load(Path(code, "dover.yml").read_text())["model"]["args"])
    for name, mean, std in (("technical", 0.1107, 0.07355), ("aesthetic", -0.08285, 0.03774)):
        last = getattr(network, name + "_head").fc_last
        shrink.spread(lambda view, name=name: network({name: view})[0].mean(), last, mean, std)
    torch.save(network.state_dict(), Path(weights, "DOVER.pth"))


def official(code, weights, files, _prompts):
    """Run the script on each file; its generators are seeded before each clip, as the worker does."""
    import dover.datasets
    import numpy as np
    import shrink
    import torch
    import yaml
    from evaluate_a_set_of_videos import fuse_results

    shrink.dover()
    read = dover.datasets.spatial_temporal_view_decomposition

    def seeded(*args):
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(SEED)
        return read(*args)

    dover.datasets.spatial_temporal_view_decomposition = seeded
    options = yaml.safe_load(Path(code, "dover.yml").read_text())
    options["test_load_path"] = str(Path(weights, "DOVER.pth"))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "dover.yml")
        path.write_text(yaml.safe_dump(options, sort_keys=False))  # the script relies on the order of views
        for file in files:
            sys.argv = ["evaluate_one_video.py", "-o", str(path), "-v", file, "-d", "cpu", "-f"]
            ended = runpy.run_path(str(Path(code, "evaluate_one_video.py")), run_name="__main__")
            technical, aesthetic = ended["results"]
            fused = fuse_results([aesthetic, technical])  # the script itself prints the overall score alone
            assert abs(fused["overall"] - ended["fuse_results"](ended["results"])) < 1e-12
            scores = {"technical": fused["technical"], "aesthetic": fused["aesthetic"], "quality": fused["overall"]}
            found.append(scores)
    return found


if __name__ == "__main__":
    steps.main(reduce, official)
