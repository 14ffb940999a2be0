"""Small pieces that every folder uses."""
