"""Metrics as pure functions on numbers."""
