"""Optional views that show measurements of the frames as images. In reading order:

* ``scopes``: histograms, spectra and motion of a frame
* ``self_similarity``: self-similarity matrices of a segment
* ``views``: the views of a clip
"""
