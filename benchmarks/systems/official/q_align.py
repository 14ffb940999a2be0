"""Q-Align: its program ``q_align/evaluate/scorer.py --video``."""

import os
import sys
from pathlib import Path

import owl2
import steps

_HUB = "models--q-future--one-align"
_SNAPSHOT = "0" * 40


def _offline(folder):
    os.environ.update(HF_HUB_CACHE=str(Path(folder) / "hub"), HF_HUB_OFFLINE="1")


def reduce(_code, folder):
    _offline(folder)
    place = Path(folder) / "hub" / _HUB
    snapshot = place / "snapshots" / _SNAPSHOT
    snapshot.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(_SNAPSHOT)
    owl2.tokenizer(snapshot)
    owl2.processor(snapshot)
    from q_align.model import MPLUGOwl2Config, MPLUGOwl2LlamaForCausalLM

    owl2.model(MPLUGOwl2Config, MPLUGOwl2LlamaForCausalLM, snapshot)


def official(code, folder, files, _prompts):
    import contextlib
    import io
    import json
    import runpy

    _offline(folder)
    from transformers.models.llama.modeling_llama import LlamaPreTrainedModel

    LlamaPreTrainedModel._supports_sdpa = False  # as with its torch 2.0.1: its code lacks the mask of SDPA
    found = []
    for file in files:
        sys.argv = ["scorer.py", "--video", "--device", "cpu", "--img_path", file]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            runpy.run_path(str(Path(code) / "q_align" / "evaluate" / "scorer.py"), run_name="__main__")
        found.append({"quality": json.loads(printed.getvalue().strip().splitlines()[-1])[0]})
    return found


if __name__ == "__main__":
    steps.main(reduce, official)
