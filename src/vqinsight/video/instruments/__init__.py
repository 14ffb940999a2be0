"""Optional views that show measurements of the frames as pictures."""
