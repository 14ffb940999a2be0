"""FAST-VQA and FasterVQA: fragments of the clip, sampled as their benchmark script samples them.

Offsets of fragments are random in the original. Here the generators are seeded before each clip, so that a score
depends on the clip alone.
"""

import random
from pathlib import Path

import protocol

given = protocol.arguments("model")
SEED = 42


def load():
    import numpy as np
    import torch
    import vqa
    import yaml
    from fastvqa.datasets import FusionDataset
    from fastvqa.models import DiViDeAddEvaluator

    options = yaml.safe_load(Path(given.code, vqa.opts[given.model]).read_text())
    model = DiViDeAddEvaluator(**options["model"]["args"]).to(given.device)
    # Released files have an underscore where the options have an asterisk.
    name = Path(options["test_load_path"]).name.replace("*", "_")
    # Their training script stores figures of validation beside the weights, as numbers of numpy.
    numbers = [np.core.multiarray.scalar, np.dtype, type(np.dtype(np.float32)), type(np.dtype(np.float64))]
    with torch.serialization.safe_globals(numbers):
        saved = torch.load(Path(given.weights, name), map_location=given.device, weights_only=True)
    model.load_state_dict(saved["state_dict"])
    dataset = FusionDataset({**options["data"]["val-kv1k"]["args"], "anno_file": [], "phase": "test"})

    def score(request):
        dataset.video_infos = [{"filename": request["file"], "label": 0.0}]
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(SEED)
        views = dataset[0]
        # (3, clips * frames, height, width) to (clips, 3, frames, height, width)
        fragments = views["fragments"].unflatten(1, (views["num_clips"]["fragments"], -1)).transpose(0, 1)
        with torch.no_grad():
            raw = model({"fragments": fragments.to(given.device)}).mean().item()
        return {"quality": vqa.sigmoid_rescale(raw, model=given.model)}

    return score


if __name__ == "__main__":
    protocol.serve(load)
