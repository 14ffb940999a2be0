"""FAST-VQA's and FasterVQA's own benchmark script, ``new_test.py``, on a folder of clips."""

import os
import pickle
import random
import runpy
import sys
import tempfile
import types

import steps

SEED = 42  # as in the worker


def _options(code, model):
    import vqa
    import yaml

    with open(os.path.join(code, vqa.opts[model])) as file:
        return yaml.safe_load(file), vqa


def _numbers():
    """What the training script's figures of validation are made of."""
    import numpy as np

    return [np.core.multiarray.scalar, np.dtype, type(np.dtype(np.float32)), type(np.dtype(np.float64))]


def reduce(code, weights, model="FAST-VQA"):
    """Random weights of the real size, which the code fixes, with scores around the middle of the scale."""
    import numpy as np
    import torch
    from fastvqa.models import DiViDeAddEvaluator

    options, vqa = _options(code, model)
    torch.manual_seed(0)
    network = DiViDeAddEvaluator(**options["model"]["args"])
    smooth = torch.linspace(-2, 2, 224)[:, None] * torch.linspace(-1, 1, 224) * torch.ones(1, 3, 32, 1, 1)
    last = network.vqa_head.fc_last
    with torch.no_grad():
        first, second = (network({"fragments": each}).mean() for each in (smooth, torch.randn(1, 3, 32, 224, 224)))
        mean, std = vqa.mean_stds[model]
        gain = 2 * std / abs(second - first)
        last.bias.copy_((last.bias - (first + second) / 2) * gain + mean)
        last.weight.mul_(gain)
    name = os.path.basename(options["test_load_path"]).replace("*", "_")
    figures = (np.float64(0.8), np.float64(0.8), np.float64(0.6), np.float32(0.4))
    torch.save({"state_dict": network.state_dict(), "validation_results": figures}, os.path.join(weights, name))


def official(code, weights, files, _prompts, model="FAST-VQA"):
    import numpy as np
    import torch
    import yaml
    from fastvqa.datasets import FusionDataset

    options, vqa = _options(code, model)
    read = FusionDataset.__getitem__

    def seeded(dataset, index):
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(SEED)
        return read(dataset, index)

    FusionDataset.__getitem__ = seeded
    # Packages that report to a web service and count operations.
    run = types.SimpleNamespace(finish=lambda: None)
    sys.modules["wandb"] = types.SimpleNamespace(init=lambda **_: run, log=lambda _: None)
    sys.modules["thop"] = types.SimpleNamespace(profile=lambda *_: (0.0, 0.0))
    torch.serialization.add_safe_globals(_numbers())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for each in ("clips", "dover_predictions", "results"):
            os.mkdir(each)
        for index, file in enumerate(files):  # the script sorts them by name
            os.symlink(file, f"clips/{index:04d}.mp4")
        data = options["data"]["val-kv1k"]
        data["args"].update(anno_file="none", data_prefix="clips")
        name = os.path.basename(options["test_load_path"]).replace("*", "_")
        options.update(name="check", num_workers=0, data={"val": data}, test_load_path=os.path.join(weights, name))
        options.setdefault("wandb", {"project_name": "none"})
        with open("options.yml", "w") as file:
            yaml.safe_dump(options, file)
        sys.argv = ["new_test.py", "-o", "options.yml"]
        runpy.run_path(os.path.join(code, "new_test.py"), run_name="__main__")
        with open("dover_predictions/val.pkl", "rb") as file:
            (raw,) = pickle.load(file).values()
        os.chdir(code)
    return [{"quality": vqa.sigmoid_rescale(value, model=model)} for value in raw]


if __name__ == "__main__":
    steps.main(reduce, official)
