"""Q-Instruct: its program ``eval_scripts/mplug_owl_2/eval_video_quality.py``."""

import owl2
import steps

MODEL = "mplug_owl2_7b_448_qinstruct_preview_v0.2"

if __name__ == "__main__":
    steps.main(*owl2.questioned(MODEL))
