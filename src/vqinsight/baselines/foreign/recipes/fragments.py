"""Systems that look at fragments: small crops on a grid, at the clip's own resolution, put together as one view."""

from __future__ import annotations

from vqinsight.baselines.foreign.recipe import Code, Recipe, Weights

_PACKAGES = (
    "torch==2.13.0 torchvision==0.28.0 timm==1.0.31 einops==0.8.2",
    "numpy==1.26.4 scipy pyyaml tqdm decord==0.6.0 opencv-python-headless==4.11.0.86 scikit-video==1.1.11",
)
# FAST-VQA's package imports one that it uses only for another model, which needs an older setuptools.
_CLIP = "clip-anytorch==2.6.0 'setuptools<81'"
_FAST_VQA = Code(
    repository="https://github.com/VQAssessment/FAST-VQA-and-FasterVQA",
    commit="9f264e436a97b23f5efb477b048bfbff83565032",
    needs="fastvqa/datasets/fusion_datasets.py",
)
_FAST_VQA_LICENCE = "code MIT (its setup.py says Apache-2.0); weights: not stated"
_SEED = "The original draws offsets at random; here from one seed for every clip."
_RELEASE = "curl -L -O https://github.com/TimothyHTimothy/FAST-VQA/releases/download/v2.0.0"


def _fragments(name: str, model: str, weights: str, sampling: str, note: str) -> Recipe:
    """A model of the repository of FAST-VQA."""
    return Recipe(
        name=name,
        worker="fast_vqa.py",
        python="3.11",
        packages=(*_PACKAGES, _CLIP),
        sampling=f"7 x 7 fragments of 32 pixels from {sampling}",
        dimensions=("quality",),
        ranges={"quality": (0.0, 1.0)},
        code=_FAST_VQA,
        weights=(Weights(weights, f"{_RELEASE}/{weights}"),),
        arguments=("--model", model),
        licence=_FAST_VQA_LICENCE,
        note=note,
    )


RECIPES = (
    _fragments(
        "fast_vqa",
        "FAST-VQA",
        "FAST_VQA_B_1_4.pth",
        "four runs of 32 frames, two apart, one from each quarter",
        f"FAST-VQA-B. {_SEED} Sampled as by its benchmark script; its script for one clip takes adjacent frames.",
    ),
    _fragments(
        "faster_vqa",
        "FasterVQA",
        "FAST_VQA_3D_1_1.pth",
        "eight runs of four frames, two apart, one from each eighth",
        f"{_SEED} Sampled as by its benchmark script; its script for one clip takes 32 adjacent frames alone.",
    ),
    Recipe(
        name="dover",
        worker="dover.py",
        python="3.11",
        packages=_PACKAGES,
        sampling="7 x 7 fragments of 32 pixels from three runs of 32 frames, two apart, and 32 frames in whole",
        dimensions=("technical", "aesthetic", "quality"),
        ranges={"technical": (0.0, 1.0), "aesthetic": (0.0, 1.0), "quality": (0.0, 1.0)},
        decides="quality",
        code=Code(
            repository="https://github.com/VQAssessment/DOVER",
            commit="f1ddc96215bc7fbcf8f315c65d47905f339c3419",
            needs="dover/datasets/dover_datasets.py",
        ),
        weights=(
            Weights(
                "DOVER.pth", "curl -L -O https://github.com/QualityAssessment/DOVER/releases/download/v0.1.0/DOVER.pth"
            ),
        ),
        licence="code S-Lab License 1.0, non-commercial (its setup.py says MIT); weights: not stated",
        note=f"quality is its overall score, which compares clips. {_SEED}",
    ),
)
