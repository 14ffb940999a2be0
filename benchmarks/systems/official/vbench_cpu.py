"""VBench's own class with the command line of its ``vbench`` program, on a CPU.

The program starts NCCL and a CUDA device; this does what its launch/evaluate.py does besides. The clone stands in
``VBENCH_CODE``. Weights that ``VBENCH_CACHE_DIR`` lacks are randomly initialised: those of CLIP of reduced size.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, os.environ["VBENCH_CODE"])


def clip_weights(file, patch, width):
    import torch
    from clip.model import CLIP

    model = CLIP(
        embed_dim=width,
        image_resolution=224,
        vision_layers=2,
        vision_width=64,
        vision_patch_size=patch,
        context_length=77,
        vocab_size=100,
        transformer_width=64,
        transformer_heads=1,
        transformer_layers=1,
    )
    example = (torch.zeros(1, 3, 224, 224), torch.zeros(1, 77, dtype=torch.long))
    torch.jit.trace(model.eval(), example).save(file)  # the released files are such archives


def amt_weights(file):
    import torch
    import vbench
    from omegaconf import OmegaConf
    from vbench.third_party.amt.utils.build_utils import build_from_cfg

    config = Path(vbench.__file__).parent / "third_party" / "amt" / "cfgs" / "AMT-S.yaml"
    torch.save({"state_dict": build_from_cfg(OmegaConf.load(config).network).state_dict()}, file)


def raft_weights(file):
    import torch
    from easydict import EasyDict
    from vbench.third_party.RAFT.core.raft import RAFT

    model = RAFT(EasyDict(small=False, mixed_precision=False, alternate_corr=False))
    torch.save({"module." + name: value for name, value in model.state_dict().items()}, file)


def aesthetic_weights(file):
    import torch

    torch.save(torch.nn.Linear(768, 1).state_dict(), file)


WEIGHTS = {
    "temporal_flickering": {},
    "motion_smoothness": {"amt_model/amt-s.pth": amt_weights},
    "dynamic_degree": {"raft_model/models/raft-things.pth": raft_weights},
    "background_consistency": {"clip_model/ViT-B-32.pt": lambda file: clip_weights(file, 32, 64)},
    "aesthetic_quality": {
        "clip_model/ViT-L-14.pt": lambda file: clip_weights(file, 14, 768),
        "aesthetic_model/emb_reader/sa_0_4_vit_l_14_linear.pth": aesthetic_weights,
    },
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["evaluate"])
    for name in ("dimension", "videos_path", "output_path", "full_json_dir"):
        parser.add_argument("--" + name, required=True)
    given = parser.parse_args()
    import torch
    from vbench import VBench

    torch.manual_seed(0)
    for name, make in WEIGHTS[given.dimension].items():
        file = Path(os.environ["VBENCH_CACHE_DIR"], name)
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            make(file)
    measure = VBench(torch.device("cpu"), given.full_json_dir, given.output_path)
    measure.evaluate(given.videos_path, f"results_{given.dimension}", dimension_list=[given.dimension], local=True)


if __name__ == "__main__":
    main()
