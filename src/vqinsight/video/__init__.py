"""Video input: finding, reading, sampling and preprocessing clips. In reading order:

* ``inputs``: clips from the user's arguments
* ``lists``: lists of clips and of pairs
* ``tars``: clips in tar files
* ``entries``: ids and revisions of clips
* ``info``: properties of a clip
* ``bounds``: sizes of frames that are read
* ``read``: probes clips and reads frames
* ``container``: probes video files
* ``truncation``: detects truncated files and false checksums
* ``mp4``: detects headers that contradict themselves
* ``decode``: decodes frames of a video
* ``fields``: deinterlaces frames
* ``rgb``: RGB pixels of a decoded frame
* ``hdr``: tone mapping of high dynamic range
* ``stills``: images, animated webp and avif, folders of frames
* ``write``: encodes frames as mp4
* ``sampling``: which frames a model is shown
* ``patches``: patches from pixels
* ``views``: the images and videos a model is shown
* ``shuffle``: clips shuffled in time
* ``preprocess``: from a file to a processed clip
* ``windows``: windows of a clip as clips of their own
* ``arrays``: frames in memory
* ``record``: the record of what a model was shown
"""
