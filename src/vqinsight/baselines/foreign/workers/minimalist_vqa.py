"""Minimalist-VQA, model IX: a Swin-B on a frame a second, and SlowFast on the frames around each second's middle."""

import os
from pathlib import Path

import protocol

given = protocol.arguments()
SIDE, CLIPS, RATE, SAMPLE, MOTION_SIDE = 384, 8, 1, "mid", 224  # the command of its README


def load():
    os.environ["TORCH_HOME"] = given.weights  # where pytorchvideo finds the weights of SlowFast
    import numpy as np
    import test_video
    import torch
    from models import VQAModels

    # The network of model IX; IX itself first downloads weights that its own replace.
    model = VQAModels.Model_X().to(given.device)
    path = Path(given.weights, "MinimalisticVQA_Model_IX_LSVQ.pth")
    model.load_state_dict(torch.load(path, map_location=given.device, weights_only=True))
    motion = test_video.slowfast().to(given.device)
    model.eval()
    motion.eval()
    scaling = np.load(Path(given.weights, "LSVQ_Model_IX.npy"))

    def score(request):
        # (clips, 3, SIDE, SIDE), and a list of (32, 3, MOTION_SIDE, MOTION_SIDE)
        frames = test_video.video_processing_spatial(request["file"], SIDE, SIDE, CLIPS)
        chunks = test_video.video_processing_motion(request["file"], CLIPS, RATE, SAMPLE, MOTION_SIDE)
        if frames is None or chunks is None:
            raise ValueError("OpenCV cannot open the file")
        clips = min(len(frames), len(chunks))
        with torch.no_grad():
            features = []
            for chunk in chunks[:clips]:
                paths = test_video.pack_pathway_output(chunk.transpose(0, 1)[None], given.device)
                features.append(motion(paths)[1].flatten())  # of the fast pathway
            raw = model(frames[None, :clips].to(given.device), torch.stack(features)[None]).item()
        return {"quality": test_video.logistic_func(raw, *scaling)}

    return score


if __name__ == "__main__":
    protocol.serve(load)
