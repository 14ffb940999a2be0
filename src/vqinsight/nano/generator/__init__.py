"""Training of the embedded generator."""
