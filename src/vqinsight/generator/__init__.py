"""G: a text becomes a clip. ``open_generator`` in ``load.py`` finds one; ``base.py`` says what each can do.

Shape suffixes are spelled out here, as every family has latents of its own shape: B clips, F frames, H and W pixels.
"""
