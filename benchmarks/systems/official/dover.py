"""DOVER's own script for one video, ``evaluate_one_video.py``, and its function for the three scores."""

import os
import random
import runpy
import sys
import tempfile

import steps

SEED = 42  # as in the worker


def _options(code):
    import yaml

    with open(os.path.join(code, "dover.yml")) as file:
        return yaml.safe_load(file)


def _without_download():
    """The ImageNet weights that the network fetches before DOVER's own replace them."""
    import torch
    from dover.models import conv_backbone

    state = conv_backbone.convnext_tiny().state_dict()
    torch.hub.load_state_dict_from_url = lambda **_: {"model": state}


def reduce(code, weights):
    """Random weights of the real size, which the code fixes, with scores around the middle of the scale."""
    import torch
    from dover.models import DOVER

    torch.manual_seed(0)
    _without_download()
    network = DOVER(**_options(code)["model"]["args"])
    smooth = torch.linspace(-2, 2, 224)[:, None] * torch.linspace(-1, 1, 224) * torch.ones(1, 3, 32, 1, 1)
    scales = {"technical": (0.1107, 0.07355), "aesthetic": (-0.08285, 0.03774)}
    with torch.no_grad():
        for name, (mean, std) in scales.items():
            last = getattr(network, name + "_head").fc_last
            first, second = (network({name: each})[0].mean() for each in (smooth, torch.randn(1, 3, 32, 224, 224)))
            gain = 2 * std / abs(second - first)
            last.bias.copy_((last.bias - (first + second) / 2) * gain + mean)
            last.weight.mul_(gain)
    torch.save(network.state_dict(), os.path.join(weights, "DOVER.pth"))


def official(code, weights, files, _prompts):
    import dover.datasets
    import numpy as np
    import torch
    import yaml
    from evaluate_a_set_of_videos import fuse_results

    _without_download()
    read = dover.datasets.spatial_temporal_view_decomposition

    def seeded(*args):
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(SEED)
        return read(*args)

    dover.datasets.spatial_temporal_view_decomposition = seeded
    options = _options(code)
    options["test_load_path"] = os.path.join(weights, "DOVER.pth")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "dover.yml")
        with open(path, "w") as file:
            yaml.safe_dump(options, file, sort_keys=False)  # the script relies on the order of views
        for file in files:
            sys.argv = ["evaluate_one_video.py", "-o", path, "-v", file, "-d", "cpu", "-f"]
            ended = runpy.run_path(os.path.join(code, "evaluate_one_video.py"), run_name="__main__")
            technical, aesthetic = ended["results"]
            fused = fuse_results([aesthetic, technical])
            assert abs(fused["overall"] - ended["fuse_results"](ended["results"])) < 1e-12
            found.append({"technical": fused["technical"], "aesthetic": fused["aesthetic"], "quality": fused["overall"]})
    return found


if __name__ == "__main__":
    steps.main(reduce, official)
