"""The embedded model: a small Qwen2.5-VL, and everything it was made with. ``weights/`` is what ships.

``tokenizer`` trains its byte-level BPE, ``build`` sets up the network, ``lessons`` turns the embedded world into
questions and answers, ``pretrain`` teaches perception, wording and a weak, biased opinion; ``exam`` measures what it
sees.
"""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
