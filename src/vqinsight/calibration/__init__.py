"""A user's own scale: fitted to ratings of clips, cross-validated, and used on further scores. In reading order:

* ``ratings``: rated clips from a table
* ``folds``: groups of clips that stay together, and the folds made of them
* ``fits``: a monotone map of a judge's scores, and ridge regression
* ``observations``: the scores and measurements of the rated clips
* ``validation``: figures on clips that were not fitted on
* ``scale``: a fitted scale as a file, and values on it
* ``calibrate``: from ratings to a scale
"""

from vqinsight.calibration.calibrate import calibrate
from vqinsight.calibration.ratings import read_ratings
from vqinsight.calibration.scale import Scale, load_scale

__all__ = ["Scale", "calibrate", "load_scale", "read_ratings"]
