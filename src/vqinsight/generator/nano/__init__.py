"""The embedded generator: a small latent video diffusion model, and everything it was made with.

``weights/`` is what ships. ``build`` sets up its networks, ``planes`` turns frames and words into their inputs,
``generator`` is the adapter, ``train`` teaches it the simple corner of the embedded world (``world/simple.py``), flaws
and all, ``export`` makes a trained folder the one that ships.
"""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
