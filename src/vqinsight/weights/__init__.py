"""Paths of the embedded models' weights; data only."""

from pathlib import Path

ASSESSOR = Path(__file__).parent / "assessor"
GENERATOR = Path(__file__).parent / "generator"
