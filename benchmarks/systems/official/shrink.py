"""Networks with fewer channels and blocks than the code of FAST-VQA, DOVER and Minimalist-VQA fixes, for quick checks.

Each function changes what the code builds from then on; neither a clone nor an option file changes.
"""

import sys
from functools import partial
from pathlib import Path

import torch

WORKERS = Path(__file__).resolve().parents[3] / "src" / "vqinsight" / "baselines" / "foreign" / "workers"


def fast_vqa():
    """The video Swin and its head, with a quarter of the channels, fewer blocks and heads, and smaller windows."""
    from fastvqa.models import evaluator

    _swin(evaluator)


def dover():
    """Both branches with a quarter of the channels; the aesthetic one with a block a stage."""
    from dover.models import conv_backbone, evaluator

    _swin(evaluator)
    small = partial(conv_backbone.ConvNeXt3D, depths=[1, 1, 1, 1], dims=[24, 48, 96, 192])
    # The original's flag is for weights to download, which DOVER's own replace.
    conv_backbone.convnext_3d_tiny = evaluator.convnext_3d_tiny = lambda pretrained=False: small()  # noqa: ARG005


def minimalist_vqa():
    """Swin-B with a quarter of the channels and a block a stage; SlowFast likewise, and all 256 of its fast pathway."""
    import pytorchvideo.models.hub.slowfast as hub
    import pytorchvideo.models.slowfast as slowfast
    import torchvision
    from models import VQAModels

    torchvision.models.swin_b = lambda weights=None: torchvision.models.SwinTransformer(  # noqa: ARG005
        patch_size=[4, 4], embed_dim=32, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8], window_size=[7, 7]
    )
    for model in (VQAModels.Model_IX, VQAModels.Model_X):
        whole = model.quality_regression
        model.quality_regression = lambda self, _, *rest, whole=whole: whole(self, 256 + 256, *rest)
    slowfast._MODEL_STAGE_DEPTH[50] = (1, 1, 1, 1)
    hub._slowfast = partial(hub._slowfast, stem_dim_outs=(16, 8), slowfast_channel_reduction_ratio=(2,))


def _swin(evaluator):
    whole = evaluator.VQAHead
    evaluator.VideoBackbone = partial(
        evaluator.VideoBackbone, embed_dim=24, num_heads=[1, 1, 1, 1], depths=[2, 1, 1, 1], window_size=(4, 4, 4)
    )
    evaluator.VQAHead = lambda **given: whole(**{**given, "in_channels": 192})


def spread(score, last, mean, std):
    """Change a network's last layer so that a dark view scores ``mean - std`` and a bright one ``mean + std``.

    Args:
        score: takes a view, (1, 3, 16, 112, 112), and returns a number of torch.
    """
    view = torch.ones(1, 3, 16, 112, 112)
    with torch.no_grad():
        dark, bright = score(-2 * view), score(2 * view)  # in standard deviations of natural images
        gain = 2 * std / abs(bright - dark)
        last.bias.copy_((last.bias - (dark + bright) / 2) * gain + mean)
        last.weight.mul_(gain)


def serve(worker, how):
    """Run a worker whose code builds smaller networks: ``how`` is a function of this file."""
    import runpy

    sys.path[:0] = [sys.argv[sys.argv.index("--code") + 1], str(WORKERS)]
    how()
    runpy.run_path(str(WORKERS / worker), run_name="__main__")
