"""Pre-training of the embedded assessor."""
