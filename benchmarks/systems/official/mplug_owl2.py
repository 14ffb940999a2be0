"""mPLUG-Owl2 in Q-Instruct's program ``eval_scripts/mplug_owl_2/eval_video_quality.py``, which takes any mPLUG-Owl2."""

import owl2
import steps

MODEL = "mplug-owl2-llama2-7b"

if __name__ == "__main__":
    steps.main(*owl2.questioned(MODEL))
