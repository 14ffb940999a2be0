"""Minimalist-VQA's own script for one video, ``test_video.py``, as its README calls it."""

import os
import runpy
import sys
import tempfile
from pathlib import Path

import steps

WEIGHTS, SCALING = "MinimalisticVQA_Model_IX_LSVQ.pth", "LSVQ_Model_IX.npy"


def reduce(_code, weights):
    """Random weights; a scaling to scores of 0 to 100."""
    import numpy as np
    import shrink
    import torch
    from models import VQAModels
    from pytorchvideo.models.hub import slowfast_r50

    torch.manual_seed(0)
    shrink.minimalist_vqa()
    motion = Path(weights, "hub", "checkpoints", "SLOWFAST_8x8_R50.pyth")  # where torch.hub looks first
    motion.parent.mkdir(parents=True)
    torch.save({"model_state": slowfast_r50(pretrained=False).state_dict()}, motion)
    torch.save(VQAModels.Model_X().state_dict(), Path(weights, WEIGHTS))
    np.save(Path(weights, SCALING), np.array([100.0, 0.0, 0.0, 0.5]))


def official(code, weights, files, _prompts):
    """Run the script on each file."""
    os.environ["TORCH_HOME"] = weights
    import shrink

    shrink.minimalist_vqa()
    found = []
    for file in map(Path, files):
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "score.log")
            sys.argv = [
                *("test_video.py", "--model_name", "Model_IX", "--model_path", str(Path(weights, WEIGHTS))),
                *("--popt_path", str(Path(weights, SCALING)), "--output", str(output)),
                *("--video_name", file.name, "--video_path", str(file.parent), "--resize", "384", "--crop_size", "384"),
                *("--video_number_min", "8", "--sample_rate", "1", "--sample_type", "mid"),
            ]
            runpy.run_path(str(Path(code, "test_video.py")), run_name="__main__")
            found.append({"quality": float(output.read_text().rpartition(",")[2])})
    return found


if __name__ == "__main__":
    steps.main(reduce, official)
