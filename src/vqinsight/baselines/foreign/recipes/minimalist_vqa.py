"""Minimalist-VQA."""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Code, Recipe, Weights

_DROPBOX = "https://www.dropbox.com/scl/fi/odidllh2ighrno7x08ba5"
_DRIVE = "1ap4uM1o2pIbVp_ODZ6kd3el1qOEQnj-k"

RECIPES = (
    Recipe(
        name="minimalist_vqa",
        worker="minimalist_vqa.py",
        python="3.11",
        packages=(
            "torch==2.13.0 torchvision==0.28.0 timm==1.0.31 pytorchvideo==0.1.5",
            "numpy==1.26.4 opencv-python-headless==4.11.0.86 gdown==6.5.1",
        ),
        sampling="the middle frame of each second and up to 32 frames around it, the last repeated up to eight seconds",
        dimensions=("quality",),
        code=Code(
            repository="https://github.com/sunwei925/MinimalisticVQA",
            commit="0dca3ba383eaf1812542a0d2d4b38ba3459a843f",
            needs="models/VQAModels.py",
        ),
        weights=(
            Weights(
                "MinimalisticVQA_Model_IX_LSVQ.pth",
                f"../env/bin/gdown {_DRIVE} -O MinimalisticVQA_Model_IX_LSVQ.pth",
            ),
            Weights(
                "LSVQ_Model_IX.npy",
                f"curl -L -o LSVQ_Model_IX.npy '{_DROPBOX}/LSVQ_Model_IX.npy?rlkey=w30mcj3o7m5whb9pvzw1boi71&dl=1'",
            ),
            Weights(
                "hub/checkpoints/SLOWFAST_8x8_R50.pyth",
                "curl --create-dirs -o hub/checkpoints/SLOWFAST_8x8_R50.pyth "
                "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOWFAST_8x8_R50.pyth",
            ),
        ),
        licence="code Apache-2.0; weights: not stated",
        note="Model IX with its scaling to LSVQ's scores, 0 to 100. A clip shorter than a second has no score.",
    ),
)
