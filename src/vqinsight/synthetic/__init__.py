"""The synthetic set: moving shapes over textured scenes, defects of known strength, and the exact quality of each
clip.

It is the only data this repository needs. ``facts`` says what is shown, ``scene`` renders it, ``defects_*`` damage any
frames at all (also photographs and real clips), ``describe`` puts the truth into words and reads it back, ``draw``
turns a seed into a clip with its exact quality.
"""
