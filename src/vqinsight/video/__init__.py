"""Clips are found, read, sampled and cut into patches. In reading order:

* ``inputs``: what the user names becomes clips
* ``lists``: lists of clips
* ``info``: what is known about a clip
* ``read``: exactly the frames asked for
* ``container``: what a video file holds
* ``truncation``: files that end too early
* ``decode``: the wanted frames of a video
* ``stills``: images and folders of frames
* ``write``: frames become an mp4
* ``sampling``: which frames are shown
* ``patches``: pixels become patches
* ``views``: what a model is shown
* ``preprocess``: a file becomes a processed clip
* ``record``: the record of what was shown
"""
