"""VQAScore of CLIP-FlanT5 (t2v-metrics), as its script for GenAI-Bench video asks it: the mean over frames.

The package's own ``__init__`` imports the code of twenty other models, each with packages of its own. It is left out:
an empty module stands for each package on the way to the model's file.
"""

import os
import sys
import tempfile
import types
from pathlib import Path

import protocol

given = protocol.arguments("model")
FRAMES = 36  # ``num_frames`` of the dataset class in the clone's dataset.py
PACKAGES = ("t2v_metrics", "t2v_metrics.models", "t2v_metrics.models.vqascore_models")


def load():
    os.environ.update(HF_HUB_CACHE=given.weights, HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    import cv2
    import torch
    from PIL import Image

    for name in PACKAGES:
        package = types.ModuleType(name)
        package.__path__ = [str(Path(given.code).joinpath(*name.split(".")))]
        sys.modules[name] = package
    from t2v_metrics.models.vqascore_models.clip_t5_model import CLIPT5Model

    model = CLIPT5Model(given.model, device=given.device, cache_dir=given.weights)

    def save_frames(file, folder):
        """The first frames as JPEG files, as the dataset class saves them; a shorter clip repeats its last one."""
        capture, saved = cv2.VideoCapture(file), []
        while len(saved) < FRAMES:
            read, frame = capture.read()
            if not read:
                break
            saved.append(f"{folder}/{len(saved):04d}.jpg")
            Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)).save(saved[-1])
        capture.release()
        if not saved:
            raise ValueError("OpenCV reads no frame of it")
        return saved + saved[-1:] * (FRAMES - len(saved))

    def score(request):
        with tempfile.TemporaryDirectory() as folder:
            values = {}
            frames = save_frames(request["file"], folder)
            for frame in dict.fromkeys(frames):
                # The package opens autocast for CUDA only; without one, its model mixes types.
                with torch.autocast(given.device.split(":")[0], torch.bfloat16):
                    values[frame] = float(model.forward([frame], [request["prompt"]])[0])
        return {"alignment": sum(values[frame] for frame in frames) / FRAMES}

    return score


if __name__ == "__main__":
    protocol.serve(load)
