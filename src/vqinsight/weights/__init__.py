"""Where the weights of the embedded models lie; data only."""

from pathlib import Path

ASSESSOR = Path(__file__).parent / "assessor"
GENERATOR = Path(__file__).parent / "generator"
