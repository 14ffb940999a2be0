"""DOVER: a technical view of fragments and an aesthetic view of resized frames.

Offsets of fragments and the frame of each interval are random in the original. Here the generators are seeded before
each clip, so that a score depends on the clip alone.
"""

import random
from pathlib import Path

import protocol

given = protocol.arguments()
SEED = 42


def load():
    import numpy as np
    import torch
    import yaml
    from dover.datasets import ViewDecompositionDataset, spatial_temporal_view_decomposition
    from dover.models import DOVER, conv_backbone, evaluator
    from evaluate_a_set_of_videos import fuse_results, mean, std

    options = yaml.safe_load(Path(given.code, "dover.yml").read_text())
    # As built by the original, this network first downloads weights that those of DOVER replace.
    evaluator.convnext_3d_tiny = lambda pretrained: conv_backbone.convnext_3d_tiny()  # noqa: ARG005
    model = DOVER(**options["model"]["args"]).to(given.device)
    path = Path(given.weights, Path(options["test_load_path"]).name)
    model.load_state_dict(torch.load(path, map_location=given.device, weights_only=True))
    dataset = ViewDecompositionDataset({**options["data"]["val-l1080p"]["args"], "anno_file": []})

    def score(request):
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(SEED)
        # Not through the dataset, which hides errors.
        views, _ = spatial_temporal_view_decomposition(request["file"], dataset.sample_types, dataset.samplers)
        for name, view in views.items():  # (3, clips * frames, height, width)
            normal = (view - mean[:, None, None, None]) / std[:, None, None, None]
            clips = dataset.sample_types[name].get("num_clips", 1)
            views[name] = normal.unflatten(1, (clips, -1)).transpose(0, 1).to(given.device)
        with torch.no_grad():
            raw = dict(zip(views, (each.mean().item() for each in model(views)), strict=True))
        fused = fuse_results([raw["aesthetic"], raw["technical"]])
        return {"technical": fused["technical"], "aesthetic": fused["aesthetic"], "quality": fused["overall"]}

    return score


if __name__ == "__main__":
    protocol.serve(load)
