"""The embedded generator: a small latent video diffusion model, and everything it was made with.

``weights/`` is what ships. ``build`` sets up its networks, ``generator`` is the adapter, ``train`` teaches it the simple corner of the embedded
world (``world/simple.py``), flaws and all.
"""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
