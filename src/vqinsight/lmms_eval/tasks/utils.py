"""What the tasks' YAML files name with ``!function``: lmms-eval looks names up in this file."""

from vqinsight.lmms_eval.figures import FIGURES, figure, results
from vqinsight.lmms_eval.questions import DATASET, docs, messages, target, text, visuals

__all__ = ["DATASET", "messages", "results", "target", "text", "visuals"]

genai_bench = docs("genai_bench")
visionreward = docs("visionreward", "test")
lgvq = docs("lgvq")
lsvq = docs("lsvq")
lsvq_1080p = docs("lsvq", "1080p")
konvid = docs("konvid")
live_vqc = docs("live_vqc")

# srcc, tau_va, spatial_srcc, missing, …: one function for each figure.
globals().update({name: figure(name) for names in FIGURES.values() for name in names})
