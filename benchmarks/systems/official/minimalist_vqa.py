"""Minimalist-VQA's own script for one video, ``test_video.py``, as its README calls it."""

import os
import sys
import tempfile

import steps

# Where torch.hub looks before it downloads.
SLOWFAST = "hub/checkpoints/SLOWFAST_8x8_R50.pyth"
IMAGENET = "hub/checkpoints/swin_b-68c6b09e.pth"


def reduce(_code, weights):
    """Random weights of the real size, which the code fixes; a scaling as of scores of 0 to 100."""
    import numpy as np
    import torch
    from models import VQAModels
    from pytorchvideo.models.hub import slowfast_r50
    from torchvision.models import swin_b

    torch.manual_seed(0)
    os.makedirs(os.path.join(weights, "hub/checkpoints"))
    torch.save({"model_state": slowfast_r50(pretrained=False).state_dict()}, os.path.join(weights, SLOWFAST))
    torch.save(swin_b().state_dict(), os.path.join(weights, IMAGENET))
    torch.save(VQAModels.Model_X().state_dict(), os.path.join(weights, "MinimalisticVQA_Model_IX_LSVQ.pth"))
    np.save(os.path.join(weights, "LSVQ_Model_IX.npy"), np.array([100.0, 0.0, 0.0, 0.5]))


def official(_code, weights, files, _prompts):
    os.environ["TORCH_HOME"] = weights
    import runpy

    found = []
    for file in files:
        with tempfile.TemporaryDirectory() as folder:
            place, name = os.path.split(file)
            output = os.path.join(folder, "score.log")
            sys.argv = ["test_video.py", "--model_name", "Model_IX", "--video_name", name, "--video_path", place]
            sys.argv += ["--model_path", os.path.join(weights, "MinimalisticVQA_Model_IX_LSVQ.pth")]
            sys.argv += ["--popt_path", os.path.join(weights, "LSVQ_Model_IX.npy"), "--output", output]
            sys.argv += ["--resize", "384", "--crop_size", "384", "--video_number_min", "8", "--sample_rate", "1"]
            sys.argv += ["--sample_type", "mid"]
            runpy.run_path(os.path.join(_code, "test_video.py"), run_name="__main__")
            with open(output) as line:
                found.append({"quality": float(line.read().rpartition(",")[2])})
    return found


if __name__ == "__main__":
    steps.main(reduce, official)
