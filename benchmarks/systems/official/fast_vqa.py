"""FAST-VQA's and FasterVQA's own benchmark script, ``new_test.py``, on a folder of clips."""

import os
import pickle
import random
import runpy
import sys
import tempfile
import types
from pathlib import Path

import steps

SEED = 42  # as in the worker


def _options(code, model):
    """The option file of a model, the name of its weights, and the module of the script for one clip."""
    import vqa
    import yaml

    options = yaml.safe_load(Path(code, vqa.opts[model]).read_text())
    return options, Path(options["test_load_path"]).name.replace("*", "_"), vqa


def reduce(code, weights, model="FAST-VQA"):
    """Random weights with scores around the middle of the scale."""
    import numpy as np
    import shrink
    import torch
    from fastvqa.models import DiViDeAddEvaluator

    options, name, vqa = _options(code, model)
    torch.manual_seed(0)
    shrink.fast_vqa()
    network = DiViDeAddEvaluator(**options["model"]["args"])
    last = network.vqa_head.fc_last
    shrink.spread(lambda view: network({"fragments": view}).mean(), last, *vqa.mean_stds[model])
    figures = (np.float64(0.8), np.float64(0.8), np.float64(0.6), np.float32(0.4))  # as their training script adds
    torch.save({"state_dict": network.state_dict(), "validation_results": figures}, Path(weights, name))


def official(code, weights, files, _prompts, model="FAST-VQA"):
    """Run the script; its generators are seeded before each clip, as the worker does."""
    import numpy as np
    import shrink
    import torch
    import yaml
    from fastvqa.datasets import FusionDataset

    options, name, vqa = _options(code, model)
    shrink.fast_vqa()
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
    numbers = [np.core.multiarray.scalar, np.dtype, type(np.dtype(np.float32)), type(np.dtype(np.float64))]
    torch.serialization.add_safe_globals(numbers)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for each in ("clips", "dover_predictions", "results"):
            Path(each).mkdir()
        for index, file in enumerate(files):  # the script sorts them by name
            Path(f"clips/{index:04d}.mp4").symlink_to(file)
        data = options["data"]["val-kv1k"]
        data["args"].update(anno_file="none", data_prefix="clips")
        options.update(name="check", num_workers=0, data={"val": data}, test_load_path=str(Path(weights, name)))
        options.setdefault("wandb", {"project_name": "none"})
        Path("options.yml").write_text(yaml.safe_dump(options))
        sys.argv = ["new_test.py", "-o", "options.yml"]
        runpy.run_path(str(Path(code, "new_test.py")), run_name="__main__")
        (raw,) = pickle.loads(Path("dover_predictions/val.pkl").read_bytes()).values()
        os.chdir(code)
    return [{"quality": vqa.sigmoid_rescale(value, model=model)} for value in raw]


if __name__ == "__main__":
    steps.main(reduce, official)
