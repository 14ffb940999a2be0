"""The worker of FAST-VQA on smaller networks."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import shrink

if __name__ == "__main__":
    shrink.serve("fast_vqa.py", shrink.fast_vqa)
